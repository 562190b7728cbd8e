//! A user's public claims: a JSON object that goes into access tokens.

use serde_json::{Map, Value};

use crate::token::RESERVED;

/// Checks claims that somebody wants to set; `Err` ends a sentence that begins with the field.
pub(crate) fn parsed_claims(claims: &Value) -> Result<String, String> {
    let Value::Object(claims) = claims else {
        return Err("must be an object".to_owned());
    };
    if let Some(name) = claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
        return Err(format!("must not set `{name}`: the authority does"));
    }
    let text = Value::Object(claims.clone()).to_string();
    if text.len() > MOST {
        return Err(format!(
            "must have at most {MOST} bytes as JSON: they travel with every request"
        ));
    }
    Ok(text)
}

/// `stored` with the members of `change` set; a member that is `null` is removed (RFC 7396, one level deep).
pub(crate) fn merged_claims(stored: &str, change: &Value) -> Result<String, String> {
    let Value::Object(change) = change else {
        return Err("must be an object".to_owned());
    };
    let mut claims: Map<String, Value> = serde_json::from_str(stored).unwrap_or_default();
    for (name, value) in change {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    parsed_claims(&Value::Object(claims))
}

const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_objects_without_reserved_names() {
        assert_eq!(
            parsed_claims(&json!({"role": "admin"})),
            Ok(r#"{"role":"admin"}"#.to_owned())
        );
        assert!(parsed_claims(&json!([])).is_err());
        assert!(
            parsed_claims(&json!({"jwt_version": 9}))
                .unwrap_err()
                .contains("jwt_version")
        );
        assert!(parsed_claims(&json!({"x": "y".repeat(5000)})).is_err());
    }

    #[test]
    fn a_change_sets_and_null_removes() {
        let merged = merged_claims(r#"{"a":1,"b":2}"#, &json!({"b": null, "c": 3})).unwrap();
        assert_eq!(merged, r#"{"a":1,"c":3}"#);
        assert!(merged_claims("{}", &json!({"exp": 1})).is_err());
    }
}
