//! `POST /oauth/introspect` (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::json;

use super::{OAuthFailure, no_store};
use crate::authority::{Authority, ClientProof};
use crate::http::body::Form;
use crate::http::client_auth::client_proof;

/// The handler. Only confidential clients may ask.
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthFailure> {
    let ClientProof::Proved(client) = client_proof(&authority, &headers, &form)? else {
        return Err(OAuthFailure::invalid_client(false));
    };
    let token = form
        .get("token")
        .ok_or_else(|| OAuthFailure::invalid_request("token is missing"))?;
    let facts = authority.introspect(token, &client).await?;
    let body = facts.map_or_else(|| json!({ "active": false }), serde_json::Value::Object);
    Ok(no_store(axum::Json(body).into_response()))
}
