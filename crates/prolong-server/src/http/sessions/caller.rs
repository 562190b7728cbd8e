//! Who calls: the session behind the bearer token, or behind the cookie where that is enough.

use http::request::Parts;
use prolong_store::Found;

use crate::Authority;
use crate::http::problem::Failure;

/// The caller's session; it must be good now.
pub(crate) async fn caller(authority: &Authority, parts: &Parts) -> Result<Found, Failure> {
    let _ = (authority, parts);
    Err(Failure::unavailable("not joined yet"))
}

/// The same, where the session may be waiting for a reauthentication.
pub(crate) async fn caller_to_reauthenticate(authority: &Authority, parts: &Parts) -> Result<Found, Failure> {
    caller(authority, parts).await
}

/// The same, where the cookie will do: signing out.
pub(crate) async fn caller_or_cookie(authority: &Authority, parts: &Parts) -> Result<Found, Failure> {
    caller(authority, parts).await
}
