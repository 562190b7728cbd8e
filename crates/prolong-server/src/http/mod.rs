//! The wire: each endpoint in a file of its own; a handler parses, applies, renders.

pub mod admin;
pub mod problem;
pub mod sessions;

pub(crate) mod bearer;
pub(crate) mod body;
pub(crate) mod client_auth;
pub(crate) mod cookie;
pub(crate) mod cors;
pub(crate) mod feed;
pub(crate) mod oauth;
#[cfg(test)]
mod oauth_stories;
#[cfg(test)]
mod oauth_world;
mod renew;
#[cfg(test)]
mod token_stories;
#[cfg(test)]
mod user_stories;
mod verify;
mod well_known;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use prolong_protocol::problem::Code;

use crate::authority::Authority;
use problem::Failure;

/// Everything that the authority answers, under its base path.
pub fn router(authority: Arc<Authority>) -> Router {
    let base = authority.settings.base_path.clone();
    let rooms = Router::new()
        .route("/oauth/token", post(oauth::token::post))
        .route("/oauth/revoke", post(oauth::revoke::post))
        .route("/oauth/introspect", post(oauth::introspect::post))
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route(
            "/.well-known/oauth-authorization-server",
            get(well_known::metadata),
        )
        .route(
            "/.well-known/openid-configuration",
            get(well_known::metadata),
        )
        .route("/v1/verify", get(verify::get))
        .route("/v1/sessions/current/prolong", post(renew::post))
        .merge(sessions::routes())
        .merge(admin::routes())
        .merge(feed::routes())
        .merge(crate::serve::routes());
    let rooms = if base.is_empty() {
        rooms
    } else {
        Router::new().nest(&base, rooms)
    };
    rooms
        .fallback(|| async { Failure::new(Code::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            Failure::new(
                Code::MethodNotAllowed,
                "this path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(authority.settings.limits.body_bytes))
        .layer(from_fn_with_state(Arc::clone(&authority), cors::cors))
        .with_state(authority)
}
