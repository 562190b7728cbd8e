//! The OAuth endpoints, exactly as the RFCs.

mod error;
pub(crate) mod introspect;
pub(crate) mod revoke;
pub(crate) mod token;

pub(crate) use error::{OAuthFailure, no_store};
