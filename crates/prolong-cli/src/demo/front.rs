//! In front of the demo's authority: the web application, and the accidents that the page asks for.
//!
//! 1. `/` is the application; `/demo/…` its files, the facts it shows, and its controls. Everything else is the
//!    authority's own API, untouched.
//! 2. A lost answer is lost after the authority has done its work, as a broken connection would lose it; and it is one of
//!    the session whose page asked for that, however many browsers look at the demo.
//! 3. Controls are for pages of this origin: they need `Prolong-Request: 1`, and a loopback `Host`.

use std::future::ready;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use parking_lot::Mutex;
use serde_json::json;

use super::thief::{Thief, session_of};
use crate::door::inside;

/// What the page tells its reader.
pub(super) struct Facts {
    /// Where the sample API answers.
    pub(super) api: String,
    /// The demo's user: login and id.
    pub(super) user: String,
    pub(super) sub: String,
    /// Its password, so that nobody has to copy it.
    pub(super) password: String,
    /// The authority.
    pub(super) issuer: String,
}

struct Front {
    facts: Facts,
    operator: Router,
    thief: Thief,
    /// The session whose next answer is to be lost.
    lose_next: Mutex<Option<[u8; 16]>>,
}

/// The authority's router with the demo in front of it.
pub(super) fn router(authority: Router, operator: Router, facts: Facts) -> Router {
    let front = Arc::new(Front {
        thief: Thief::new(authority.clone(), &facts.issuer),
        facts,
        operator,
        lose_next: Mutex::new(None),
    });
    let controls = Router::new()
        .route("/demo/lose", post(lose))
        .route("/demo/ban", post(ban))
        .route("/demo/unban", post(unban))
        .route("/demo/steal", post(steal))
        .route("/demo/thief", post(use_stolen))
        .layer(from_fn(only_our_page));
    let app = Router::new()
        .route("/", page("text/html; charset=utf-8", PAGE))
        .route("/demo/style.css", page("text/css; charset=utf-8", STYLE))
        .route("/demo/app.js", page(SCRIPT, APP))
        .route("/demo/tabs.js", page(SCRIPT, TABS))
        .route("/demo/timeline.js", page(SCRIPT, TIMELINE))
        .route("/demo/prolong.js", page(SCRIPT, PACKAGE))
        .route("/demo/facts", get(show_facts))
        .merge(controls)
        .layer(from_fn(only_loopback))
        .with_state(Arc::clone(&front));
    let authority = authority.layer(from_fn_with_state(front, perhaps_lost));
    app.fallback_service(authority)
}

fn page(kind: &'static str, text: &'static str) -> MethodRouter<Arc<Front>> {
    get(move || ready(file(kind, text)))
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const PAGE: &str = include_str!("app/index.html");
const STYLE: &str = include_str!("app/style.css");
const APP: &str = include_str!("app/app.js");
const TABS: &str = include_str!("app/tabs.js");
const TIMELINE: &str = include_str!("app/timeline.js");
/// The npm package as an application would bundle it; a test of the package keeps it fresh.
const PACKAGE: &str = include_str!("../../../../clients/typescript/embed/prolong.js");

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text).into_response()
}

/// The page also calls the sample API, on another port of this machine.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' http://127.0.0.1:*; \
                   base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async fn show_facts(State(front): State<Arc<Front>>) -> Response {
    let Facts {
        api,
        user,
        password,
        ..
    } = &front.facts;
    let body = json!({
        "client": "web", "api": api, "user": user, "password": password, "device": "the demo page",
        "access": "30 s", "idle": "2 min",
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn lose(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    *front.lose_next.lock() = session_of(&headers);
    Json(json!({})).into_response()
}

async fn ban(State(front): State<Arc<Front>>) -> Response {
    front.support("disable", true).await
}

async fn unban(State(front): State<Arc<Front>>) -> Response {
    front.support("enable", false).await
}

async fn steal(State(front): State<Arc<Front>>, headers: HeaderMap) -> Response {
    let generation = front.thief.steal(&headers);
    Json(json!({ "generation": generation })).into_response()
}

async fn use_stolen(State(front): State<Arc<Front>>) -> Response {
    match front.thief.act().await {
        Ok(told) => Json(told).into_response(),
        Err(error) => failed(&error),
    }
}

impl Front {
    /// What support would do with the command line or with its own tool: a call of the administrator's API.
    async fn support(&self, verb: &str, banned: bool) -> Response {
        let path = format!("/v1/admin/users/{}/{verb}", self.facts.sub);
        match inside(&self.operator, Method::POST, &path, None).await {
            Ok((status, _)) if status.is_success() => {
                Json(json!({ "banned": banned })).into_response()
            }
            Ok((status, _)) => failed(&anyhow::anyhow!("the authority answered {status}")),
            Err(error) => failed(&error),
        }
    }
}

fn failed(error: &anyhow::Error) -> Response {
    let body = Json(json!({ "detail": error.to_string() }));
    (StatusCode::BAD_GATEWAY, body).into_response()
}

/// Loses the answer of the token endpoint, once, where that was asked for.
async fn perhaps_lost(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let renewing = request.uri().path() == "/oauth/token";
    let session = session_of(request.headers()).filter(|_| renewing);
    let response = next.run(request).await;
    if session.is_some()
        && response.status().is_success()
        && front
            .lose_next
            .lock()
            .take_if(|of| Some(*of) == session)
            .is_some()
    {
        let body = Json(json!({ "detail": "the demo lost the authority's answer" }));
        return (StatusCode::GATEWAY_TIMEOUT, body).into_response();
    }
    response
}

async fn only_our_page(request: Request, next: Next) -> Response {
    let ours = request.headers().get("prolong-request");
    if ours.is_none_or(|value| value != HeaderValue::from_static("1")) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

/// A foreign name that resolves to this machine must not read the demo's password.
async fn only_loopback(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let name = host
        .and_then(|host| host.to_str().ok())
        .map(|host| host.rsplit_once(':').map_or(host, |(name, _)| name));
    if !matches!(name, Some("localhost" | "127.0.0.1" | "[::1]")) {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for bad in ["<style", " style=", " onclick=", "http://", "https://"] {
            assert!(!PAGE.contains(bad), "{bad}");
        }
        for script in [APP, TABS, TIMELINE] {
            assert!(!script.contains("innerHTML"));
        }
    }
}
