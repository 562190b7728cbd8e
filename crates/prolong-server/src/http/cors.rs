//! Cross-origin calls (CORS).
//!
//! 1. A preflight is answered for every origin that some client has registered: it does not say which client calls.
//! 2. The answer is readable for a page if the client it concerns has its origin: the client that the handler found, or
//!    the one that the bearer token names. Where none is known, if some client has the origin.
//! 3. Origins are compared as browsers serialise them, character by character.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::authority::Authority;
use crate::settings::{Client, Origins};

/// A response that concerns this client: put it into the response's extensions.
#[derive(Clone)]
pub(crate) struct Concerns(pub(crate) Arc<Client>);

/// The answer of `next`, readable for whom it may be; or the answer to a preflight.
pub(crate) async fn cors(
    authority: &Authority,
    request: Request,
    next: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let known = origin.filter(|origin| {
        origin.to_str().is_ok_and(|origin| {
            authority
                .settings
                .clients
                .values()
                .any(|client| allows(authority, client, origin))
        })
    });
    let asks = request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if asks {
        let mut response = StatusCode::NO_CONTENT.into_response();
        vary(response.headers_mut());
        if let Some(origin) = known {
            allow(response.headers_mut(), origin);
            set(
                response.headers_mut(),
                header::ACCESS_CONTROL_ALLOW_METHODS,
                "GET, POST, PATCH, DELETE",
            );
            set(
                response.headers_mut(),
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "authorization, content-type, prolong-request",
            );
            set(
                response.headers_mut(),
                header::ACCESS_CONTROL_MAX_AGE,
                "600",
            );
        }
        return response;
    }
    let named = known
        .as_ref()
        .and_then(|_| named_by_token(authority, request.headers()));
    let mut response = next(request).await;
    vary(response.headers_mut());
    if let Some(origin) = known {
        let concerns = response.extensions_mut().remove::<Concerns>().or(named);
        let readable = concerns.is_none_or(|Concerns(client)| {
            origin
                .to_str()
                .is_ok_and(|origin| allows(authority, &client, origin))
        });
        if readable {
            allow(response.headers_mut(), origin);
            set(
                response.headers_mut(),
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                EXPOSED,
            );
        }
    }
    response
}

/// The client that a bearer token says it is for. Nobody has verified it: a false one is refused by the handler, and
/// all that its sender learns is how.
pub(crate) fn named_by_token(authority: &Authority, headers: &HeaderMap) -> Option<Concerns> {
    #[derive(serde::Deserialize)]
    struct Named {
        client_id: String,
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, token) = value.split_once(' ')?;
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let Named { client_id } = serde_json::from_slice(&payload).ok()?;
    authority.client(&client_id).cloned().map(Concerns)
}

/// Whether a page of this origin may call for this client. The authority's own pages may.
pub(crate) fn allows(authority: &Authority, client: &Client, origin: &str) -> bool {
    origin == own_origin(&authority.settings.issuer)
        || match &client.origins {
            Origins::AnyLoopback => is_loopback(origin),
            Origins::Listed(origins) => origins.iter().any(|one| one == origin),
        }
}

/// Scheme, host and port of an absolute URL.
fn own_origin(issuer: &str) -> &str {
    let host = issuer.find("://").map_or(0, |at| at + 3);
    issuer[host..]
        .find('/')
        .map_or(issuer, |end| &issuer[..host + end])
}

fn is_loopback(origin: &str) -> bool {
    let Some(rest) = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
    else {
        return false;
    };
    let host = match rest.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            host
        }
        _ => rest,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    set(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
}

fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

const EXPOSED: &str = "WWW-Authenticate, Retry-After, Prolong-Access-Token, Prolong-Renew, Prolong-Subject, \
                       Prolong-Session, Prolong-Client, Prolong-Scope";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_exactly_that() {
        for good in [
            "http://localhost:5173",
            "http://127.0.0.1",
            "https://[::1]:8080",
        ] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "http://localhost.evil.example",
            "null",
            "http://localhost:80@evil",
            "ftp://localhost",
            "http://[::2]:1",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
        assert_eq!(own_origin("https://a.example/auth"), "https://a.example");
        assert_eq!(own_origin("http://localhost:8080"), "http://localhost:8080");
    }
}
