//! Form bodies, read as strictly as OAuth has them. (JSON bodies: `sessions::fields`.)

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use prolong_protocol::problem::Code;

use super::oauth::OAuthFailure;
use super::problem::Failure;

/// A form body. A parameter without a value counts as omitted; unknown ones are simply not asked for.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`. `Err`: a sentence for the developer of the client.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let mut parameters = BTreeMap::new();
        for pair in body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &[][..]),
            };
            let malformed = || "the form is not well encoded".to_owned();
            let name = decoded(name).ok_or_else(malformed)?;
            let value = decoded(value).ok_or_else(malformed)?;
            if parameters.contains_key(&name) {
                let shown: String = name
                    .chars()
                    .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .take(40)
                    .collect();
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
        let form = media_type(request.headers())
            .is_some_and(|kind| kind == "application/x-www-form-urlencoded");
        if !form {
            return Err(OAuthFailure::invalid_request(
                "the body must be application/x-www-form-urlencoded",
            ));
        }
        let body = read(request, state).await.map_err(OAuthFailure::from)?;
        Self::parse(&body).map_err(OAuthFailure::invalid_request)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Failure> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Failure::new(Code::TooLarge, "the body is too large")
            } else {
                Failure::new(Code::MalformedBody, "the body could not be read")
                    .cause(rejection.body_text())
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

/// The same for a text of which most needs no decoding.
pub(crate) fn decoded_or_plain(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        decoded(text.as_bytes()).map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(text))
    }
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
        assert!(
            Form::parse(b"a=&a=2").is_err(),
            "an empty one repeated is repeated"
        );
        assert!(Form::parse(b"a=%zz").is_err());
        assert!(Form::parse(b"a=%ff").is_err(), "not UTF-8");
    }
}
