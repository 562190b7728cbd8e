//! `GET /v1/feed/snapshot`: everything that still matters, at one number.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::gate::Reader;
use crate::Authority;
use crate::http::problem::Failure;

pub(super) async fn get(
    State(authority): State<Arc<Authority>>,
    parts: Parts,
) -> Result<Response, Failure> {
    Reader::admit(&authority, &parts)?;
    // Before the snapshot is read: it is complete as of then, at least.
    let as_of = authority.feed.as_of();
    let (name, json) = authority.feed.snapshot(authority.clock.now()).await;
    // The same number always means the same; what is over may be left out, so it is not the same bytes.
    let tag = format!("W/\"{name}\"");
    let mut response = if known(&parts.headers, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(json))
    };
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    headers.insert(HeaderName::from_static(AS_OF), HeaderValue::from(as_of));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Weak comparison (RFC 9110 §13.1.2).
fn known(headers: &HeaderMap, tag: &str) -> bool {
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| plain(one) == plain(tag))
}

/// Kept by whoever asked, and asked for again each time; an answer that did not change is 304 without a body.
const CACHE: &str = "private, no-cache";
const AS_OF: &str = "prolong-as-of";
