//! The operator's own user table (`check_url`): asked at sign-in and before whatever prolongs a session durably, for at most a
//! second: a rotation, a reauthentication, or the activity that a renewal stores. What writes nothing asks nobody.

use std::time::Duration;

use prolong_core::{CheckFailure, EndReason, Policy, SessionId};
use prolong_protocol::problem::Code;
use prolong_store::Found;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Authority;
use crate::http::problem::Failure;
use crate::settings::Client;
use crate::users::parsed_claims;

/// What the operator's table said.
pub(crate) enum TableSays {
    /// Go on; with these public claims from now on, if any were told.
    Allow(Option<String>),
    /// Not this user: why, and in the table's own words.
    Refuse(EndReason, Option<String>),
    /// It did not answer, and the policy wants an answer.
    NoAnswer(String),
}

#[derive(Serialize)]
struct Question<'a> {
    sub: &'a str,
    client_id: &'a str,
    sid: String,
    event: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    reason: Option<String>,
    claims: Option<Value>,
}

impl Authority {
    /// Asks at sign-in. The claims that it told, if any.
    ///
    /// # Errors
    /// `SIGN_IN_REFUSED`; `UNAVAILABLE` where it does not answer and `check_failure = "refuse"`.
    pub(crate) async fn ask_user_table(
        &self,
        sub: &str,
        client: &Client,
        sid: SessionId,
        remember: bool,
    ) -> Result<Option<String>, Failure> {
        match self
            .user_table(client.policy_for(remember), sub, &client.id, sid, "sign_in")
            .await
        {
            TableSays::Allow(claims) => Ok(claims),
            TableSays::Refuse(_, words) => {
                let detail = words
                    .unwrap_or_else(|| "the application does not let this user sign in".to_owned());
                let detail: String = detail
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                Err(Failure::new(Code::SignInRefused, detail))
            }
            TableSays::NoAnswer(cause) => Err(Failure::unavailable(cause)),
        }
    }

    /// Asks before a session is prolonged durably.
    pub(crate) async fn user_table_on_prolonging(
        &self,
        found: &Found,
        client: &Client,
        policy: &Policy,
    ) -> TableSays {
        let (sub, sid) = (&found.user.sub, found.session.id);
        self.user_table(policy, sub, &client.id, sid, "prolong")
            .await
    }

    /// Asks about any event; without a `check_url` everybody is allowed.
    pub(crate) async fn user_table(
        &self,
        policy: &Policy,
        sub: &str,
        client_id: &str,
        sid: SessionId,
        event: &'static str,
    ) -> TableSays {
        let Some(url) = &policy.check_url else {
            return TableSays::Allow(None);
        };
        let question = Question {
            sub,
            client_id,
            sid: sid.to_string(),
            event,
        };
        let asking = async {
            let Some(tables) = &self.user_tables else {
                return Err("no client was made for it".to_owned());
            };
            let answer = short_answer(tables.post(&**url).json(&question)).await?;
            said(serde_json::from_slice(&answer).map_err(|error| error.to_string())?)
        };
        let failed = match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(says)) => return says,
            Ok(Err(fault)) => fault,
            Err(_) => "no answer within a second".to_owned(),
        };
        tracing::warn!(
            event,
            error = failed,
            "the user table at check_url did not answer"
        );
        match policy.check_failure {
            CheckFailure::Allow => TableSays::Allow(None),
            CheckFailure::Refuse => TableSays::NoAnswer(format!("check_url: {failed}")),
        }
    }
}

/// The body of an answer that is no longer than one may be.
async fn short_answer(request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
    // The URL may hold a secret of the operator's.
    let broken = |error: reqwest::Error| error.without_url().to_string();
    let response = request.send().await.map_err(broken)?;
    let mut response = response.error_for_status().map_err(broken)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > MOST {
            return Err(format!("its answer is longer than {MOST} bytes"));
        }
    }
    Ok(body)
}

