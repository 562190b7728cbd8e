//! Who may call what: machine scopes.

use http::request::Parts;

use crate::Authority;
use crate::http::problem::Failure;

/// May do everything here.
pub(super) const ADMIN: &str = "prolong:admin";
/// Reads, and ends sessions.
pub(super) const SUPPORT: &str = "prolong:support";
/// Starts sessions.
pub(super) const SIGN_IN: &str = "prolong:sign-in";

/// The caller, for the audit log; it needs `prolong:admin` or one of `sufficient`.
pub(super) async fn actor(authority: &Authority, parts: &Parts, sufficient: &[&str]) -> Result<String, Failure> {
    let _ = (authority, parts, sufficient, ADMIN);
    Err(Failure::unavailable("not joined yet"))
}
