//! The description as an `OpenAPI` 3.1 document.

use prolong_protocol::problem::Problem;
use prolong_protocol::session::{SessionItem, SessionList};
use prolong_protocol::token::{OAuthError, TokenAnswer};
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::operations::{Body, Credentials, Field, Operation, ROOMS, SCHEMAS, operations};

/// The document, for the authority of this issuer.
pub(crate) fn document(issuer: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let path = paths
            .entry(operation.path.to_owned())
            .or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.to_owned(), described(&operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Prolong",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A session authority: keeps active users signed in and everyone else out.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": issuer }],
        "tags": ROOMS.iter().map(|(name, says)| json!({ "name": name, "description": says })).collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": {
            "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            "client": { "type": "http", "scheme": "basic", "description": "client_id and client_secret; both may be in the form instead" },
            "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-prolong-{client}-{0|1}", "description": "with `Prolong-Request: 1` and an allowed `Origin`" },
        } },
    })
}

fn described(operation: &Operation) -> Value {
    let mut answers = Map::new();
    for (status, what) in &operation.gives {
        let answer = answers.entry(status.to_string()).or_insert_with(
            || json!({ "description": if *what == "object" { "a JSON object" } else { "done" } }),
        );
        if let Some((kind, schema)) = content(what) {
            let kinds = &mut answer["content"];
            // Two shapes in one answer: either may come.
            match kinds.get(&kind).map(|known| known["schema"].clone()) {
                Some(known) => kinds[kind] = json!({ "schema": { "oneOf": [known, schema] } }),
                None => kinds[kind] = json!({ "schema": schema }),
            }
        }
    }
    let (kind, problem) = if operation.is_oauth() {
        ("application/json", reference("OAuthError"))
    } else {
        ("application/problem+json", reference("Problem"))
    };
    for status in operation.refusals() {
        let content = json!({ kind: { "schema": problem } });
        answers.insert(
            status.to_string(),
            json!({ "description": refusal(status), "content": content }),
        );
    }
    let mut described = json!({
        "tags": [operation.room],
        "operationId": id(operation),
        "summary": operation.says,
        "security": security(operation.by),
        "responses": answers,
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = Value::Array(parameters);
    }
    let body = match operation.body {
        Body::Nothing => None,
        Body::Form(fields) => Some(("application/x-www-form-urlencoded", fields)),
        Body::Json(fields) => Some(("application/json", fields)),
    };
    if let Some((kind, fields)) = body {
        let needed = fields.iter().any(|(_, kind, _)| kind.ends_with('!'));
        described["requestBody"] =
            json!({ "required": needed, "content": { kind: { "schema": request(fields) } } });
    }
    described
}

/// `postOauthToken`: stable names for generated clients.
fn id(operation: &Operation) -> String {
    let mut id = operation.method.to_owned();
    for word in operation.path.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut letters = word.chars();
        id.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        id.extend(letters);
    }
    id
}

fn security(by: Credentials) -> Value {
    match by {
        Credentials::Nobody => json!([]),
        Credentials::Client => json!([{ "client": [] }, {}]),
        Credentials::ClientOrMachine(scopes) => json!([{ "client": [] }, { "bearer": scopes }]),
        Credentials::User => json!([{ "bearer": [] }]),
        Credentials::UserOrCookie => json!([{ "bearer": [] }, { "cookie": [] }]),
        Credentials::Machine(scopes) => json!([{ "bearer": scopes }]),
    }
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = operation.query.iter().map(|(name, kind, says)| {
        json!({ "name": name, "in": "query", "required": kind.ends_with('!'), "description": says, "schema": schema(kind) })
    });
    in_path.chain(in_query).collect()
}

/// The media type and schema of an answer's body.
fn content(what: &str) -> Option<(String, Value)> {
    match what {
        "" => None,
        "object" => Some(("application/json".to_owned(), json!({ "type": "object" }))),
        "application/jwk-set+json" => Some((what.to_owned(), json!({ "type": "object" }))),
        kind if kind.contains('/') => Some((kind.to_owned(), json!({ "type": "string" }))),
        name => Some(("application/json".to_owned(), reference(name))),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn request(fields: &[Field]) -> Value {
    let properties: Map<_, _> = fields.iter().map(property).collect();
    let needed: Vec<_> = fields
        .iter()
        .filter(|(_, kind, _)| kind.ends_with('!'))
        .map(|(name, _, _)| *name)
        .collect();
    json!({ "type": "object", "properties": properties, "required": needed })
}

fn property((name, kind, says): &Field) -> (String, Value) {
    let mut schema = schema(kind);
    if !says.is_empty() {
        schema["description"] = json!(says);
    }
    ((*name).to_owned(), schema)
}

/// The schema of a kind (see [`Field`]).
fn schema(kind: &str) -> Value {
    let kind = kind.trim_end_matches(['!', '~']);
    if let Some(kind) = kind.strip_suffix('?') {
        return match schema(kind) {
            Value::Object(mut one) if one.contains_key("type") => {
                let plain = one["type"].clone();
                one.insert("type".to_owned(), json!([plain, "null"]));
                Value::Object(one)
            }
            other => json!({ "oneOf": [other, { "type": "null" }] }),
        };
    }
    if let Some(item) = kind
        .strip_prefix('[')
        .and_then(|kind| kind.strip_suffix(']'))
    {
        return json!({ "type": "array", "items": schema(item) });
    }
    match kind {
        "text" => json!({ "type": "string" }),
        "time" => json!({ "type": "string", "format": "date-time" }),
        "seconds" => json!({ "type": "number", "minimum": 0 }),
        "number" => json!({ "type": "integer" }),
        "flag" => json!({ "type": "boolean" }),
        "object" => json!({ "type": "object" }),
        "any" => json!({}),
        name => reference(name),
    }
}

fn schemas() -> Map<String, Value> {
    let mut all = Map::new();
    for (name, fields) in SCHEMAS {
        let properties: Map<_, _> = fields.iter().map(property).collect();
        let present: Vec<_> = fields
            .iter()
            .filter(|(_, kind, _)| !kind.ends_with('~'))
            .map(|(name, _, _)| *name)
            .collect();
        let mut shape = json!({ "type": "object" });
        if !fields.is_empty() {
            shape["properties"] = Value::Object(properties);
            shape["required"] = json!(present);
        }
        all.insert((*name).to_owned(), shape);
    }
    declared::<TokenAnswer>(&mut all);
    declared::<SessionList>(&mut all);
    declared::<SessionItem>(&mut all);
    declared::<Problem>(&mut all);
    declared::<OAuthError>(&mut all);
    all
}

/// A shape that `prolong-protocol` declares, with those in it.
fn declared<T: ToSchema + PartialSchema>(all: &mut Map<String, Value>) {
    let mut found: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        if let Ok(schema) = serde_json::to_value(schema) {
            all.insert(name, schema);
        }
    }
}

fn refusal(status: u16) -> &'static str {
    match status {
        400 => "the request could not be read, or is not one that OAuth knows",
        401 => "no credentials, or none that are good",
        403 => "not with these credentials, or not from this page",
        404 => "there is no such thing, or not for this caller",
        409 => "it exists already, changed meanwhile, or was answered already",
        413 => "the body is too large",
        415 => "the body has the wrong media type",
        422 => "a field is missing or not valid; the detail names it",
        429 => "too many; `Retry-After` says when",
        _ => "the authority cannot answer now; nothing was consumed",
    }
}
