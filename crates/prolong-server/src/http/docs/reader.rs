//! `GET /openapi.json`, and `GET /docs`: the same description to read. The page is made from the document, so the two
//! cannot differ.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde_json::Value;

use super::document::document;
use super::page::{escaped, page};
use crate::Authority;

/// `GET /openapi.json`
pub(super) async fn json(State(authority): State<Arc<Authority>>) -> Response {
    let cached = (header::CACHE_CONTROL, "public, max-age=300");
    ([cached], Json(document(&authority.settings.issuer))).into_response()
}

/// `GET /docs`
pub(super) async fn get(State(authority): State<Arc<Authority>>) -> Response {
    let base = &authority.settings.base_path;
    let document = document(&authority.settings.issuer);
    page("Reference", &format!("{base}/docs"), &body(&document, base))
}

fn body(document: &Value, base: &str) -> String {
    let mut html = format!(
        "<h1>Prolong {}</h1>\n<p>Every call of this authority. For programs: <a href=\"{base}/openapi.json\">openapi.json</a>. \
         What went wrong: <a href=\"{base}/docs/problems\">problems</a>.</p>\n<nav aria-label=\"Rooms\">\n<ul>\n",
        text(&document["info"]["version"]),
        base = escaped(base),
    );
    let rooms: Vec<&Value> = document["tags"].as_array().into_iter().flatten().collect();
    for room in &rooms {
        let (name, says) = (text(&room["name"]), text(&room["description"]));
        let _ = writeln!(html, "<li><a href=\"#{name}\">{name}</a>: {says}</li>");
    }
    html.push_str("</ul>\n</nav>\n");
    for room in rooms {
        let name = text(&room["name"]);
        let _ = writeln!(html, "<h2 id=\"{name}\">{name}</h2>");
        for (path, methods) in members(&document["paths"]) {
            for (method, operation) in members(methods) {
                if operation["tags"][0] == room["name"] {
                    call(&mut html, path, method, operation);
                }
            }
        }
    }
    html.push_str("<h2 id=\"shapes\">Shapes</h2>\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        let name = escaped(name);
        let _ = writeln!(html, "<h3 id=\"{name}\">{name}</h3>");
        if let Some(says) = schema["description"].as_str() {
            let _ = writeln!(html, "<p>{}</p>", escaped(says));
        }
        fields(&mut html, schema);
    }
    html
}

fn call(html: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = writeln!(
        html,
        "<details id=\"{}\">\n<summary><b>{}</b> <code>{}</code></summary>\n<p>{}.</p>\n<p class=\"quiet\">Credentials: {}.</p>",
        text(&operation["operationId"]),
        method.to_uppercase(),
        escaped(path),
        text(&operation["summary"]),
        credentials(&operation["security"]),
    );
    let parameters: Vec<&Value> = operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    if !parameters.is_empty() {
        html.push_str(
            "<h3>Parameters</h3>\n<table>\n<tr><th>name</th><th>kind</th><th>meaning</th></tr>\n",
        );
        for one in parameters {
            let needed = if one["required"] == true {
                ", needed"
            } else {
                ""
            };
            let _ = writeln!(
                html,
                "<tr><td><code>{}</code></td><td>{}{needed}</td><td>{}</td></tr>",
                text(&one["name"]),
                kind(&one["schema"]),
                text(&one["description"])
            );
        }
        html.push_str("</table>\n");
    }
    for (media, body) in members(&operation["requestBody"]["content"]) {
        let _ = writeln!(html, "<h3>Body, <code>{}</code></h3>", escaped(media));
        fields(html, &body["schema"]);
    }
    html.push_str(
        "<h3>Answers</h3>\n<table>\n<tr><th>status</th><th>body</th><th>meaning</th></tr>\n",
    );
    for (status, answer) in members(&operation["responses"]) {
        let bodies: Vec<String> = members(&answer["content"])
            .map(|(_, body)| kind(&body["schema"]))
            .collect();
        let _ = writeln!(
            html,
            "<tr><td>{status}</td><td>{}</td><td>{}</td></tr>",
            bodies.join(", or "),
            text(&answer["description"])
        );
    }
    html.push_str("</table>\n</details>\n");
}

fn fields(html: &mut String, schema: &Value) {
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("<code>{}</code>", text(word)))
            .collect();
        let _ = writeln!(html, "<p>{}</p>", words.join(", "));
        return;
    }
    if members(&schema["properties"]).next().is_none() {
        html.push_str("<p class=\"quiet\">No members, or none that are fixed.</p>\n");
        return;
    }
    html.push_str("<table>\n<tr><th>member</th><th>kind</th><th>meaning</th></tr>\n");
    for (name, one) in members(&schema["properties"]) {
        let needed = schema["required"]
            .as_array()
            .is_some_and(|list| list.iter().any(|one| one == name));
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code></td><td>{}{}</td><td>{}</td></tr>",
            escaped(name),
            kind(one),
            if needed { "" } else { ", optional" },
            text(&one["description"])
        );
    }
    html.push_str("</table>\n");
}

/// What a value is, in a word or two; a link where it is a shape.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
        return format!("<a href=\"#{name}\">{name}</a>", name = escaped(name));
    }
    if let Some(several) = schema["oneOf"].as_array() {
        let several: Vec<String> = several.iter().map(kind).collect();
        return several.join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("list of {}", self::kind(&schema["items"]))
        }
        Value::String(kind) => text_of(schema["format"].as_str().unwrap_or(kind)),
        Value::Array(kinds) => {
            let kinds: Vec<String> = kinds.iter().map(text).collect();
            kinds.join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn credentials(security: &Value) -> String {
    let ways = security.as_array().map_or(&[][..], Vec::as_slice);
    if ways.is_empty() {
        return "none".to_owned();
    }
    let ways: Vec<String> = ways
        .iter()
        .map(|way| match members(way).next() {
            None => "none, for a public client".to_owned(),
            Some(("bearer", scopes)) => {
                let scopes: Vec<String> =
                    scopes.as_array().into_iter().flatten().map(text).collect();
                if scopes.is_empty() {
                    "an access token".to_owned()
                } else {
                    format!("a machine's token with {}", scopes.join(" or "))
                }
            }
            Some(("client", _)) => "the client's secret".to_owned(),
            Some((other, _)) => format!("the {}", escaped(other)),
        })
        .collect();
    ways.join("; or ")
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    text_of(value.as_str().unwrap_or_default())
}

/// Escaped, with what stands between backticks as code.
fn text_of(plain: &str) -> String {
    let mut html = String::new();
    for (at, part) in plain.split('`').enumerate() {
        if at % 2 == 1 {
            let _ = write!(html, "<code>{}</code>", escaped(part));
        } else {
            html.push_str(&escaped(part));
        }
    }
    html
}
