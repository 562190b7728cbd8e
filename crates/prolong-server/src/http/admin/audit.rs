//! `GET /v1/admin/audit`: what happened, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::request::Parts;
use prolong_core::{SessionId, Timestamp};
use prolong_store::{AuditFilter, AuditLine};
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use super::paging::{Parameters, next};
use crate::Authority;
use crate::http::problem::Failure;
use crate::http::sessions::fields::invalid;
use crate::http::sessions::items::rfc3339;

/// `?user=` (login or id), `session=`, `since=` (RFC 3339), `what=`.
pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let parameters = Parameters::read(&parts.uri, &["user", "session", "since", "what"])?;
    let page = parameters.page()?;
    if page
        .after
        .as_deref()
        .is_some_and(|after| after.parse::<i64>().is_err())
    {
        return Err(invalid("after", "must be an audit line's number"));
    }
    let user = match parameters.text("user") {
        None => None,
        Some(name) => Some(authority.user_by_name(name).await?.key),
    };
    let session = match parameters.text("session") {
        None => None,
        Some(id) => {
            Some(SessionId::parse(id).ok_or_else(|| invalid("session", "must be a session's id"))?)
        }
    };
    let since = match parameters.text("since") {
        None => None,
        Some(text) => {
            let at: jiff::Timestamp = text
                .parse()
                .map_err(|_| invalid("since", "must be an RFC 3339 time"))?;
            Some(Timestamp::from_millis(at.as_millisecond()))
        }
    };
    let what = parameters.text("what").map(ToOwned::to_owned);
    let filter = AuditFilter {
        user,
        session,
        since,
        what,
    };
    let lines = authority
        .store
        .audit(&filter, &page)
        .await
        .map_err(Failure::unavailable)?;
    let list: Vec<Value> = lines.iter().map(shown).collect();
    Ok(Json(
        json!({ "lines": list, "next": next(&lines, &page, |line| line.id.to_string()) }),
    ))
}

pub(super) fn shown(line: &AuditLine) -> Value {
    let detail: Value = serde_json::from_str(&line.detail).unwrap_or(Value::Null);
    json!({
        "id": line.id,
        "at": rfc3339(line.at),
        "what": line.what,
        "actor": line.actor,
        "session": line.session.map(|id| id.to_string()),
        "detail": detail,
    })
}
