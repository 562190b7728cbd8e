//! `GET /v1/verify`: forward-auth for nginx, Caddy, `HAProxy`, Traefik, Envoy. Bearer only; cookies are ignored.
//!
//! A request with `Prolong-Activity: background` is one that no person made: it is judged as any other, but neither counts
//! as activity nor prolongs.
//!
//! Every method is judged alike. A proxy may ask with the method of the request that it holds back (Envoy does), so no other
//! method may be answered with 405, which would refuse good tokens, or with a 2xx that nobody has judged.

use std::sync::Arc;

use std::borrow::Cow;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use prolong_protocol::problem::Code;
use prolong_verify::{Caller, Requirement};

use super::bearer::bearer;
use super::body::decoded_or_plain;
use super::problem::Failure;
use crate::authority::{Authority, Forwarded, VerifyWish};

/// The handler.
pub(crate) async fn any(
    State(authority): State<Arc<Authority>>,
    request: Request,
) -> Result<Response, Failure> {
    let token = bearer(request.headers(), request.uri())?;
    let wish = wish(request.uri().query(), request.headers())?;
    let Forwarded { claims, renewed } = authority.verify_forwarded(token, &wish).await?;
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    put(headers, &SUBJECT, Some(claims.subject()))?;
    put(headers, &SESSION, claims.session_id())?;
    put(headers, &CLIENT, Some(claims.client_id()))?;
    put(headers, &SCOPE, claims.scope())?;
    if let Some(renewed) = &renewed {
        put(headers, &ACCESS_TOKEN, Some(&renewed.access_token))?;
    } else if claims.renewal_due() {
        headers.insert(RENEW, HeaderValue::from_static("due"));
    }
    Ok(response)
}

const SUBJECT: HeaderName = HeaderName::from_static("prolong-subject");
const SESSION: HeaderName = HeaderName::from_static("prolong-session");
const CLIENT: HeaderName = HeaderName::from_static("prolong-client");
const SCOPE: HeaderName = HeaderName::from_static("prolong-scope");
const ACCESS_TOKEN: HeaderName = HeaderName::from_static("prolong-access-token");
const RENEW: HeaderName = HeaderName::from_static("prolong-renew");
/// With those that every answer has: then their table need not grow.
const HEADERS: usize = 12;

fn wish(query: Option<&str>, headers: &HeaderMap) -> Result<VerifyWish, Failure> {
    let asked = Question::read(query.unwrap_or_default()).map_err(|fault| {
        Failure::new(
            Code::InvalidRequest,
            format!("the query is not valid: {fault}"),
        )
    })?;
    let [audience, scope, max_age] = asked.0;
    let max_age = max_age.map(|age| age.parse()).transpose();
    let max_age = max_age
        .map_err(|_| Failure::new(Code::InvalidRequest, "`max_age` must be whole seconds"))?;
    let scopes = scope.as_deref().unwrap_or_default().split(' ');
    let scopes = scopes.filter(|scope| !scope.is_empty());
    Ok(VerifyWish {
        audience: audience.map(Cow::into_owned),
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

/// What the proxy asks: the values of [`PARAMETERS`]. A slip in a name is refused: unheard, it would let in whom it was to
/// keep out. Behind `path` is the query of the request that is judged, as Envoy appends it; that can neither loosen the
/// question nor spoil it.
#[derive(Default)]
struct Question<'a>([Option<Cow<'a, str>>; PARAMETERS.len()]);

impl<'a> Question<'a> {
    fn read(query: &'a str) -> Result<Self, String> {
        let (mut asked, mut of_path) = (Self::default(), false);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded_or_plain(name);
            let known = |name: &Cow<'_, str>| PARAMETERS.iter().position(|one| one == name);
            match (name.as_ref().and_then(known), &name) {
                (Some(which), _) if of_path => {
                    return Err(format!("`{}` must come before `path`", PARAMETERS[which]));
                }
                (Some(which), _) => asked.put(which, value)?,
                (None, Some(name)) if name == "path" => of_path = true,
                _ if of_path => {}
                (None, None) => return Err(MALFORMED.to_owned()),
                (None, Some(_)) => {
                    let known = PARAMETERS.join(", ");
                    return Err(format!(
                        "it has a parameter that is not known here; known are: {known}, and last path"
                    ));
                }
            }
        }
        // One without a value counts as omitted, as in forms.
        asked
            .0
            .iter_mut()
            .for_each(|value| drop(value.take_if(|value| value.is_empty())));
        Ok(asked)
    }

    fn put(&mut self, which: usize, value: &'a str) -> Result<(), String> {
        let value = decoded_or_plain(value).ok_or(MALFORMED)?;
        match self.0[which].replace(value) {
            None => Ok(()),
            Some(_) => Err(format!("the parameter {} is repeated", PARAMETERS[which])),
        }
    }
}

const PARAMETERS: [&str; 3] = ["audience", "scope", "max_age"];
const MALFORMED: &str = "it is not well encoded";

/// What the proxy passes on must be there and be right: a value that no header can carry is a failure, not an omission.
fn put(headers: &mut HeaderMap, name: &HeaderName, value: Option<&str>) -> Result<(), Failure> {
    let Some(value) = value else { return Ok(()) };
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        Failure::new(
            Code::InvalidToken,
            "a claim of the token cannot be put into a header",
        )
    })?;
    headers.insert(name, value);
    Ok(())
}
