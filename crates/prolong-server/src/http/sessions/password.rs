//! `POST /v1/password`: a user changes their password.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
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
    let found = caller::caller(&authority, &parts).await?;
    let fields = Fields::read(&parts.headers, &body)?;
    let current = fields.required_text("current_password")?;
    let new = fields.required_text("new_password")?;
    let network = place::network(&authority.settings, &parts);
    if let Some(answer) = authority
        .change_password(&found, current, new, &network)
        .await?
    {
        Ok(slot::tokens(StatusCode::OK, &answer))
    } else {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Some(client) = authority.client(&found.session.client) {
            slot::clear(&authority, client, &mut response);
        }
        Ok(response)
    }
}
