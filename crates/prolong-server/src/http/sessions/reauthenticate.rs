//! `POST /v1/sessions/current/reauthenticate`: prove again who you are.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::request::Parts;

use super::fields::{Body, Fields};
use super::{caller, place, slot};
use crate::Authority;
use crate::http::problem::Failure;

pub(super) async fn post(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Result<Response, Failure> {
    let found = caller::caller_to_reauthenticate(&authority, &parts).await?;
    let fields = Fields::read(&parts.headers, &body)?;
    let password = fields.required_text("password")?;
    let network = place::network(&authority.settings, &parts);
    let answer = authority.reauthenticate(&found, password, &network).await?;
    Ok(slot::tokens(http::StatusCode::OK, &answer))
}
