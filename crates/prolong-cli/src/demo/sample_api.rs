//! The demo's sample API: an ordinary service with one protected route, and nothing to look up.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prolong_verify::axum::Session;
use prolong_verify::{Expected, Verifier};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Serves `/orders` until it is dropped. `fetch_from` is where the issuer answers; its pages may call.
pub(crate) async fn run(listener: TcpListener, issuer: String, fetch_from: String) {
    let verifier = discovered(&issuer, &fetch_from).await;
    let app = Router::new()
        .route("/orders", get(orders).layer(verifier.layer()))
        .layer(from_fn_with_state(issuer, cors));
    if let Err(error) = axum::serve(listener, app).await {
        tracing::warn!(%error, "the sample API stopped");
    }
}

/// The authority starts at the same moment: it may take a turn or two.
async fn discovered(issuer: &str, fetch_from: &str) -> Verifier {
    loop {
        let verifier = Verifier::builder(Expected::new(issuer, "orders-api"))
            .fetch_url(fetch_from)
            .discover()
            .await;
        match verifier {
            Ok(verifier) => return verifier,
            Err(error) => tracing::debug!(%error, "the sample API cannot start yet"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn orders(session: Session) -> Json<Value> {
    Json(json!({ "orders": ["a book", "a lamp"], "for": session.subject() }))
}

/// The demo's page is of another origin.
async fn cors(State(origin): State<String>, request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let mut response = if preflight {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if let Ok(origin) = HeaderValue::from_str(&origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    for (name, value) in [
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization"),
        (
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            "www-authenticate, prolong-renew",
        ),
        (header::VARY, "origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
