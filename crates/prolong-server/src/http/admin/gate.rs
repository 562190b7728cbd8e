//! Who may call what: machine scopes.

use http::request::Parts;

use crate::Authority;
use crate::http::bearer::bearer;
use crate::http::problem::Failure;
use crate::serve::OPERATOR;

/// May do everything here.
const ADMIN: &str = "prolong:admin";
/// Reads, and ends sessions.
pub(super) const SUPPORT: &str = "prolong:support";
/// Starts sessions.
pub(super) const SIGN_IN: &str = "prolong:sign-in";

/// The caller, for the audit log; it needs `prolong:admin` or one of `sufficient`.
pub(super) fn actor(
    authority: &Authority,
    parts: &Parts,
    sufficient: &[&str],
) -> Result<String, Failure> {
    let any_of: Vec<&str> = std::iter::once(ADMIN)
        .chain(sufficient.iter().copied())
        .collect();
    let machine = authority.authenticate_machine(bearer(&parts.headers, &parts.uri)?, &any_of)?;
    Ok(match machine.client_id.as_str() {
        OPERATOR => "operator".to_owned(),
        id => format!("client:{id}"),
    })
}
