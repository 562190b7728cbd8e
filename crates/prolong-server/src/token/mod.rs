//! Tokens: the claims of an access token, and the answer that carries tokens.

mod access;
mod answer;

pub(crate) use access::{AccessClaims, REMEMBER, RESERVED, SessionClaims};
pub(crate) use answer::rfc3339;
