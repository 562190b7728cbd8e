//! `POST /oauth/introspect` (RFC 7662).

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri};
use serde_json::json;

use super::{OAuthFailure, no_store};
use crate::authority::{Authority, ClientProof};
use crate::http::bearer::bearer;
use crate::http::body::Form;
use crate::http::client_auth::client_proof;
use crate::http::problem::Failure;

/// The handler. Confidential clients may ask, and machines with a token for `prolong:introspect` (RFC 7662 §2.1).
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    uri: Uri,
    form: Form,
) -> Result<Response, Refused> {
    let client = match bearer(&headers, &uri)? {
        Some(token) => {
            let machine = authority.authenticate_machine(Some(token), &["prolong:introspect"])?;
            authority.client(&machine.client_id).cloned()
        }
        None => match client_proof(&authority, &headers, &form)? {
            ClientProof::Proved(client) => Some(client),
            ClientProof::Named(_) | ClientProof::Unnamed => None,
        },
    };
    let client = client.ok_or_else(OAuthFailure::invalid_client)?;
    let token = form
        .get("token")
        .ok_or_else(|| OAuthFailure::invalid_request("token is missing"))?;
    let facts = authority.introspect(token, &client).await?;
    let body = facts.map_or_else(|| json!({ "active": false }), serde_json::Value::Object);
    Ok(no_store(axum::Json(body).into_response()))
}

/// A failure of this call, as OAuth tells it, whatever proved who calls.
pub(crate) struct Refused(OAuthFailure);

impl From<OAuthFailure> for Refused {
    fn from(failure: OAuthFailure) -> Self {
        Self(failure)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let of_bearer = failure.of_credentials || matches!(failure.code.status(), 401 | 403);
        Self(if of_bearer {
            OAuthFailure::bearer(failure)
        } else {
            failure.into()
        })
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}
