//! Token answers on the wire: in the body, or with the refresh token in its cookie.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use prolong_protocol::token::TokenAnswer;

use crate::Authority;
use crate::authority::sign_in::SignedIn;
use crate::http::cookie;
use crate::http::oauth::no_store;
use crate::http::problem::Failure;
use crate::settings::{Client, Transport};

/// The answer to a sign-in: in cookie transport the refresh token goes into its slot, and the other slot is cleared.
pub(crate) fn answer(authority: &Authority, status: StatusCode, signed_in: SignedIn) -> Response {
    let SignedIn {
        session,
        client,
        mut answer,
    } = signed_in;
    if client.transport == Transport::Body {
        return tokens(status, &answer);
    }
    let token = answer.refresh_token.take();
    let max_age = cookie::max_age(session.flags.remember, answer.authorization_expires_in);
    let mut response = tokens(status, &answer);
    if let Some(token) = token {
        let headers = response.headers_mut();
        cookie::set(
            authority,
            headers,
            &client,
            (session.generation, &token),
            max_age,
        );
        cookie::clear_other(authority, headers, &client, session.generation);
    }
    response
}

/// A token answer as it is.
pub(crate) fn tokens(status: StatusCode, answer: &TokenAnswer) -> Response {
    no_store((status, Json(answer)).into_response())
}

/// Clears both slots of a client in cookie transport.
pub(crate) fn clear(authority: &Authority, client: &Client, response: &mut Response) {
    if client.transport == Transport::Cookie {
        cookie::clear(authority, response.headers_mut(), client);
    }
}

/// Refuses a call that a foreign page could have made: cookies, sign-in included.
pub(crate) fn refuse_forgery(
    authority: &Authority,
    client: &Client,
    parts: &Parts,
) -> Result<(), Failure> {
    cookie::refuse_forgery(authority, client, &parts.headers)
}
