//! The demo's sample API: verifies tokens by itself, and follows the feed in the background.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use prolong_server::clock::Clock;
use prolong_verify::{Expected, Follower, Keys, verify};
use serde_json::json;
use tokio::net::TcpListener;

use crate::clock::SystemClock;

struct Api {
    clock: SystemClock,
    expected: Expected,
    known: RwLock<(Keys, Follower)>,
}

/// Serves `/orders` until it is dropped. `fetch_from` is where the issuer answers.
pub(crate) async fn run(listener: TcpListener, issuer: String, fetch_from: String) {
    let api = Arc::new(Api {
        clock: SystemClock::new(),
        expected: Expected::new(issuer, "orders-api"),
        known: RwLock::new((Keys::default(), Follower::default())),
    });
    let app = Router::new()
        .route("/orders", get(orders))
        .with_state(Arc::clone(&api));
    tokio::select! {
        served = async { axum::serve(listener, app).await } => {
            if let Err(error) = served {
                tracing::warn!(%error, "the sample API stopped");
            }
        }
        () = learn(&api, &fetch_from) => {}
    }
}

async fn orders(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = token else {
        return (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
            "a bearer token is needed\n",
        )
            .into_response();
    };
    let now = api.clock.now().as_secs();
    let known = api.known.read().unwrap_or_else(PoisonError::into_inner);
    match verify(token, &known.0, &api.expected, known.1.revoked(), now) {
        Ok(claims) => {
            let left = claims.expires_at() - now;
            Json(json!({ "orders": ["a book", "a lamp"], "for": claims.subject(), "token_good_for_seconds": left })).into_response()
        }
        Err(refused) => {
            let body = json!({ "refused": refused.to_string() });
            (
                StatusCode::UNAUTHORIZED,
                [(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")],
                Json(body),
            )
                .into_response()
        }
    }
}

/// A product follows the event stream; the sample asks for a snapshot twice a second.
async fn learn(api: &Api, from: &str) {
    let mut turn = tokio::time::interval(Duration::from_millis(500));
    let Ok(client) = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()
    else {
        return;
    };
    loop {
        turn.tick().await;
        let fetch = async |path: &str| {
            client
                .get(format!("{from}{path}"))
                .send()
                .await?
                .error_for_status()?
                .bytes()
                .await
        };
        if let Ok(document) = fetch("/.well-known/jwks.json").await
            && let Ok(keys) = Keys::from_jwks(&document)
        {
            api.known.write().unwrap_or_else(PoisonError::into_inner).0 = keys;
        }
        if let Ok(document) = fetch("/v1/feed/snapshot").await
            && let Ok(snapshot) = serde_json::from_slice(&document)
        {
            api.known
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .1
                .snapshot(&snapshot);
        }
    }
}
