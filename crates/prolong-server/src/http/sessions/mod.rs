//! `/v1/sessions` and `/v1/password`: what a signed-in user does, and signing in.

pub(crate) mod caller;
pub(crate) mod fields;
pub(crate) mod items;
pub(crate) mod place;
pub(crate) mod slot;

mod all;
mod current;
mod one;
mod password;
mod reauthenticate;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::routing::{patch, post};

use crate::Authority;

/// The routes of this room.
pub fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route(
            "/v1/sessions",
            post(sign_in::post).get(all::get).delete(all::delete),
        )
        .route(
            "/v1/sessions/current",
            axum::routing::get(current::get)
                .patch(current::patch)
                .delete(current::delete),
        )
        .route(
            "/v1/sessions/current/reauthenticate",
            post(reauthenticate::post),
        )
        .route("/v1/sessions/{sid}", patch(one::patch).delete(one::delete))
        .route("/v1/password", post(password::post))
}
