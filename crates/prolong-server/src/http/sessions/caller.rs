//! Who calls: the session behind the bearer token, or behind the cookie where that is enough.

use http::request::Parts;
use prolong_store::Found;

use crate::Authority;
use crate::authority::Credential;
use crate::http::bearer::bearer;
use crate::http::cookie;
use crate::http::cors::{Concerns, named_by_token};
use crate::http::problem::Failure;

/// The caller's session; token and session must be good now.
pub(crate) async fn caller(authority: &Authority, parts: &Parts) -> Result<Found, Failure> {
    let bearer = bearer(&parts.headers, &parts.uri)?;
    authority
        .authenticate(bearer, Credential::GOOD)
        .await
        .map(|caller| caller.found)
}

/// The same, where the session may be waiting for a reauthentication and the token may have expired.
pub(crate) async fn caller_to_reauthenticate(
    authority: &Authority,
    parts: &Parts,
) -> Result<Found, Failure> {
    authority
        .caller_to_reauthenticate(bearer(&parts.headers, &parts.uri)?)
        .await
}

/// The same, where the cookie will do: signing out. A session that is over already is found too. A token that is no good any
/// more still says of which client it was: a browser may hold cookies of several.
pub(crate) async fn caller_or_cookie(
    authority: &Authority,
    parts: &Parts,
) -> Result<Found, Failure> {
    let refused = match caller(authority, parts).await {
        Ok(found) => return Ok(found),
        Err(failure) => failure,
    };
    let named = named_by_token(authority, &parts.headers);
    let client = named.as_ref().map(|Concerns(client)| client.id.as_str());
    if !cookie::presented(authority, &parts.headers, client) {
        return Err(refused);
    }
    let Some(from) = cookie::read(authority, &parts.headers, client).await? else {
        return Err(refused);
    };
    cookie::refuse_forgery(authority, from.client, &parts.headers)?;
    let found = authority
        .store
        .session(from.token.session)
        .await
        .map_err(Failure::unavailable)?;
    found.ok_or(refused)
}
