//! The bearer token of a request (RFC 6750 §2.1): in the `Authorization` header, and nowhere else.

use http::{HeaderMap, Uri, header};
use prolong_protocol::problem::Code;

use super::problem::Failure;

/// The token; `None` where none came.
///
/// # Errors
/// 400 for a token in the URL, for two `Authorization` headers, and for one that is not readable (RFC 6750 §3.1).
pub(crate) fn bearer<'a>(headers: &'a HeaderMap, uri: &Uri) -> Result<Option<&'a str>, Failure> {
    let query = uri.query().unwrap_or("").as_bytes();
    let in_url = query
        .split(|byte| *byte == b'&')
        .any(|pair| pair == NAME || (pair.starts_with(NAME) && pair[NAME.len()] == b'='));
    if in_url {
        return Err(bad(
            "an access token must not be in the URL: send it in the Authorization header",
        ));
    }
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(bad("there must be one Authorization header"));
    }
    // What `to_str` lets through, sixteen bytes at a time instead of one: controls are in no header.
    let value = Some(value.as_bytes()).filter(|value| value.is_ascii());
    let value = value.and_then(|value| std::str::from_utf8(value).ok());
    let value = value.ok_or_else(|| bad("the Authorization header is not readable"))?;
    let Some((scheme, token)) = value.split_at_checked(SCHEME.len()) else {
        return Ok(None);
    };
    // Another scheme may begin with the same letters.
    let ours = scheme.eq_ignore_ascii_case(SCHEME) && (token.is_empty() || token.starts_with(' '));
    if !ours {
        return Ok(None);
    }
    let token = token.trim_matches(' ');
    if token.is_empty() || memchr::memchr(b' ', token.as_bytes()).is_some() {
        return Err(bad(
            "the Authorization header must be `Bearer` and one token",
        ));
    }
    Ok(Some(token))
}

const NAME: &[u8] = b"access_token";
const SCHEME: &str = "bearer";

fn bad(detail: &str) -> Failure {
    Failure {
        of_credentials: true,
        ..Failure::new(Code::MalformedBody, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(value: &str) -> Result<Option<String>, ()> {
        let headers = [(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap())];
        let headers = HeaderMap::from_iter(headers);
        let token = bearer(&headers, &Uri::from_static("/v1/verify"));
        token.map(|token| token.map(str::to_owned)).map_err(|_| ())
    }

    #[test]
    fn bea_1_one_scheme_and_one_token() {
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c "] {
            assert_eq!(of(good), Ok(Some("a.b.c".to_owned())), "{good}");
        }
        for another in [
            "",
            "Bear",
            "Basic a",
            "Bearers a",
            "Bearer1",
            "BearerToken a b",
        ] {
            assert_eq!(of(another), Ok(None), "{another}");
        }
        for broken in [
            "Bearer",
            "Bearer ",
            "Bearer    ",
            "Bearer a b",
            "Bearer a  b",
        ] {
            assert_eq!(of(broken), Err(()), "{broken}");
        }
    }
}
