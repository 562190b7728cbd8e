//! Token answers, from any endpoint that gives tokens.

use serde::{Deserialize, Serialize};

use crate::problem::{Action, Reason};

/// Tokens, and what the client should know about them. Durations are relative seconds.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenAnswer {
    /// The access token (RFC 9068).
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until `exp`.
    pub expires_in: i64,
    /// The refresh token to use next; absent in cookie transport, for access-token policies, and where the client has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Granted scope, where it differs from what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds after which to renew, jittered; absent where a deadline of the session limits the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_in: Option<i64>,
    /// Seconds until the idle deadline; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token_timeout: Option<i64>,
    /// Seconds until the absolute end; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_expires_in: Option<i64>,
    /// The authority's clock, seconds since the epoch.
    pub server_time: i64,
    /// The session; absent for machine tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionSummary>,
}

impl core::fmt::Debug for TokenAnswer {
    /// Leaves the tokens out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TokenAnswer")
            .field("expires_in", &self.expires_in)
            .field("has_refresh_token", &self.refresh_token.is_some())
            .field("scope", &self.scope)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// The session a token answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionSummary {
    /// `sid`.
    pub id: String,
    /// How often its refresh token was replaced: the newer answer has the higher one.
    pub generation: u64,
    /// What the user calls the device.
    pub device_name: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub last_active_at: String,
}

/// An OAuth error (RFC 6749 §5.2) with Prolong's extra members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OAuthError {
    /// The registered error code.
    pub error: String,
    /// One sentence in plain ASCII.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// Why the session is over; only for an authentic, recent token of the right client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_printed_shows_no_token() {
        let answer = r#"{"access_token":"eyJx","token_type":"Bearer","expires_in":9,"refresh_token":"plr1_x","server_time":1}"#;
        let answer: TokenAnswer = serde_json::from_str(answer).unwrap();
        let printed = format!("{answer:?}");
        assert!(
            !printed.contains("eyJ") && !printed.contains("plr1_"),
            "{printed}"
        );
        assert!(serde_json::to_string(&answer).unwrap().contains("plr1_x"));
    }
}
