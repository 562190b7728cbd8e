//! `POST /oauth/revoke` (RFC 7009).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::{OAuthFailure, no_store};
use crate::authority::{Authority, NotRevoked};
use crate::http::body::Form;
use crate::http::client_auth::client_proof;

/// The handler. `token_type_hint` is not needed: the two kinds look different.
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, OAuthFailure> {
    let client = client_proof(&authority, &headers, &form)?;
    let token = form
        .get("token")
        .ok_or_else(|| OAuthFailure::invalid_request("token is missing"))?;
    match authority.revoke(token, &client).await {
        Ok(()) => Ok(no_store(StatusCode::OK.into_response())),
        Err(NotRevoked::ForeignClient) if client.client().is_none() => {
            Err(OAuthFailure::invalid_client())
        }
        Err(NotRevoked::ForeignClient) => Err(OAuthFailure::new(
            "unauthorized_client",
            "the token is not this client's",
        )),
        Err(NotRevoked::UnsupportedTokenType) => Err(OAuthFailure::new(
            "unsupported_token_type",
            "a machine's token ends by itself",
        )),
        Err(NotRevoked::Failed(failure)) => Err(failure.into()),
    }
}
