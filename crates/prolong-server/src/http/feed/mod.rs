//! `/v1/feed`: what has ended, for verifiers (docs/reference/feed.md).

#[cfg(test)]
mod ends;
mod follow;
mod gate;
#[cfg(test)]
mod ids;
#[cfg(test)]
mod reading;
mod snapshot;
#[cfg(test)]
mod stories;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::Authority;

/// The routes of this room.
pub(crate) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/v1/feed/snapshot", get(snapshot::get))
        .route("/v1/feed", get(follow::get))
}
