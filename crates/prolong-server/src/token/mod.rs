//! Tokens: the claims of an access token, and the answer that carries tokens.

mod access;
mod answer;

pub(crate) use access::{AccessClaims, REMEMBER, RESERVED, SessionClaims};
pub(crate) use answer::{MACHINE_SCOPE, granted_scopes, rfc3339};
