//! What the authority says of itself: pages that work without a network and without a script.

mod page;
mod problems;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::Authority;

/// The routes of this room.
pub(crate) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/docs/problems", get(problems::get))
        .route("/docs/style.css", get(page::style))
}
