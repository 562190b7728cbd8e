//! Bodies, read strictly: forms as OAuth has them, JSON with problems that name the field.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use prolong_protocol::problem::Code;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::oauth::OAuthFailure;
use super::problem::Failure;

/// A form body. A parameter without a value counts as omitted; unknown ones are simply not asked for.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`. `Err`: a sentence for the developer of the client.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let mut parameters = BTreeMap::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let malformed = || "the form is not well encoded".to_owned();
            let name = decoded(name).ok_or_else(malformed)?;
            let value = decoded(value).ok_or_else(malformed)?;
            if parameters.contains_key(&name) {
                let shown: String = name.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
                return Err(format!("the parameter {shown} is repeated"));
            }
            parameters.insert(name, value);
        }
        parameters.retain(|_, value| !value.is_empty());
        Ok(Self(parameters))
    }

    /// A parameter's value; never empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = OAuthFailure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let form = media_type(request.headers()).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        if !form {
            return Err(OAuthFailure::invalid_request("the body must be application/x-www-form-urlencoded"));
        }
        let body = read(request, state).await.map_err(OAuthFailure::from)?;
        Self::parse(&body).map_err(OAuthFailure::invalid_request)
    }
}

/// A JSON body. An empty one counts as `{}`.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let kind = media_type(request.headers());
        let body = read(request, state).await?;
        if body.is_empty() {
            return typed(Value::Object(Map::new())).map(Self);
        }
        let json = kind.is_some_and(|kind| kind == "application/json" || kind.ends_with("+json"));
        if !json {
            return Err(Failure::new(Code::UnsupportedMediaType, "the body must be application/json"));
        }
        let value: Value = serde_json::from_slice(&body).map_err(|error| {
            let detail = format!("the body is not JSON: line {}, column {}", error.line(), error.column());
            Failure::new(Code::MalformedBody, detail)
        })?;
        if !value.is_object() {
            return Err(Failure::new(Code::InvalidRequest, "the body must be a JSON object"));
        }
        typed(value).map(Self)
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    T::deserialize(&value).map_err(|error| {
        let message = error.to_string();
        let detail = match culprit::<T>(&value, &message) {
            Some(field) if !message.contains(&format!("`{field}`")) => {
                format!("`{field}` is not valid: {}", without_values(&message))
            }
            _ => without_values(&message),
        };
        Failure::new(Code::InvalidRequest, detail)
    })
}

/// The member without which the complaint would be another one.
fn culprit<T: DeserializeOwned>(value: &Value, message: &str) -> Option<String> {
    let members = value.as_object()?;
    let blamed = members.keys().find(|name| {
        let mut rest = members.clone();
        rest.remove(*name);
        T::deserialize(&Value::Object(rest)).map_or_else(|error| error.to_string() != message, |_| true)
    });
    blamed.map(|name| name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect())
}

/// What came is not repeated: it may be a secret.
fn without_values(message: &str) -> String {
    match (message.split_once(": "), message.split_once(", expected")) {
        (Some((kind @ ("invalid type" | "invalid value"), _)), Some((_, expected))) => {
            format!("{kind}, expected{expected}")
        }
        _ => message.to_owned(),
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    Bytes::from_request(request, state).await.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Failure::new(Code::TooLarge, "the body is too large")
        } else {
            Failure::new(Code::MalformedBody, "the body could not be read").cause(rejection.body_text())
        }
    })
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

/// `+` is a space, `%XX` a byte; the whole must be UTF-8.
pub(crate) fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tok_2_empty_is_omitted_unknown_is_ignored_repeated_is_refused() {
        let form = Form::parse(b"a=1&b=&c&%64=x+y%2B&unknown=z").unwrap();
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), None);
        assert_eq!(form.get("c"), None);
        assert_eq!(form.get("d"), Some("x y+"));
        assert!(Form::parse(b"a=1&a=2").is_err());
        assert!(Form::parse(b"a=&a=2").is_err(), "an empty one repeated is repeated");
        assert!(Form::parse(b"a=%zz").is_err());
        assert!(Form::parse(b"a=%ff").is_err(), "not UTF-8");
    }

    #[derive(Debug, serde::Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only its type matters")]
        password: String,
        #[expect(dead_code, reason = "only its type matters")]
        idle_for: Option<u64>,
    }

    #[test]
    fn a_problem_names_the_field_and_never_what_came() {
        let detail = |value| typed::<Sample>(value).unwrap_err().detail;
        assert_eq!(
            detail(serde_json::json!({"password": "s3cret", "idle_for": "s3cret"})),
            "`idle_for` is not valid: invalid type, expected u64"
        );
        assert_eq!(detail(serde_json::json!({"idle_for": 1})), "missing field `password`");
        assert!(typed::<Sample>(serde_json::json!({"password": "x"})).is_ok());
    }
}
