//! For operators and their machines: is it alive, is it ready, what does it count.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, header};
use prolong_store::KeyState;

use crate::Authority;
use crate::http::problem::Failure;

/// `/healthz`, `/readyz`, `/metrics`, and the page at `/`.
pub fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .merge(super::pages::routes())
}

/// The process answers. Says nothing of the store: a restart would not mend that.
async fn healthz() -> Response {
    plain("ok\n".to_owned())
}

/// It can decide, read and sign: send it requests. On a full disk, too: what writes nothing goes on.
async fn readyz(State(authority): State<Arc<Authority>>) -> Result<Response, Failure> {
    authority
        .clock
        .trusted_now()
        .map_err(Failure::unavailable)?;
    authority
        .store
        .feed_head()
        .await
        .map_err(Failure::unavailable)?;
    let keys = authority
        .store
        .signing_keys()
        .await
        .map_err(Failure::unavailable)?;
    if keys.iter().any(|key| key.state == KeyState::Active) {
        Ok(plain("ready\n".to_owned()))
    } else {
        Err(Failure::unavailable("there is no active signing key"))
    }
}

async fn metrics(State(authority): State<Arc<Authority>>) -> Result<Response, Failure> {
    let counts = authority
        .store
        .counts()
        .await
        .map_err(Failure::unavailable)?;
    let keys = authority
        .store
        .signing_keys()
        .await
        .map_err(Failure::unavailable)?;
    authority.metrics.following(authority.streams.taken());
    let stored = (counts, authority.store.writer_stats());
    let mut response = plain(authority.metrics.page(stored, &keys, authority.clock.now()));
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn plain(text: String) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], text).into_response()
}

#[cfg(test)]
mod tests {
    use prolong_core::PolicyDraft;
    use prolong_store::{Change, Store as _, Transaction};

    use crate::world::world;

    /// A server that cannot sign is alive, but nobody should be sent to it.
    #[tokio::test]
    async fn it_is_ready_while_there_is_a_key_to_sign_with() {
        let w = world(PolicyDraft::default()).await;
        let status = async |path| w.send("GET", path, &[], "").await.status.as_u16();
        assert_eq!(status("/readyz").await, 200);
        for key in w.store.signing_keys().await.unwrap() {
            let gone = Change::RemoveSigningKey(key.kid);
            w.store.commit(Transaction::of(gone)).await.unwrap();
        }
        assert_eq!(
            (status("/readyz").await, status("/healthz").await),
            (503, 200)
        );
    }
}
