//! `/v1/sessions/current`: this session's facts, its device's name, its end.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use prolong_core::EndReason;
use prolong_protocol::session::SessionItem;

use super::fields::{Body, Fields, invalid};
use super::{caller, items, slot};
use crate::Authority;
use crate::http::problem::Failure;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<SessionItem>, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    Ok(Json(items::item(&authority, &found.session, true)))
}

pub(super) async fn patch(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Result<Json<SessionItem>, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let name = new_name(&parts, &body)?;
    let session = authority
        .rename_session(found.session.id, found.user.key, name)
        .await?;
    Ok(Json(items::item(&authority, &session, true)))
}

/// Signs out. With a cookie, which may be all that a page has left, the cookie is cleared too.
pub(super) async fn delete(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Response, Failure> {
    let found = caller::caller_or_cookie(&authority, &parts).await?;
    let (session, user) = (&found.session, found.user.key);
    authority
        .end_session(session.id, Some(user), EndReason::SignedOut, "user")
        .await?;
    let mut response = http::StatusCode::NO_CONTENT.into_response();
    if let Some(client) = authority.client(&session.client) {
        slot::clear(&authority, client, &mut response);
    }
    Ok(response)
}

/// The name to give; `null` or blank takes it away.
pub(super) fn new_name(parts: &Parts, body: &Bytes) -> Result<Option<Box<str>>, Failure> {
    let fields = Fields::read(&parts.headers, body)?.only(&["device_name"])?;
    if !fields.names("device_name") {
        return Err(invalid(
            "device_name",
            "is missing; null takes the name away",
        ));
    }
    Ok(fields.line("device_name", 100)?.map(Into::into))
}
