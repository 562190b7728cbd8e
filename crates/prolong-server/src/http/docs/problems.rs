//! `GET /docs/problems`: what every code, action and reason means. The `type` of a problem leads here.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use prolong_protocol::problem::{Action, Code, Reason};

use super::page::{escaped, page};
use crate::Authority;

/// The handler.
pub(super) async fn get(State(authority): State<Arc<Authority>>) -> Response {
    let docs = format!("{}/docs", authority.settings.base_path);
    page("Problems", &docs, &body())
}

fn body() -> String {
    let mut text = String::from(
        "<h1>Problems</h1>\n<p>Every refusal outside of the OAuth endpoints is a problem document (RFC 9457) with one of \
         these codes. Programs look at <code>code</code> and <code>action</code>; <code>title</code> and \
         <code>detail</code> are for people.</p>\n<h2>Codes</h2>\n",
    );
    for code in Code::ALL {
        let _ = write!(
            text,
            "<section id=\"{code}\">\n<h3><code>{code}</code></h3>\n<p>{}. Status {}, usual action <code>{}</code>.</p>\n</section>\n",
            escaped(code.title()),
            code.status(),
            code.action()
        );
    }
    text.push_str("<h2>Actions</h2>\n<p>What a client should do next.</p>\n<dl>\n");
    for action in Action::ALL {
        let means = match action {
            Action::Retry => "Send the same again, a little later.",
            Action::Renew => "Get a new access token, and repeat the request with it.",
            Action::Reauthenticate => {
                "Ask the person to prove who they are; the session goes on after that."
            }
            Action::SignIn => "Ask the person to sign in: the session is over.",
            Action::None => "Nothing helps by itself.",
        };
        let _ = writeln!(text, "<dt><code>{action}</code></dt><dd>{means}</dd>");
    }
    text.push_str(
        "</dl>\n<h2>Reasons</h2>\n<p>Why a session is over, where that may be told.</p>\n<ul>\n",
    );
    for reason in Reason::ALL {
        let _ = writeln!(text, "<li><code>{reason}</code></li>");
    }
    text.push_str("</ul>\n");
    text
}
