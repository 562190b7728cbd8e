//! `/v1/admin`: what operators, support and the operator's own backends do.
//!
//! `prolong:admin` may do everything here, `prolong:support` reads and ends sessions, `prolong:sign-in` only starts them.

mod audit;
mod clients;
mod gate;
mod keys;
mod paging;
mod sessions;
mod start_session;
mod stats;
mod user;
mod users;
mod verbs;
mod why_ended;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::Authority;

/// The routes of this room.
pub fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/v1/admin/users", get(users::get).post(users::post))
        .route(
            "/v1/admin/users/{sub}",
            get(user::get).patch(user::patch).delete(user::delete),
        )
        .route("/v1/admin/users/{sub}/export", get(user::export))
        .route(
            "/v1/admin/users/{sub}/sessions",
            get(sessions::of_user).post(start_session::post),
        )
        .route("/v1/admin/users/{sub}/disable", post(verbs::disable))
        .route("/v1/admin/users/{sub}/enable", post(verbs::enable))
        .route(
            "/v1/admin/users/{sub}/require-reauth",
            post(verbs::require_reauth),
        )
        .route("/v1/admin/users/{sub}/sign-out", post(verbs::sign_out))
        .route("/v1/admin/users/{sub}/password", post(verbs::password))
        .route("/v1/admin/sessions", get(sessions::list))
        .route(
            "/v1/admin/sessions/{sid}",
            get(sessions::get).delete(sessions::delete),
        )
        .route("/v1/admin/sessions/{sid}/end", post(sessions::delete))
        .route(
            "/v1/admin/sessions/{sid}/reauthenticate",
            post(start_session::reauthenticate),
        )
        .route("/v1/admin/why-ended", get(why_ended::get))
        .route("/v1/admin/clients", get(clients::get))
        .route("/v1/admin/keys", get(keys::get))
        .route("/v1/admin/keys/rotate", post(keys::rotate))
        .route("/v1/admin/keys/{kid}/distrust", post(keys::distrust))
        .route(
            "/v1/admin/keys/refresh/{id}/distrust",
            post(keys::distrust_refresh),
        )
        .route("/v1/admin/stats", get(stats::get))
        .route("/v1/admin/audit", get(audit::get))
}
