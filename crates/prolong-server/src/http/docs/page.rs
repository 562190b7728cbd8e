//! The frame of a documentation page: no script, one style sheet, nothing from elsewhere.

use axum::response::{IntoResponse, Response};
use http::header;

/// A page with this title and body; `docs` is the path of `/docs`. Everything in `body` was escaped where it had to be.
pub(super) fn page(title: &str, docs: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} – Prolong</title>\n<link rel=\"stylesheet\" href=\"{}/style.css\">\n\
         <a class=\"skip\" href=\"#main\">To the content</a>\n<main id=\"main\">\n{body}</main>\n</html>\n",
        escaped(title),
        escaped(docs)
    );
    file("text/html; charset=utf-8", html)
}

/// `GET /docs/style.css`
pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE.to_owned())
}

const STYLE: &str = include_str!("style.css");

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

const CSP: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Text as it may stand in HTML and in attributes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
