//! What is asked of a token on every sight, whether it was read just now or is remembered.

use std::sync::Arc;

use crate::{expected::Audience, key::Key};

/// The first 8 bytes of SHA-256(feed salt ‖ name), little-endian: what the feed calls a session, user, client or key.
pub(crate) type SaltedKey = u64;

/// The numbers among the claims; times in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    pub(crate) nbf: Option<i64>,
    pub(crate) auth_time: Option<i64>,
    pub(crate) softexp: Option<i64>,
    pub(crate) jwt_version: Option<u64>,
    pub(crate) generation: Option<u64>,
}

/// What a route may ask.
pub(crate) trait Asked {
    fn facts(&self) -> &Facts;
    fn scope(&self) -> Option<&str>;
    fn acr(&self) -> Option<&str>;
    /// A user's token has a session, a machine's has none.
    fn has_session(&self) -> bool;
}

/// What every verifier asks of a token whose signature is known to hold.
pub(crate) trait Said: Asked {
    fn key(&self) -> &Arc<Key>;
    fn typ(&self) -> Option<&str>;
    fn issuer(&self) -> &str;
    fn is_for(&self, audience: &Audience) -> bool;
    /// What the feed calls them under this salt.
    fn salted_kid(&self, salt: &[u8; 16]) -> SaltedKey;
    fn salted_client(&self, salt: &[u8; 16]) -> SaltedKey;
    fn salted_user(&self, salt: &[u8; 16]) -> SaltedKey;
    /// `None` for a machine's token.
    fn salted_session(&self, salt: &[u8; 16]) -> Option<SaltedKey>;
}
