//! `/v1/sessions/{sid}`: another of the user's sessions ("revoke maryo's iPad").

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use prolong_core::{EndReason, SessionId};
use prolong_protocol::session::SessionItem;

use super::fields::{Body, Segment};
use super::{caller, current, items, slot};
use crate::Authority;
use crate::authority::end::no_such_session;
use crate::http::problem::Failure;

pub(super) async fn patch(
    State(authority): State<Arc<Authority>>,
    Segment(sid): Segment,
    parts: Parts,
    Body(body): Body,
) -> Result<Json<SessionItem>, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let name = current::new_name(&parts, &body)?;
    let id = SessionId::parse(&sid).ok_or_else(no_such_session)?;
    let session = authority.rename_session(id, found.user.key, name).await?;
    Ok(Json(items::item(
        &authority,
        &session,
        id == found.session.id,
    )))
}

pub(super) async fn delete(
    State(authority): State<Arc<Authority>>,
    Segment(sid): Segment,
    parts: Parts,
) -> Result<Response, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let id = SessionId::parse(&sid).ok_or_else(no_such_session)?;
    let own = id == found.session.id;
    let reason = if own {
        EndReason::SignedOut
    } else {
        EndReason::SignedOutElsewhere
    };
    authority
        .end_session(id, Some(found.user.key), reason, "user")
        .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(client) = authority.client(&found.session.client).filter(|_| own) {
        slot::clear(&authority, client, &mut response);
    }
    Ok(response)
}
