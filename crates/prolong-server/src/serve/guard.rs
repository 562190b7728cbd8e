//! Stands before every handler.
//!
//! 1. A body that is, or turns out, larger than `limits.body_bytes` is 413; nothing is handed on.
//! 2. A body that has not arrived within `limits.request_timeout` is 408.
//! 3. A request that is not answered within the same time again is 503: whether it took effect is unknown, so the
//!    client tries again. The head of an answer counts; a stream may go on.
//! 4. A request by HTTP/1.1 that names no host, two, or what can be none, is 400 (RFC 9112 §3.2): a proxy in front may have
//!    led it by another.
//! 5. Around every answer: [`crate::http::around`].
//! 6. Every answer says `nosniff`, `no-referrer` and `no-store`, and may neither be framed nor load anything, unless its
//!    handler said otherwise.
//!
//! Deployment: behind a reverse proxy that buffers bodies, 2 never strikes here.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use http::uri::Authority as HostAndPort;
use http::{HeaderName, HeaderValue, Version, header};
use http_body_util::LengthLimitError;
use prolong_protocol::problem::Code;
use tower::ServiceExt;

use crate::Authority;
use crate::http::around;
use crate::http::problem::Failure;

/// How large and how slow a request may be.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) authority: Arc<Authority>,
    pub(super) body_bytes: usize,
    pub(super) patience: Duration,
}

impl Guard {
    /// The answer of `app`, or one in its place.
    pub(super) async fn stand(&self, request: Request, app: Router) -> Response {
        let mut response = around(&self.authority, request, async |request| {
            match self.whole(request).await {
                Ok(request) => self.answered(request, app).await,
                Err(failure) => failure.into_response(),
            }
        })
        .await;
        let headers = response.headers_mut();
        for (name, value) in QUIET {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        }
        response
    }

    async fn answered(&self, request: Request, app: Router) -> Response {
        match tokio::time::timeout(self.patience, app.oneshot(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => Failure::unavailable("a request was not answered in time").into_response(),
        }
    }

    /// The request with its body in memory.
    async fn whole(&self, request: Request) -> Result<Request, Failure> {
        let mut hosts = request.headers().get_all(header::HOST).iter();
        let good = match (hosts.next(), hosts.next()) {
            (None, _) => request.version() != Version::HTTP_11,
            (Some(host), None) => can_be_host(host),
            (Some(_), Some(_)) => false,
        };
        if !good {
            return Err(Failure::new(
                Code::MalformedBody,
                "there must be one Host header, with a host and perhaps a port",
            ));
        }
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| {
            usize::try_from(length).map_or(true, |length| length > self.body_bytes)
        }) {
            return Err(self.too_large());
        }
        if request.body().is_end_stream() {
            return Ok(request);
        }
        let (parts, body) = request.into_parts();
        let arrived = tokio::time::timeout(self.patience, to_bytes(body, self.body_bytes)).await;
        let body = arrived
            .map_err(|_| Failure::new(Code::RequestTimeout, "the body did not arrive in time"))?
            .map_err(|error| self.refused(error))?;
        let mut request = Request::from_parts(parts, Body::from(body));
        // It is as long as it may be: axum's own limit is another.
        DefaultBodyLimit::disable().apply(&mut request);
        Ok(request)
    }

    fn refused(&self, error: axum::Error) -> Failure {
        let cause = error.into_inner();
        if cause.downcast_ref::<LengthLimitError>().is_some() {
            self.too_large()
        } else {
            Failure::new(Code::MalformedBody, "the body broke off").cause(cause)
        }
    }

    fn too_large(&self) -> Failure {
        Failure::new(
            Code::TooLarge,
            format!("the body must have at most {} bytes", self.body_bytes),
        )
    }
}

/// A host, which may be empty, and perhaps a port.
fn can_be_host(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    bytes.is_empty() || (!bytes.contains(&b'@') && HostAndPort::try_from(bytes).is_ok())
}

const QUIET: [(HeaderName, &str); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::post;
    use http::StatusCode;

    async fn answer(request: Request) -> Response {
        let world = crate::world::world(prolong_core::PolicyDraft::default()).await;
        let guard = Guard {
            authority: world.authority,
            body_bytes: 8,
            patience: Duration::from_millis(20),
        };
        let slow = || async { core::future::pending::<()>().await };
        let app = Router::new()
            .route("/", post(|body: String| async move { body }))
            .route("/slow", post(slow));
        guard.stand(request, app).await
    }

    fn post_to(path: &str, body: Body) -> Request {
        Request::post(path)
            .header(header::HOST, "auth.example.com")
            .body(body)
            .unwrap()
    }

    #[tokio::test]
    async fn size_and_time_are_limited() {
        let good = answer(post_to("/", Body::from("12345678"))).await;
        assert_eq!(good.status(), StatusCode::OK);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(good.headers()[name], value, "{name}");
        }
        assert_eq!(
            answer(post_to("/", Body::from("123456789"))).await.status(),
            StatusCode::PAYLOAD_TOO_LARGE
        );
        let mut announced = post_to("/", Body::empty());
        announced
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from_static("9"));
        assert_eq!(
            answer(announced).await.status(),
            StatusCode::PAYLOAD_TOO_LARGE
        );
        let never = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        assert_eq!(
            answer(post_to("/", Body::from_stream(never)))
                .await
                .status(),
            StatusCode::REQUEST_TIMEOUT
        );
        let mut two = post_to("/", Body::empty());
        two.headers_mut()
            .append(header::HOST, HeaderValue::from_static("elsewhere"));
        assert_eq!(answer(two).await.status(), StatusCode::BAD_REQUEST);
        let mut none = post_to("/", Body::empty());
        none.headers_mut().remove(header::HOST);
        assert_eq!(answer(none).await.status(), StatusCode::BAD_REQUEST);
        let mut old = post_to("/", Body::empty());
        old.headers_mut().remove(header::HOST);
        *old.version_mut() = Version::HTTP_10;
        assert_eq!(answer(old).await.status(), StatusCode::OK);
        for (host, good) in [
            ("auth.example.com:8443", true),
            ("[::1]:8080", true),
            ("", true),
            ("a b", false),
            ("user@auth.example.com", false),
            ("[::1", false),
            ("a/b", false),
        ] {
            let mut odd = post_to("/", Body::empty());
            let headers = odd.headers_mut();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            assert_eq!(answer(odd).await.status() == StatusCode::OK, good, "{host}");
        }
        let slow = answer(post_to("/slow", Body::empty())).await;
        assert_eq!(slow.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
