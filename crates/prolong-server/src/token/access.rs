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
    /// The session is under its client's `policy_remembered`.
    pub(crate) remembered: bool,
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
            if session.remembered {
                claims.insert(REMEMBER.to_owned(), json!(true));
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

/// Claims that users' public claims may not set: the authority does, or RFC 7519, RFC 9068, RFC 7800, RFC 8693 or `OpenID`
/// Connect gives them a meaning that APIs would believe.
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
    "remember",
    "scope",
    "acr",
    "amr",
    "gen",
    "cnf",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "act",
    "may_act",
];

/// The claim that says: under the client's `policy_remembered`. Only tokens of clients that have one carry it.
pub(crate) const REMEMBER: &str = "remember";

#[cfg(test)]
mod tests {
    use super::*;
    use prolong_core::Timestamp;

    #[test]
    fn whatever_the_authority_says_of_itself_is_reserved() {
        let at = Timestamp::from_secs(1_800_000_000);
        let audience = ["api".to_owned()];
        let forged: Map<String, Value> = RESERVED
            .iter()
            .map(|name| ((*name).to_owned(), json!("forged")))
            .collect();
        let public = Value::Object(forged).to_string();
        let claims = AccessClaims {
            issuer: "https://auth.example.com",
            subject: "maryo",
            audience: &audience,
            client_id: "web",
            token_id: "j".to_owned(),
            issued_at: 1,
            expires_at: 2,
            scope: Some("read"),
            session: Some(SessionClaims {
                session_id: "s".to_owned(),
                auth_time: 1,
                version: 1,
                acr: Some("aal2"),
                grant: AccessGrant {
                    issued_at: at,
                    expires_at: at,
                    soft_expires_at: Some(at),
                    idle_end: None,
                    absolute_end: None,
                    hint: prolong_core::RenewalHint::Absent,
                },
                generation: Some(1),
                remembered: true,
                public: &public,
            }),
        };
        let made: Map<String, Value> = serde_json::from_slice(&claims.to_json()).unwrap();
        for (name, value) in made {
            assert!(
                RESERVED.contains(&name.as_str()),
                "{name} can be set by others"
            );
            assert_ne!(value, json!("forged"), "{name}");
        }
    }
}
