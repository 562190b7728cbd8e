//! What others need to know of this authority: its keys (RFC 7517) and its metadata (RFC 8414).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::authority::Authority;

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(State(authority): State<Arc<Authority>>) -> Response {
    let mut response = authority.signing.jwks().to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`
pub(crate) async fn metadata(State(authority): State<Arc<Authority>>) -> Response {
    let mut response = Json(document(&authority)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

fn document(authority: &Authority) -> Value {
    let settings = &authority.settings;
    let issuer = &settings.issuer;
    let methods = ["client_secret_basic", "client_secret_post"];
    let mut scopes: Vec<&str> =
        settings.clients.values().flat_map(|client| client.scopes.iter().map(String::as_str)).collect();
    scopes.sort_unstable();
    scopes.dedup();
    json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": ["refresh_token", "client_credentials"],
        "response_types_supported": [],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ["none", methods[0], methods[1]],
        "revocation_endpoint_auth_methods_supported": ["none", methods[0], methods[1]],
        "introspection_endpoint_auth_methods_supported": methods,
        "subject_types_supported": ["public"],
    })
}
