//! The bearer token of a request (RFC 6750 §2.1).

use http::{HeaderValue, Request, header::AUTHORIZATION};

use super::response::Refusal;
use crate::wording::Payload;

const SCHEME: &[u8] = b"bearer";

/// A token as it came. The field is shared, not copied.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    field: HeaderValue,
    start: usize,
    end: usize,
}

impl Token {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        let token = self.field.as_bytes().get(self.start..self.end);
        token.unwrap_or_default()
    }

    /// Empty if it is not a token at all.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn payload(&self) -> Payload {
        Payload::Field {
            field: self.field.clone(),
            start: self.start,
            end: self.end,
        }
    }

    /// What is wrong with the field, if it holds no single `b64token`. Asked only of tokens that were refused: no good one
    /// has such characters.
    pub(super) fn fault(&self) -> Option<Refusal> {
        let mut bytes = self.as_bytes().iter();
        let is_one = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
        (!bytes.all(is_one)).then_some(NOT_ONE_TOKEN)
    }
}

const NOT_ONE_TOKEN: Refusal = Refusal::Malformed("expected `Bearer`, one space, and one token");

/// Condition 1. Another scheme counts as no credentials: someone else may be meant.
pub(super) fn bearer<B>(request: &Request<B>) -> Result<Token, Refusal> {
    let mut fields = request.headers().get_all(AUTHORIZATION).iter();
    let Some(field) = fields.next() else {
        return Err(Refusal::NoCredentials);
    };
    if fields.next().is_some() {
        return Err(Refusal::Malformed(
            "there is more than one Authorization field",
        ));
    }
    let bytes = field.as_bytes();
    let (scheme, rest) = bytes.split_at(bytes.len().min(SCHEME.len()));
    if !scheme.eq_ignore_ascii_case(SCHEME) || !matches!(rest.first(), None | Some(b' ')) {
        return Err(Refusal::NoCredentials);
    }
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    if spaces == rest.len() {
        return Err(NOT_ONE_TOKEN);
    }
    let spaces_after = rest.iter().rev().take_while(|byte| **byte == b' ').count();
    let twice = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|one| one.starts_with("access_token=")));
    if twice {
        return Err(Refusal::Malformed("the token must come in one way only"));
    }
    Ok(Token {
        field: field.clone(),
        start: SCHEME.len() + spaces,
        end: bytes.len() - spaces_after,
    })
}
