//! What others need to know of this authority: its keys (RFC 7517) and its metadata (RFC 8414).

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::authority::Authority;

/// `GET /.well-known/jwks.json`
pub(crate) async fn jwks(State(authority): State<Arc<Authority>>, asked: HeaderMap) -> Response {
    let keys = authority.signing.jwks();
    let tag = entity_tag(&keys);
    let known = asked
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| matches(known, &tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        keys.to_string().into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/jwk-set+json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    response
}

/// Fresh for five minutes; while the authority is away, a day-old copy is better than none (RFC 5861).
const CACHED: &str = "public, max-age=300, stale-if-error=86400";

/// A strong validator: the document's hash.
fn entity_tag(document: &str) -> String {
    format!(
        "\"{}\"",
        URL_SAFE_NO_PAD.encode(digest(&SHA256, document.as_bytes()))
    )
}

/// `If-None-Match` (RFC 9110 §13.1.2): compares weakly.
fn matches(asked: &str, tag: &str) -> bool {
    asked
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// `GET /.well-known/oauth-authorization-server` and `/.well-known/openid-configuration`
pub(crate) async fn metadata(State(authority): State<Arc<Authority>>) -> Response {
    let mut response = Json(document(&authority)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
    response
}

fn document(authority: &Authority) -> Value {
    let settings = &authority.settings;
    let issuer = &settings.issuer;
    let methods = ["client_secret_basic", "client_secret_post"];
    let mut scopes: Vec<&str> = settings
        .clients
        .values()
        .flat_map(|client| client.scopes.iter().map(String::as_str))
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    let mut document = json!({
        "issuer": issuer,
        "token_endpoint": format!("{issuer}/oauth/token"),
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "grant_types_supported": ["refresh_token", "client_credentials"],
        "scopes_supported": scopes,
        "token_endpoint_auth_methods_supported": ["none", methods[0], methods[1]],
        "revocation_endpoint_auth_methods_supported": ["none", methods[0], methods[1]],
        "introspection_endpoint_auth_methods_supported": methods,
        "subject_types_supported": ["public"],
        // draft-ietf-oauth-refresh-token-expiration
        "refresh_token_expiration_types_supported": ["token_timeout", "authorization"],
        "service_documentation": format!("{issuer}/docs"),
    });
    // Claims with no elements must be left out (RFC 8414 §3.2). So is `response_types_supported`: there is no
    // authorization endpoint.
    if let Value::Object(members) = &mut document {
        members.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_document_is_known_by_its_tag_alone() {
        let tag = entity_tag("{}");
        assert_ne!(tag, entity_tag("{ }"));
        assert!(
            matches(&tag, &tag) && matches("*", &tag) && matches(&format!("\"x\", W/{tag}"), &tag)
        );
        assert!(!matches("\"x\"", &tag) && !matches("", &tag));
    }
}
