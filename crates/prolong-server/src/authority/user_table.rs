//! The operator's own user table (`check_url`), asked at sign-in.

use std::time::Duration;

use prolong_core::{CheckFailure, SessionId};
use prolong_protocol::problem::Code;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Authority;
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::users::parsed_claims;

impl Authority {
    /// Asks whether `sub` may sign in; gives the user's claims where the answer has some. No `check_url`: yes.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED`; `UNAVAILABLE` where the table does not answer and the policy says `check_failure = refuse`.
    pub(crate) async fn ask_user_table(
        &self,
        sub: &str,
        client: &Client,
        sid: SessionId,
        remember: bool,
    ) -> Result<Option<String>, Failure> {
        let policy = client.policy_for(remember);
        let Some(url) = policy.check_url.as_deref() else { return Ok(None) };
        let question = json!({ "sub": sub, "client_id": client.id, "sid": sid.to_string(), "event": "sign_in" });
        match ask(url, &question).await {
            Ok(Answer { allow: true, claims, .. }) => claims
                .as_ref()
                .map(parsed_claims)
                .transpose()
                .map_err(|fault| Failure::unavailable(format_args!("check_url: `claims` {fault}"))),
            Ok(Answer { allow: false, reason, .. }) => {
                let detail = reason.unwrap_or_else(|| "the application does not let this user sign in".to_owned());
                let detail: String = detail.chars().filter(|c| !c.is_control()).take(200).collect();
                Err(Failure::new(Code::SignInRefused, detail))
            }
            Err(fault) if policy.check_failure == CheckFailure::Refuse => {
                Err(Failure::unavailable(format_args!("check_url: {fault}")))
            }
            Err(fault) => {
                tracing::warn!(client = client.id, fault, "check_url did not answer; going on without it");
                Ok(None)
            }
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    claims: Option<Value>,
}

/// One question, one second, no redirects.
async fn ask(url: &str, question: &Value) -> Result<Answer, String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(1))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())?;
    let mut response =
        client.post(url).json(question).send().await.map_err(|error| error.without_url().to_string())?;
    if !response.status().is_success() {
        return Err(format!("answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > 64 * 1024 {
            return Err("answered more than 64 KiB".to_owned());
        }
    }
    serde_json::from_slice(&body).map_err(|error| format!("answered something else than agreed: {error}"))
}
