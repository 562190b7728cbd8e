//! `POST /v1/sessions/current/prolong`: prolong a session with its access token.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use super::bearer::bearer;
use super::oauth::no_store;
use super::problem::Failure;
use super::sessions::fields::{Body, Fields, invalid};
use crate::authority::{Authority, RenewWish};

/// The handler.
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
    Body(body): Body,
) -> Result<Response, Failure> {
    let token = bearer(&parts.headers, &parts.uri)?;
    let fields = Fields::read_optional(&parts.headers, &body)?;
    let expires_in = seconds(&fields, "expires_in")?;
    if expires_in.is_some_and(|span| span.is_zero()) {
        return Err(invalid("expires_in", "must be 1 or more seconds"));
    }
    let wish = RenewWish {
        idle_for: seconds(&fields, "idle_for")?,
        expires_in,
        by_request: false,
    };
    let answer = authority.renew_bearer(token, wish).await?;
    Ok(no_store(axum::Json(answer).into_response()))
}

/// Seconds, 0 or more; a fraction counts as a whole one.
fn seconds(fields: &Fields, name: &str) -> Result<Option<Duration>, Failure> {
    let Some(value) = fields.value(name) else {
        return Ok(None);
    };
    let seconds = value
        .as_f64()
        .filter(|seconds| (0.0..=4_294_967_295.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| invalid(name, "must be seconds, 0 or more"))?;
    Ok(Some(Duration::from_secs_f64(seconds.ceil())))
}
