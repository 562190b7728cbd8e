//! `/v1/sessions`: the user's list of sessions, and signing out everywhere.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use prolong_core::Session;
use prolong_protocol::session::SessionList;

use super::fields::invalid;
use super::{caller, items, slot};
use crate::Authority;
use crate::http::problem::Failure;

/// `?ended=true` also lists those that are over, as long as they are kept, each with why.
pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Json<SessionList>, Failure> {
    let found = caller::caller(&authority, &parts).await?;
    let ended_too = match parts.uri.query().unwrap_or_default() {
        "" | "ended=false" => false,
        "ended=true" => true,
        _ => {
            return Err(invalid(
                "ended",
                "must be `true` or `false`, and is the only parameter",
            ));
        }
    };
    let now = authority.decisive_now()?;
    let user = &found.user;
    let stored = authority
        .store
        .sessions_of(user.key)
        .await
        .map_err(Failure::unavailable)?;
    let enders = if ended_too {
        items::enders(&authority, user.key).await?
    } else {
        items::Enders::new()
    };
    let shown = |session: &Session| {
        if items::is_listed(&authority, session, &user.standing, now) {
            Some(items::item(
                &authority,
                session,
                session.id == found.session.id,
            ))
        } else if ended_too {
            items::ended_item(&authority, session, &user.standing, &enders, now)
        } else {
            None
        }
    };
    Ok(Json(SessionList {
        sessions: stored.iter().filter_map(shown).collect(),
    }))
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
