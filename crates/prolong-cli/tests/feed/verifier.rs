//! A real verifier of this process.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use prolong_verify::{Expected, Verifier, axum::Session};
use tower::ServiceExt as _;

use crate::authority::{AUDIENCE, BACKEND, SECRET};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Verifies tokens of `issuer`, which it reaches at `address`.
pub(crate) async fn discover(issuer: &str, address: &str) -> Verifier {
    let builder = Verifier::builder(Expected::new(issuer, AUDIENCE))
        .fetch_url(address)
        .feed_client(BACKEND, SECRET);
    let begun = tokio::time::Instant::now();
    loop {
        match builder.clone().discover().await {
            Ok(verifier) => return verifier,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the verifier's layer lets a request with this token through.
pub(crate) async fn accepts(verifier: &Verifier, token: &str) -> bool {
    let handler = |session: Session| async move { session.subject().to_owned() };
    let app = Router::new()
        .route("/", get(handler))
        .layer(verifier.layer());
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let answer = app
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    answer.status().is_success()
}

/// Waits until it holds; a test that waits in vain fails.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = tokio::time::Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "compares with what a verifier says, who reads this clock"
)]
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_secs()
}
