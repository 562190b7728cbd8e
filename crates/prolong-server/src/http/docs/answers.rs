//! Compares an answer of a story with what is said of it: status, media type, shape.

use std::sync::OnceLock;

use http::StatusCode;
use serde_json::Value;

use super::document::document;
use super::operations::operations;

static DOCUMENT: OnceLock<Value> = OnceLock::new();

/// Panics where an answer is not one that is described.
pub(crate) fn compare(method: &str, path: &str, status: StatusCode, kind: &str, body: &Value) {
    let path = path.split('?').next().unwrap_or_default();
    let asked = path.strip_suffix('/').unwrap_or(path);
    let template = operations()
        .into_iter()
        .filter(|one| one.method == method.to_lowercase() && matches(one.path, asked))
        // `/v1/sessions/current` is itself, and no `{sid}`.
        .min_by_key(|one| one.path.matches('{').count());
    let Some(operation) = template else {
        // Another method, a preflight, a path that is not there: told as such. Forward-auth judges every method.
        assert!(
            matches!(status.as_u16(), 200 | 204 | 404 | 405) || asked.ends_with("/v1/verify"),
            "{method} {path}: {status}"
        );
        return;
    };
    let document = DOCUMENT.get_or_init(|| document("https://auth.example.com"));
    let answer = &document["paths"][operation.path][operation.method]["responses"][status.as_str()];
    assert!(
        answer.is_object(),
        "{method} {path} answers {status}, which is not described: {body}"
    );
    if status == StatusCode::NOT_MODIFIED {
        return;
    }
    let media = kind.split(';').next().unwrap_or_default();
    let content = &answer["content"];
    if media.is_empty() {
        assert!(content.is_null(), "{method} {path}: {status} has no body");
        return;
    }
    let described = &content[media];
    assert!(
        described.is_object(),
        "{method} {path}: {status} as {media} is not described"
    );
    if media.ends_with("json") {
        let at = format!("{method} {path} {status}");
        if let Err(fault) = fits(document, &described["schema"], body, &at) {
            panic!("{fault}\n{body}");
        }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let same =
        |(one, part): (&&str, &&str)| one == part || (one.starts_with('{') && !part.is_empty());
    template.len() == path.len() && template.iter().zip(&path).all(same)
}

/// As much of JSON Schema as the document uses; a member that is not declared is a fault, where any is.
fn fits(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#'));
        return fits(
            document,
            schema.ok_or(format!("{at}: no {name}"))?,
            value,
            at,
        );
    }
    if let Some(several) = schema["oneOf"].as_array() {
        let faults: Vec<String> = several
            .iter()
            .filter_map(|one| fits(document, one, value, at).err())
            .collect();
        return if faults.len() + 1 == several.len() {
            Ok(())
        } else {
            Err(format!("{at}: not one of several: {faults:?}"))
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(value) {
            Ok(())
        } else {
            Err(format!("{at}: {value} is not in the list"))
        };
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let is = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    };
    if !kinds.iter().any(is) {
        return Err(format!("{at}: {value} is not {kinds:?}"));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(document, &schema["items"], item, &format!("{at}[{n}]"))?;
    }
    let Some(members) = value.as_object() else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        if !members.contains_key(name) {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    let Some(properties) = schema["properties"].as_object() else {
        return Ok(());
    };
    for (name, value) in members {
        match properties.get(name) {
            Some(schema) => fits(document, schema, value, &format!("{at}.{name}"))?,
            // Introspection carries the claims of the token.
            None if properties.contains_key("active") => {}
            None => return Err(format!("{at}: {name} is not described")),
        }
    }
    Ok(())
}
