//! The members of a JSON body, each fault naming its field.

use core::fmt;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use prolong_protocol::problem::Code;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::http::problem::Failure;

/// A body, not yet read.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    Failure::new(Code::TooLarge, "the body is too large")
                } else {
                    Failure::new(Code::MalformedBody, "the body could not be read").cause(rejection)
                }
            })
    }
}

/// The variable segment of a path, decoded.
pub(crate) struct Segment(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(segment)| Self(segment))
            .map_err(|rejection| {
                Failure::new(Code::NotFound, "the path is not well encoded").cause(rejection)
            })
    }
}

/// A JSON object as it came; no member twice, at no depth.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Reads a body that must be a JSON object.
    pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Failure> {
        if !is_json(headers) {
            let detail = "send the body as `Content-Type: application/json`";
            return Err(Failure::new(Code::UnsupportedMediaType, detail));
        }
        let Unique(map) = serde_json::from_slice(body).map_err(|error| {
            let detail = if error.is_data() {
                "the body must be a JSON object that names no member twice".to_owned()
            } else {
                format!(
                    "the body is not JSON: line {}, column {}",
                    error.line(),
                    error.column()
                )
            };
            Failure::new(Code::MalformedBody, detail)
        })?;
        Ok(Self(map))
    }

    /// The same, where no body is as good as `{}`.
    pub(crate) fn read_optional(headers: &HeaderMap, body: &Bytes) -> Result<Self, Failure> {
        if body.is_empty() {
            Ok(Self(Map::new()))
        } else {
            Self::read(headers, body)
        }
    }

    /// Refuses members that nobody here knows.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, Failure> {
        match self.0.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(self),
            Some(name) => {
                let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                Err(invalid(
                    &name,
                    format_args!("is not known here; known are: {}", known.join(", ")),
                ))
            }
        }
    }

    /// A string; absent and `null` are the same.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(invalid(name, "must be a string")),
        }
    }

    /// A string that must be there.
    pub(crate) fn required_text(&self, name: &str) -> Result<&str, Failure> {
        self.text(name)?.ok_or_else(|| invalid(name, "is missing"))
    }

    /// A short line to show to people: no control characters, at most `most` characters; blank is the same as absent.
    pub(crate) fn line(&self, name: &str, most: usize) -> Result<Option<String>, Failure> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(invalid(name, "must not contain control characters"));
        }
        if text.chars().count() > most {
            return Err(invalid(
                name,
                format_args!("must have at most {most} characters"),
            ));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// True or false.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Failure> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(invalid(name, "must be true or false")),
        }
    }

    /// Any value but `null`.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the member is there, be it `null`.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// `INVALID_REQUEST`, naming the field.
pub(crate) fn invalid(field: &str, fault: impl fmt::Display) -> Failure {
    Failure::new(Code::InvalidRequest, format!("`{field}` {fault}"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

struct Unique(Map<String, Value>);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Unique;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Unique, A::Error> {
                unique(members).map(Unique)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Any value whose objects name no member twice: what a proxy in front read must be what is read here.
struct Deep(Value);

impl<'de> Deserialize<'de> for Deep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything).map(Self)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON that names no member twice")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::from(number))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::from(text))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Deep(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        unique(members).map(Value::Object)
    }
}

fn unique<'de, A: MapAccess<'de>>(mut members: A) -> Result<Map<String, Value>, A::Error> {
    let mut map = Map::new();
    while let Some((name, Deep(value))) = members.next_entry::<String, Deep>()? {
        if map.insert(name, value).is_some() {
            return Err(A::Error::custom("a member twice"));
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(body: &str) -> Result<Fields, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        Fields::read(&headers, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn every_fault_has_its_status_and_names_its_field() {
        let none = Fields::read(&HeaderMap::new(), &Bytes::from_static(b"{}")).unwrap_err();
        assert_eq!(none.code, Code::UnsupportedMediaType);
        for broken in [
            "",
            "{",
            "[]",
            "7",
            "null",
            r#"{"a":1,"a":2}"#,
            r#"{"a":[{"b":1,"b":2}]}"#,
            r#"{"a":{"b":{"c":1,"c":1}}}"#,
            "{} x",
        ] {
            assert_eq!(
                read(broken).unwrap_err().code,
                Code::MalformedBody,
                "{broken}"
            );
        }
        let fields = read(r#"{"a":1,"b":"x","c":null,"d":true,"e":"a\u0000b","f":"  "}"#).unwrap();
        assert!(fields.text("a").unwrap_err().detail.contains("`a`"));
        assert_eq!(fields.required_text("b").unwrap(), "x");
        assert!(
            fields
                .required_text("c")
                .unwrap_err()
                .detail
                .contains("`c` is missing")
        );
        assert_eq!(fields.flag("d").unwrap(), Some(true));
        assert!(fields.flag("b").is_err());
        assert!(fields.line("e", 9).is_err());
        assert_eq!(fields.line("f", 9).unwrap(), None);
        assert!(fields.only(&["a"]).unwrap_err().detail.contains("`b`"));
    }
}
