//! The page at `/`: in development mode one watches a session being prolonged; elsewhere it says what this is.
//!
//! It has no private door: everything it does is a call of the API, made by `page.js`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

use crate::Authority;
use crate::settings::{Client, ClientKind, Transport};

/// `/` and what it loads.
pub(crate) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/", get(page))
        .route(
            "/page/style.css",
            get(|| async { file("text/css; charset=utf-8", STYLE.to_owned()) }),
        )
        .route(
            "/page/page.js",
            get(|| async { file("text/javascript; charset=utf-8", SCRIPT.to_owned()) }),
        )
}

const DEMO: &str = include_str!("demo.html");
const CLOSED: &str = include_str!("closed.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("page.js");

async fn page(State(authority): State<Arc<Authority>>) -> Response {
    let client = authority
        .settings
        .clients
        .values()
        .find(|client| shown(client));
    let html = match client {
        Some(client) if authority.settings.development => DEMO
            .replace("{client}", &escaped(&client.id))
            .replace("{policy}", &escaped(&client.policy_name))
            .replace("{prolong_with}", client.policy.prolong_with.as_str()),
        _ => CLOSED.to_owned(),
    };
    file("text/html; charset=utf-8", html)
}

/// A page can sign in and stay signed in through this client without holding a refresh token.
fn shown(client: &Client) -> bool {
    client.kind == ClientKind::Public
        && client.password_sign_in
        && client.transport == Transport::Cookie
}

fn file(kind: &'static str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text).into_response()
}

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                   form-action 'none'; frame-ancestors 'none'";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
        for html in [DEMO, CLOSED] {
            for bad in [
                "<style",
                " style=",
                " onclick=",
                " onsubmit=",
                "http://",
                "https://",
                "<script>",
            ] {
                assert!(!html.contains(bad), "{bad}");
            }
        }
        assert!(!SCRIPT.contains("innerHTML"));
    }
}
