//! `POST /oauth/token` (RFC 6749 §3.2): the grants `refresh_token` and `client_credentials`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;

use super::{OAuthFailure, no_store};
use crate::authority::{Authority, ClientProof, MachineTokenRefused, Presented, Prolonged};
use crate::http::body::Form;
use crate::http::client_auth::client_proof;
use crate::http::cookie;
use crate::http::cors::Concerns;
use crate::keys::OpenedRefreshToken;
use crate::settings::Transport;

/// The handler.
pub(crate) async fn post(
    State(authority): State<Arc<Authority>>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let client = match client_proof(&authority, &headers, &form) {
        Ok(client) => client,
        Err(failure) => return failure.into_response(),
    };
    let named = client.client().cloned();
    let mut response = match form.get("grant_type") {
        Some("refresh_token") => refresh(&authority, &headers, &form, client).await,
        Some("client_credentials") => client_credentials(&authority, &form, &client),
        Some(_) => Err(OAuthFailure::new(
            "unsupported_grant_type",
            "use refresh_token or client_credentials",
        )),
        None => Err(OAuthFailure::invalid_request("grant_type is missing")),
    }
    .unwrap_or_else(IntoResponse::into_response);
    if let Some(client) = named {
        response.extensions_mut().insert(Concerns(client));
    }
    response
}

async fn refresh(
    authority: &Arc<Authority>,
    headers: &HeaderMap,
    form: &Form,
    client: ClientProof,
) -> Result<Response, OAuthFailure> {
    let attempt = form.get("attempt_id").map(attempt_id).transpose()?;
    let idle_for = form.get("idle_for").map(idle_for).transpose()?;
    let credential = credential(authority, headers, form, client).await?;
    let presented = Presented {
        client: &credential.client,
        token: &credential.token,
        attempt,
        idle_for,
        access_token: form.get("access_token"),
        scope: form.get("scope"),
    };
    let prolonged = authority.prolong(&presented).await?;
    Ok(rendered(authority, prolonged, credential.way))
}

/// A refresh token, for whom it speaks, and how it came.
struct Credential {
    token: OpenedRefreshToken,
    client: ClientProof,
    way: Transport,
}

/// The refresh token, from the form or from a cookie.
async fn credential(
    authority: &Authority,
    headers: &HeaderMap,
    form: &Form,
    client: ClientProof,
) -> Result<Credential, OAuthFailure> {
    let id = client.client().map(|client| client.id.as_str());
    let in_cookie = cookie::presented(authority, headers, id);
    if let Some(token) = form.get("refresh_token") {
        if in_cookie {
            return Err(OAuthFailure::invalid_request(
                "the refresh token came in a cookie and in the form",
            ));
        }
        let token = authority
            .opened(token)
            .ok_or_else(OAuthFailure::invalid_grant)?;
        return Ok(Credential {
            token,
            client,
            way: Transport::Body,
        });
    }
    if !in_cookie {
        // A page cannot see whether it has the cookie: without one it is signed out, and asked rightly.
        let by_cookie = client
            .client()
            .is_some_and(|client| client.transport == Transport::Cookie);
        return Err(if by_cookie {
            OAuthFailure::invalid_grant()
        } else {
            OAuthFailure::invalid_request("refresh_token is missing")
        });
    }
    let from = cookie::read(authority, headers, id)
        .await?
        .ok_or_else(OAuthFailure::invalid_grant)?;
    cookie::refuse_forgery(authority, from.client, headers)?;
    Ok(Credential {
        token: from.token,
        client,
        way: Transport::Cookie,
    })
}

/// The next refresh token goes back the way the one before came (decision 0033): a foreign page can make a browser post
/// a form with a token of its own, and would otherwise plant its session in the victim's cookies.
fn rendered(authority: &Authority, prolonged: Prolonged, way: Transport) -> Response {
    let Prolonged {
        session,
        client,
        renewal,
        mut answer,
    } = prolonged;
    let mut slot = None;
    if way == Transport::Cookie {
        let token = answer.refresh_token.take();
        slot = token.filter(|_| renewal.refresh.is_some_and(|refresh| refresh.set_cookie));
    } else if renewal.refresh.is_none_or(|refresh| !refresh.in_body) {
        answer.refresh_token = None;
    }
    let max_age = cookie::max_age(session.flags.remember, answer.authorization_expires_in);
    let mut response = no_store(axum::Json(answer).into_response());
    if let Some(token) = slot {
        cookie::set(
            authority,
            response.headers_mut(),
            &client,
            (session.generation, &token),
            max_age,
        );
    }
    response.extensions_mut().insert(Concerns(client));
    response
}

fn client_credentials(
    authority: &Authority,
    form: &Form,
    client: &ClientProof,
) -> Result<Response, OAuthFailure> {
    let client = match client {
        ClientProof::Proved(client) => client,
        ClientProof::Named(_) => {
            return Err(OAuthFailure::new(
                "unauthorized_client",
                "a public client has no credentials of its own",
            ));
        }
        ClientProof::Unnamed => return Err(OAuthFailure::invalid_client()),
    };
    match authority.machine_token(client, form.get("scope")) {
        Ok(answer) => Ok(no_store(axum::Json(answer).into_response())),
        Err(MachineTokenRefused::InvalidScope) => Err(OAuthFailure::new(
            "invalid_scope",
            "the client's scopes do not list that machine scope",
        )),
        Err(MachineTokenRefused::Failed(failure)) => Err(failure.into()),
    }
}

/// Base64url of 16 bytes, padded or not.
fn attempt_id(text: &str) -> Result<[u8; 16], OAuthFailure> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text.trim_end_matches('='))
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| OAuthFailure::invalid_request("attempt_id must be base64url of 16 bytes"))
}

/// Seconds; a fraction counts as a whole one, since more activity than there was would keep a session alive.
fn idle_for(text: &str) -> Result<Duration, OAuthFailure> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|seconds| (0.0..=MOST_SECONDS).contains(seconds));
    let seconds = seconds
        .ok_or_else(|| OAuthFailure::invalid_request("idle_for must be seconds, 0 or more"))?;
    Ok(Duration::from_secs_f64(seconds.ceil()))
}

const MOST_SECONDS: f64 = 4_294_967_295.0;
