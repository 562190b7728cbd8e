//! What the authority says of itself: pages that work without a network and without a script.

#[cfg(test)]
pub(crate) mod answers;
mod document;
mod operations;
mod page;
mod problems;
mod reader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::Authority;

/// The routes of this room.
pub(crate) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/openapi.json", get(reader::json))
        .route("/docs", get(reader::get))
        .route("/docs/problems", get(problems::get))
        .route("/docs/style.css", get(page::style))
}
