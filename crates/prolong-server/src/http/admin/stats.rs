//! `GET /v1/admin/stats`: how much there is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::request::Parts;
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::items::rfc3339;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let counts = authority
        .store
        .counts()
        .await
        .map_err(Failure::unavailable)?;
    let head = authority
        .store
        .feed_head()
        .await
        .map_err(Failure::unavailable)?;
    Ok(Json(json!({
        "users": counts.users,
        "sessions": counts.sessions,
        "sessions_not_ended": counts.sessions_not_ended,
        "feed_entries": counts.feed_entries,
        "feed_head": head.seq,
        "audit_lines": counts.audit_lines,
        "clients": authority.settings.clients.len(),
        "as_of": rfc3339(authority.clock.now()),
    })))
}
