//! The claims of an access token (RFC 9068).

use prolong_core::AccessGrant;
use serde::Serialize;
use serde_json::{Map, Value};

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
        let session = self.session.as_ref();
        let payload = Payload {
            iss: self.issuer,
            sub: self.subject,
            aud: match self.audience {
                [one] => Audience::One(one),
                several => Audience::Several(several),
            },
            client_id: self.client_id,
            iat: self.issued_at,
            exp: self.expires_at,
            jti: &self.token_id,
            scope: self.scope.filter(|scope| !scope.is_empty()),
            sid: session.map(|session| session.session_id.as_str()),
            auth_time: session.map(|session| session.auth_time),
            jwt_version: session.map(|session| session.version),
            softexp: session.and_then(|session| Some(session.grant.soft_expires_at?.as_secs())),
            acr: session.and_then(|session| session.acr),
            generation: session.and_then(|session| session.generation),
            remember: session.and_then(|session| session.remembered.then_some(true)),
            public: session.map_or_else(Map::new, |session| public_claims(session.public)),
        };
        let mut json = Vec::with_capacity(512);
        match serde_json::to_writer(&mut json, &payload) {
            Ok(()) => json,
            Err(_) => Vec::new(),
        }
    }
}

/// The payload as it is written.
#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Audience<'a>,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwt_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    softexp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(rename = "gen", skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remember: Option<bool>,
    #[serde(flatten)]
    public: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(&'a str),
    Several(&'a [String]),
}

fn public_claims(stored: &str) -> Map<String, Value> {
    // Most users have none.
    if stored == "{}" {
        return Map::new();
    }
    let mut claims = match serde_json::from_str(stored) {
        Ok(Value::Object(claims)) => claims,
        _ => Map::new(),
    };
    // Checked when they were set; but what was reserved since must not slip through.
    claims.retain(|name, _| !RESERVED.contains(&name.as_str()));
    claims
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
    use serde_json::json;

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
