//! The claims of an access token (RFC 9068).

use prolong_core::AccessGrant;
use serde_json::{Map, Value, json};

/// What goes into an access token.
pub(crate) struct AccessClaims<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) audience: &'a [String],
    pub(crate) client_id: &'a str,
    pub(crate) token_id: String,
    /// `iat` and `exp`, seconds.
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) scope: Option<&'a str>,
    pub(crate) session: Option<SessionClaims<'a>>,
}

/// What only a user's token has.
pub(crate) struct SessionClaims<'a> {
    pub(crate) session_id: String,
    pub(crate) auth_time: i64,
    pub(crate) version: u64,
    pub(crate) acr: Option<&'a str>,
    pub(crate) grant: AccessGrant,
    /// Where the policy supersedes.
    pub(crate) generation: Option<u64>,
    /// The user's public claims, a JSON object.
    pub(crate) public: &'a str,
}

impl AccessClaims<'_> {
    /// The claims as a JSON object. Public claims never replace registered ones.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut claims = Map::new();
        if let Some(session) = &self.session {
            if let Ok(Value::Object(public)) = serde_json::from_str(session.public) {
                claims = public;
            }
            for reserved in RESERVED {
                claims.remove(*reserved);
            }
            claims.insert("sid".to_owned(), json!(session.session_id));
            claims.insert("auth_time".to_owned(), json!(session.auth_time));
            claims.insert("jwt_version".to_owned(), json!(session.version));
            if let Some(soft) = session.grant.soft_expires_at {
                claims.insert("softexp".to_owned(), json!(soft.as_secs()));
            }
            if let Some(acr) = session.acr {
                claims.insert("acr".to_owned(), json!(acr));
            }
            if let Some(generation) = session.generation {
                claims.insert("gen".to_owned(), json!(generation));
            }
        }
        let audience = match self.audience {
            [one] => json!(one),
            several => json!(several),
        };
        claims.insert("iss".to_owned(), json!(self.issuer));
        claims.insert("sub".to_owned(), json!(self.subject));
        claims.insert("aud".to_owned(), audience);
        claims.insert("client_id".to_owned(), json!(self.client_id));
        claims.insert("iat".to_owned(), json!(self.issued_at));
        claims.insert("exp".to_owned(), json!(self.expires_at));
        claims.insert("jti".to_owned(), json!(self.token_id));
        if let Some(scope) = self.scope.filter(|scope| !scope.is_empty()) {
            claims.insert("scope".to_owned(), json!(scope));
        }
        serde_json::to_vec(&claims).unwrap_or_default()
    }
}

/// Members that only the authority sets.
pub(crate) const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "client_id",
    "iat",
    "nbf",
    "exp",
    "jti",
    "auth_time",
    "sid",
    "jwt_version",
    "softexp",
    "scope",
    "acr",
    "amr",
    "gen",
    "cnf",
    "azp",
    "act",
];