fn said(answer: Answer) -> Result<TableSays, String> {
    if answer.allow {
        let claims = answer.claims.as_ref().map(parsed_claims).transpose();
        return claims
            .map(TableSays::Allow)
            .map_err(|fault| format!("`claims` {fault}"));
    }
    let named = |reason: &str| {
        EndReason::ALL
            .into_iter()
            .find(|one| one.as_str() == reason)
    };
    let reason = answer
        .reason
        .as_deref()
        .and_then(named)
        .unwrap_or(EndReason::UserDisabled);
    Ok(TableSays::Refuse(reason, answer.reason))
}

const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes of an answer; the claims in it may have 4 KiB.
const MOST: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::extract::State;
    use axum::routing::post;
    use axum::{Json, Router};
    use http::StatusCode;
    use parking_lot::Mutex;
    use prolong_core::{CheckFailure, PolicyDraft, Preset};
    use serde_json::{Value, json};

    use crate::world::{World, part, preset, world};

    /// What the operator's table was asked, and what it answers.
    #[derive(Clone, Default)]
    struct Table {
        asked: Arc<Mutex<Vec<Value>>>,
        answer: Arc<Mutex<Value>>,
    }

    async fn asked(State(table): State<Table>, Json(question): Json<Value>) -> Json<Value> {
        table.asked.lock().push(question);
        Json(table.answer.lock().clone())
    }

    async fn beside_a_table(failure: CheckFailure) -> (World, Table) {
        beside_a_table_with(failure, preset(Preset::Refresh)).await
    }

    async fn beside_a_table_with(failure: CheckFailure, policy: PolicyDraft) -> (World, Table) {
        let table = Table::default();
        *table.answer.lock() = json!({ "allow": true });
        let app = Router::new()
            .route("/", post(asked))
            .with_state(table.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let draft = PolicyDraft {
            check_url: Some(url.into()),
            check_failure: Some(failure),
            ..policy
        };
        (world(draft).await, table)
    }

    #[tokio::test]
    async fn a_rotation_asks_the_table_and_obeys_it() {
        let (w, table) = beside_a_table(CheckFailure::Refuse).await;
        let first = w.signed_in("web").await.answer.refresh_token.unwrap();
        w.later(60);
        *table.answer.lock() = json!({ "allow": true, "claims": { "role": "clerk" } });
        let rotated = w.refresh(&first, "").await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
        assert_eq!(part(rotated.text("access_token"), 1)["role"], "clerk");
        let events: Vec<Value> = table
            .asked
            .lock()
            .iter()
            .map(|question| question["event"].clone())
            .collect();
        assert_eq!(events, ["sign_in", "prolong"]);

        w.later(60);
        let token = rotated.text("refresh_token").to_owned();
        // A reason that is known here is told; any other word is as good as none.
        for (said, told) in [
            ("user_deleted", "user_deleted"),
            ("moved to the moon", "user_disabled"),
        ] {
            *table.answer.lock() = json!({ "allow": false, "reason": said });
            let refused = w.refresh(&token, "").await;
            assert_eq!(
                (refused.text("error"), refused.text("reason")),
                ("invalid_grant", told)
            );
        }
        *table.answer.lock() = json!({ "allow": true });
        let again = w.refresh(&token, "").await;
        assert_eq!(again.status, StatusCode::OK, "a refusal consumed the token");
    }

    /// Renewed by its access token, or without rotation: what is stored is asked about, and what is not is not.
    #[tokio::test]
    async fn what_prolongs_durably_asks_the_table_too() {
        let refuse = json!({ "allow": false, "reason": "user_deleted" });
        let renewed = (preset(Preset::LastAccess), false);
        let unrotated = PolicyDraft {
            rotate: Some(false),
            ..preset(Preset::Refresh)
        };
        for (policy, by_refresh) in [renewed, (unrotated, true)] {
            let (w, table) = beside_a_table_with(CheckFailure::Refuse, policy).await;
            let start = w.signed_in("web").await.answer;
            let prolong = async || {
                if by_refresh {
                    let token = start.refresh_token.as_deref().unwrap();
                    w.refresh(token, "").await
                } else {
                    let path = "/v1/sessions/current/prolong";
                    w.call("POST", path, &start.access_token, "").await
                }
            };
            let asked = || table.asked.lock().len();
            assert_eq!(asked(), 1, "at sign-in");
            w.later(60);
            *table.answer.lock() = refuse.clone();
            let refused = prolong().await;
            assert_eq!(refused.text("reason"), "user_deleted", "{}", refused.body);
            assert!(refused.status.is_client_error());
            *table.answer.lock() = json!({ "allow": true, "claims": { "role": "clerk" } });
            let prolonged = prolong().await;
            assert_eq!(prolonged.status, StatusCode::OK, "{}", prolonged.body);
            assert_eq!(part(prolonged.text("access_token"), 1)["role"], "clerk");
            assert_eq!(asked(), 3);
            *table.answer.lock() = refuse.clone();
            assert_eq!(prolong().await.status, StatusCode::OK, "nothing is stored");
            assert_eq!(asked(), 3);
        }
    }

    /// The right password does not bring back whom the operator's table no longer lets in.
    #[tokio::test]
    async fn a_reauthentication_asks_the_table_too() {
        let (w, table) = beside_a_table(CheckFailure::Refuse).await;
        let session = w.signed_in("web").await.answer.session.unwrap().id;
        let backend = w.token_for("prolong:sign-in").await;
        let path = format!("/v1/admin/sessions/{session}/reauthenticate");
        *table.answer.lock() = json!({ "allow": false, "reason": "user_deleted" });
        let refused = w.call("POST", &path, &backend, "{}").await;
        assert_eq!(refused.text("reason"), "user_deleted", "{}", refused.body);
        *table.answer.lock() = json!({ "allow": true, "claims": { "role": "clerk" } });
        let vouched = w.call("POST", &path, &backend, "{}").await;
        assert_eq!(vouched.status, StatusCode::OK, "{}", vouched.body);
        assert_eq!(part(vouched.text("access_token"), 1)["role"], "clerk");
        let asked = table.asked.lock();
        let last = asked.last().unwrap();
        assert_eq!((asked.len(), &last["event"]), (3, &json!("prolong")));
    }

    #[tokio::test]
    async fn a_table_that_makes_no_sense_counts_as_the_policy_says() {
        for (failure, status) in [
            (CheckFailure::Refuse, StatusCode::SERVICE_UNAVAILABLE),
            (CheckFailure::Allow, StatusCode::OK),
        ] {
            let (w, table) = beside_a_table(failure).await;
            let token = w.signed_in("web").await.answer.refresh_token.unwrap();
            w.later(60);
            *table.answer.lock() = json!({ "allow": "perhaps" });
            assert_eq!(w.refresh(&token, "").await.status, status);
        }
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_cut_short() {
        let (w, table) = beside_a_table(CheckFailure::Refuse).await;
        let token = w.signed_in("web").await.answer.refresh_token.unwrap();
        w.later(60);
        let long = "x".repeat(super::MOST);
        *table.answer.lock() = json!({ "allow": true, "more": long });
        let refused = w.refresh(&token, "").await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        *table.answer.lock() = json!({ "allow": true });
        assert_eq!(w.refresh(&token, "").await.status, StatusCode::OK);
    }
    /// A table that fails, or sends us elsewhere, has not answered, whatever its body says.
    #[tokio::test]
    async fn only_an_answer_of_the_table_itself_counts() {
        let allow = || Json(json!({ "allow": true }));
        let app = Router::new()
            .route("/good", post(async move || allow()))
            .route(
                "/fails",
                post(async move || (StatusCode::INTERNAL_SERVER_ERROR, allow())),
            )
            .route(
                "/moved",
                post(async || axum::response::Redirect::temporary("/good")),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        for (path, answers) in [("good", true), ("fails", false), ("moved", false)] {
            let draft = PolicyDraft {
                check_url: Some(format!("http://{at}/{path}").into()),
                check_failure: Some(CheckFailure::Refuse),
                ..preset(Preset::Refresh)
            };
            let w = world(draft).await;
            let started = w.brought("maryo", "web").await;
            assert_eq!(started.is_ok(), answers, "{path}");
        }
    }
}
