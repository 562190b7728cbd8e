//! `POST /v1/activity`: verifiers report which sessions were used (decision 0021). Scope `prolong:activity`.
//!
//! `{"sessions": [{"id": "…", "idle_for": 3}]}`, at most 1,000: `idle_for` is how many seconds ago, so no clocks are
//! compared. 204 once it is stored. Sessions that are unknown, over, or of a policy without `activity = "request"` are
//! passed over, and the answer does not tell them from others.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use prolong_core::{SessionId, Timestamp};
use serde_json::Value;

use super::bearer::bearer;
use super::problem::Failure;
use super::sessions::fields::{Body, Fields, invalid};
use crate::authority::Authority;

/// May say that a session is in use.
const ACTIVITY: &str = "prolong:activity";
const AT_MOST: usize = 1000;

/// The handler.
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Result<StatusCode, Failure> {
    authority.authenticate_machine(bearer(&parts.headers, &parts.uri)?, &[ACTIVITY])?;
    let fields = Fields::read(&parts.headers, &body)?.only(&["sessions"])?;
    let now = authority.decisive_now()?;
    let seen = read(&fields, now)?;
    authority
        .report_activity(&seen)
        .await
        .map_err(Failure::unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(fields: &Fields, now: Timestamp) -> Result<Vec<(SessionId, Timestamp)>, Failure> {
    let list = match fields.value("sessions") {
        Some(Value::Array(list)) if list.len() <= AT_MOST => list,
        Some(Value::Array(_)) => return Err(invalid("sessions", "must have at most 1,000 items")),
        Some(_) => return Err(invalid("sessions", "must be a list")),
        None => return Err(invalid("sessions", "is missing")),
    };
    let one = |item: &Value| {
        let id = item.get("id").and_then(Value::as_str);
        let idle_for = item.get("idle_for").and_then(Value::as_u64);
        let (Some(id), Some(idle_for)) = (id, idle_for) else {
            let what = "must hold objects with an `id` and whole seconds `idle_for`";
            return Err(invalid("sessions", what));
        };
        let at = now.minus(std::time::Duration::from_secs(idle_for));
        // What is no id here is no session here: as unknown as any other.
        Ok(SessionId::parse(id).map(|id| (id, at)))
    };
    list.iter()
        .filter_map(|item| one(item).transpose())
        .collect()
}

#[cfg(test)]
mod tests {
    use prolong_core::Preset;

    use super::*;
    use crate::world::{World, preset, world};

    async fn machine(w: &World, scope: &str) -> String {
        format!("Bearer {}", w.token_for(scope).await)
    }

    async fn report(w: &World, token: &str, body: &str) -> u16 {
        let headers = [
            ("authorization", token),
            ("content-type", "application/json"),
        ];
        let answer = w.send("POST", "/v1/activity", &headers, body).await;
        answer.status.as_u16()
    }

    async fn verified(w: &World, token: &str, more: &[(&str, &str)]) -> u16 {
        let bearer = format!("Bearer {token}");
        let headers: Vec<_> = [("authorization", bearer.as_str())]
            .into_iter()
            .chain(more.iter().copied())
            .collect();
        w.send("GET", "/v1/verify", &headers, "")
            .await
            .status
            .as_u16()
    }

    async fn last_active(w: &World, id: SessionId) -> i64 {
        w.authority
            .store
            .session(id)
            .await
            .unwrap()
            .unwrap()
            .session
            .active_at
            .as_millis()
    }

    #[tokio::test]
    async fn reports_are_stored_by_maximum_before_they_are_acknowledged() {
        let w = world(preset(Preset::LastAccess)).await;
        let session = w.signed_in("web").await.session;
        let (id, began) = (session.id, session.active_at.as_millis());
        let item = |idle_for: u64| {
            format!(
                "{{\"sessions\":[{{\"id\":\"{id}\",\"idle_for\":{idle_for}}},{{\"id\":\"unknown\",\"idle_for\":0}}]}}"
            )
        };
        w.later(600);
        let token = machine(&w, "prolong:activity").await;
        assert_eq!(report(&w, &token, &item(60)).await, 204);
        assert_eq!(last_active(&w, id).await, began + 540_000);
        assert_eq!(report(&w, &token, &item(300)).await, 204);
        assert_eq!(last_active(&w, id).await, began + 540_000, "by maximum");
        assert_eq!(report(&w, &token, &item(0)).await, 204);
        assert_eq!(last_active(&w, id).await, began + 600_000);
    }

    #[tokio::test]
    async fn a_late_report_counts_but_none_brings_back_what_was_over() {
        let w = world(preset(Preset::LastAccess)).await;
        let session = w.signed_in("web").await.session;
        let item = |idle_for: u64| {
            format!(
                "{{\"sessions\":[{{\"id\":\"{}\",\"idle_for\":{idle_for}}}]}}",
                session.id
            )
        };
        w.later(30 * 60 + 10);
        let token = machine(&w, "prolong:activity").await;
        assert_eq!(report(&w, &token, &item(10)).await, 204);
        assert_eq!(
            last_active(&w, session.id).await,
            session.active_at.as_millis(),
            "at its end it is over"
        );
        assert_eq!(report(&w, &token, &item(11)).await, 204);
        assert_eq!(
            last_active(&w, session.id).await,
            session.active_at.as_millis() + 1_799_000
        );
    }

    #[tokio::test]
    async fn other_policies_do_not_count_requests() {
        let w = world(preset(Preset::Refresh)).await;
        let session = w.signed_in("web").await.session;
        w.later(60);
        let token = machine(&w, "prolong:activity").await;
        let body = format!(
            "{{\"sessions\":[{{\"id\":\"{}\",\"idle_for\":0}}]}}",
            session.id
        );
        assert_eq!(report(&w, &token, &body).await, 204);
        assert_eq!(
            last_active(&w, session.id).await,
            session.active_at.as_millis()
        );
    }

    #[tokio::test]
    async fn only_the_scope_may_report_and_faults_are_named() {
        let w = world(preset(Preset::LastAccess)).await;
        let user = format!("Bearer {}", w.signed_in("web").await.answer.access_token);
        assert_eq!(report(&w, &user, "{\"sessions\":[]}").await, 403);
        let feed = machine(&w, "prolong:feed").await;
        assert_eq!(report(&w, &feed, "{\"sessions\":[]}").await, 403);
        assert_eq!(
            w.send("POST", "/v1/activity", &[], "")
                .await
                .status
                .as_u16(),
            401
        );
        let token = machine(&w, "prolong:activity").await;
        assert_eq!(report(&w, &token, "{\"sessions\":[]}").await, 204);
        let many = format!("{{\"sessions\":[{}1]}}", "1,".repeat(1000));
        for bad in [
            "{}",
            "{\"sessions\":{}}",
            "{\"sessions\":[7]}",
            "{\"sessions\":[{\"id\":\"x\"}]}",
            "{\"sessions\":[],\"x\":1}",
            "{\"sessions\":[{\"id\":\"x\",\"idle_for\":-1}]}",
            "{\"sessions\":[{\"id\":\"x\",\"idle_for\":1.5}]}",
            many.as_str(),
        ] {
            let status = report(&w, &token, bad).await;
            assert!((400..=422).contains(&status), "{status}: {bad}");
        }
    }

    #[tokio::test]
    async fn forward_auth_stores_before_it_answers_and_background_requests_do_not_count() {
        let w = world(preset(Preset::LastAccess)).await;
        let signed_in = w.signed_in("web").await;
        let (id, began) = (
            signed_in.session.id,
            signed_in.session.active_at.as_millis(),
        );
        let token = signed_in.answer.access_token;
        w.later(30);
        assert_eq!(
            verified(&w, &token, &[("prolong-activity", "background")]).await,
            200
        );
        assert_eq!(last_active(&w, id).await, began);
        assert_eq!(verified(&w, &token, &[]).await, 200);
        assert_eq!(
            last_active(&w, id).await,
            began + 30_000,
            "no step is too small"
        );
        // In its second half a token is prolonged, but not by the background.
        w.later(10 * 60);
        let bearer = format!("Bearer {token}");
        let headers = [
            ("authorization", bearer.as_str()),
            ("prolong-activity", "Background"),
        ];
        let answer = w.send("GET", "/v1/verify", &headers, "").await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("prolong-access-token")
            ),
            (200, "")
        );
        assert_eq!(last_active(&w, id).await, began + 30_000);
        w.later(20 * 60);
        assert_eq!(
            verified(&w, &token, &[("prolong-activity", "background")]).await,
            401
        );
    }
}
