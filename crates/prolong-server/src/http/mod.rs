//! The wire: each endpoint in a file of its own; a handler parses, applies, renders.

pub mod admin;
pub mod problem;
pub mod sessions;

pub(crate) mod activity;
#[cfg(test)]
mod admin_stories;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod bad_input;
pub(crate) mod bearer;
pub(crate) mod body;
pub(crate) mod client_auth;
#[cfg(test)]
mod conformance;
pub(crate) mod cookie;
#[cfg(test)]
mod cookie_choice;
pub(crate) mod cors;
pub(crate) mod docs;
#[cfg(test)]
mod ended_stories;
pub(crate) mod feed;
#[cfg(test)]
mod key_stories;
#[cfg(test)]
mod metrics_stories;
#[cfg(test)]
mod no_room;
pub(crate) mod oauth;
#[cfg(test)]
mod races;
mod renew;
#[cfg(test)]
mod restored;
#[cfg(test)]
mod untrusted_clock;
#[cfg(test)]
mod user_stories;
mod verify;
mod well_known;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::{Method, StatusCode};
use prolong_protocol::problem::Code;

use crate::authority::Authority;
use problem::Failure;

/// Everything that the authority answers, under its base path. For another server than [`crate::serve::serve`]: pages of
/// registered origins may read the answers, and bodies are limited.
pub fn router(authority: Arc<Authority>) -> Router {
    let limit = DefaultBodyLimit::max(authority.settings.limits.body_bytes);
    let around = from_fn_with_state(Arc::clone(&authority), edge);
    // Together: each `layer` puts every route into another box.
    rooms(authority).layer((around, limit))
}

/// The same for [`crate::serve::serve`], which itself does around every answer what [`router`] does around these.
pub fn rooms(authority: Arc<Authority>) -> Router {
    let base = authority.settings.base_path.clone();
    let rooms = Router::new()
        .route("/oauth/token", post(oauth::token::post))
        .route("/oauth/revoke", post(oauth::revoke::post))
        .route("/oauth/introspect", post(oauth::introspect::post))
        .route("/.well-known/jwks.json", get(well_known::jwks))
        .route(
            "/.well-known/openid-configuration",
            get(well_known::metadata),
        )
        .route("/v1/verify", any(verify::any))
        .route("/v1/activity", post(activity::post))
        .route("/v1/sessions/current/prolong", post(renew::post))
        .merge(sessions::routes())
        .merge(admin::routes())
        .merge(docs::routes())
        .merge(feed::routes())
        .merge(crate::serve::routes());
    let rooms = if base.is_empty() {
        rooms
    } else {
        Router::new().nest(&base, rooms)
    };
    rooms
        // The well-known path goes between host and path of the issuer (RFC 8414 §3.1); OpenID appends it instead.
        .route(
            &format!("/.well-known/oauth-authorization-server{base}"),
            get(well_known::metadata),
        )
        .fallback(|| async { Failure::new(Code::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(other_method)
        .with_state(authority)
}

async fn edge(State(authority): State<Arc<Authority>>, request: Request, next: Next) -> Response {
    around(&authority, request, async |request| next.run(request).await).await
}

/// Around every handler: problems learn where they happened, pages of registered origins may read the answer.
pub(crate) async fn around(
    authority: &Authority,
    request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let (uri, issuer) = (request.uri().clone(), &authority.settings.issuer);
    cors::cors(authority, request, async |request| {
        problem::located(answer(request).await, issuer, uri.path())
    })
    .await
}

/// OPTIONS asks what a path takes (RFC 9110 §9.3.7); the router adds `Allow` to both answers.
async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Failure::new(
        Code::MethodNotAllowed,
        "this path does not take this method",
    )
    .into_response()
}
