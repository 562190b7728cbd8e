//! `/v1/sessions`: the user's list of sessions, and signing out everywhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use prolong_protocol::session::SessionList;

use super::fields::invalid;
use super::{caller, items, slot};
use crate::Authority;
use crate::http::problem::Failure;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<SessionList>, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let now = authority.decisive_now()?;
    let sessions = authority
        .store
        .sessions_of(found.user.key)
        .await
        .map_err(Failure::unavailable)?;
    let sessions = sessions
        .iter()
        .filter(|session| items::is_listed(&authority, session, &found.user.standing, now))
        .map(|session| items::item(&authority, session, session.id == found.session.id))
        .collect();
    Ok(Json(SessionList { sessions }))
}

/// `?except=current` keeps this one.
pub(super) async fn delete(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Response, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let keep = match parts.uri.query().unwrap_or_default() {
        "" => false,
        "except=current" => true,
        _ => {
            return Err(invalid(
                "except",
                "must be `current`, and is the only parameter",
            ));
        }
    };
    authority
        .sign_out_everywhere(found.user.key, found.session.id, keep)
        .await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(client) = authority.client(&found.session.client).filter(|_| !keep) {
        slot::clear(&authority, client, &mut response);
    }
    Ok(response)
}
