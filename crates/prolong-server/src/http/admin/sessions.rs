//! `/v1/admin/sessions`: list, look at, end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use prolong_core::{EndReason, SessionId};
use prolong_store::{Found, SessionFilter};
use serde_json::{Value, json};

use super::gate::{self, SUPPORT};
use super::paging::{Parameters, next};
use crate::Authority;
use crate::authority::end::no_such_session;
use crate::http::problem::Failure;
use crate::http::sessions::fields::{Segment, invalid};
use crate::http::sessions::items;

/// `?user=` (login or id), `client_id=`, `live=true` (leaves out what has ended or is over).
pub(super) async fn list(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let parameters = Parameters::read(&parts.uri, &["user", "client_id", "live"])?;
    let page = parameters.page()?;
    if page
        .after
        .as_deref()
        .is_some_and(|after| SessionId::parse(after).is_none())
    {
        return Err(invalid("after", "must be a session's id"));
    }
    let user = match parameters.text("user") {
        None => None,
        Some(name) => Some(authority.user_by_name(name).await?.key),
    };
    let live = parameters.flag("live")?;
    let client = parameters.text("client_id").map(ToOwned::to_owned);
    let filter = SessionFilter {
        user,
        client,
        not_ended: live,
    };
    let now = authority.decisive_now()?;
    let found = authority
        .store
        .sessions(&filter, &page)
        .await
        .map_err(Failure::unavailable)?;
    let next = next(&found, &page, |found| found.session.id.to_string());
    let sessions: Vec<Value> = found
        .iter()
        .filter(|found| {
            !live
                || authority
                    .over_now(&found.session, &found.user.standing, now)
                    .is_none()
        })
        .map(|found| items::for_admin(&authority, found, now))
        .collect();
    Ok(Json(json!({ "sessions": sessions, "next": next })))
}

pub(super) async fn of_user(
    State(authority): State<Arc<Authority>>,
    Segment(sub): Segment,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let user = authority.existing_user(&sub).await?;
    let now = authority.decisive_now()?;
    let sessions = authority
        .store
        .sessions_of(user.key)
        .await
        .map_err(Failure::unavailable)?;
    let sessions: Vec<Value> = sessions
        .into_iter()
        .map(|session| {
            items::for_admin(
                &authority,
                &Found {
                    session,
                    user: user.clone(),
                },
                now,
            )
        })
        .collect();
    Ok(Json(json!({ "sessions": sessions })))
}

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    Segment(sid): Segment,
    parts: Parts,
) -> Result<Json<Value>, Failure> {
    gate::actor(&authority, &parts, &[SUPPORT])?;
    let id = SessionId::parse(&sid).ok_or_else(no_such_session)?;
    let found = authority
        .store
        .session(id)
        .await
        .map_err(Failure::unavailable)?
        .ok_or_else(no_such_session)?;
    Ok(Json(items::for_admin(
        &authority,
        &found,
        authority.decisive_now()?,
    )))
}

pub(super) async fn delete(
    State(authority): State<Arc<Authority>>,
    Segment(sid): Segment,
    parts: Parts,
) -> Result<StatusCode, Failure> {
    let actor = gate::actor(&authority, &parts, &[SUPPORT])?;
    let id = SessionId::parse(&sid).ok_or_else(no_such_session)?;
    authority
        .end_session(id, None, EndReason::EndedByAdmin, &actor)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
