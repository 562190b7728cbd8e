//! `GET /v1/verify`: forward-auth for nginx, Traefik, Caddy, Envoy. Bearer only; cookies are ignored.
//!
//! A request with `Prolong-Activity: background` is one that no person made: it is judged as any other, but neither counts
//! as activity nor prolongs.
//!
//! Every method is judged alike. A proxy may ask with the method of the request that it holds back (Envoy does), so no other
//! method may be answered with 405, which would refuse good tokens, or with a 2xx that nobody has judged.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use prolong_protocol::problem::Code;
use prolong_verify::{Caller, Requirement};

use super::bearer::bearer;
use super::body::{Form, decoded};
use super::problem::Failure;
use crate::authority::{Authority, Forwarded, VerifyWish};

/// The handler.
pub(crate) async fn any(
    State(authority): State<Arc<Authority>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let token = bearer(&headers, &uri)?;
    let wish = wish(&uri, &headers)?;
    let Forwarded { claims, renewed } = authority.verify_forwarded(token, &wish).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    put(headers, "prolong-subject", Some(claims.subject()))?;
    put(headers, "prolong-session", claims.session_id())?;
    put(headers, "prolong-client", Some(claims.client_id()))?;
    put(headers, "prolong-scope", claims.scope())?;
    if let Some(renewed) = &renewed {
        put(headers, "prolong-access-token", Some(&renewed.access_token))?;
    } else if claims.renewal_due() {
        put(headers, "prolong-renew", Some("due"))?;
    }
    Ok(response)
}

fn wish(uri: &Uri, headers: &HeaderMap) -> Result<VerifyWish, Failure> {
    let query = question(uri.query().unwrap_or_default()).map_err(|fault| {
        Failure::new(
            Code::InvalidRequest,
            format!("the query is not valid: {fault}"),
        )
    })?;
    let max_age = query.get("max_age").map(str::parse).transpose();
    let max_age = max_age
        .map_err(|_| Failure::new(Code::InvalidRequest, "`max_age` must be whole seconds"))?;
    let scopes = query
        .get("scope")
        .unwrap_or_default()
        .split(' ')
        .filter(|scope| !scope.is_empty());
    Ok(VerifyWish {
        audience: query.get("audience").map(str::to_owned),
        requirement: Requirement {
            scopes: scopes.map(str::to_owned).collect(),
            max_age,
            acr_values: Vec::new(),
            caller: Caller::Any,
        },
        background: headers
            .get("prolong-activity")
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"background")),
    })
}

/// What the proxy asks. A slip in a name is refused: unheard, it would let in whom it was to keep out. Behind `path` is the
/// query of the request that is judged, as Envoy appends it; that can neither loosen the question nor spoil it.
fn question(query: &str) -> Result<Form, String> {
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    let name = |pair: &&str| decoded(pair.split('=').next().unwrap_or_default().as_bytes());
    let of_path = pairs
        .iter()
        .position(|pair| name(pair).as_deref() == Some("path"));
    let (asked, foreign) = pairs.split_at(of_path.unwrap_or(pairs.len()));
    let known = |name: &String| PARAMETERS.contains(&name.as_str());
    if let Some(late) = foreign.iter().filter_map(name).find(known) {
        return Err(format!("`{late}` must come before `path`"));
    }
    if asked
        .iter()
        .filter_map(name)
        .any(|name| !PARAMETERS.contains(&name.as_str()))
    {
        let known = PARAMETERS.join(", ");
        return Err(format!(
            "it has a parameter that is not known here; known are: {known}, and last path"
        ));
    }
    Form::parse(asked.join("&").as_bytes())
}

const PARAMETERS: [&str; 3] = ["audience", "scope", "max_age"];

/// What the proxy passes on must be there and be right: a value that no header can carry is a failure, not an omission.
fn put(headers: &mut HeaderMap, name: &'static str, value: Option<&str>) -> Result<(), Failure> {
    let Some(value) = value else { return Ok(()) };
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        Failure::new(
            Code::InvalidToken,
            "a claim of the token cannot be put into a header",
        )
    })?;
    headers.insert(HeaderName::from_static(name), value);
    Ok(())
}
