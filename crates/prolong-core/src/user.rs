//! What a session needs to know about its user.

use crate::Timestamp;

/// The user's state, as far as it decides what their sessions may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// `jwt_version`: a session started under a lower one is refused.
    pub version: u64,
    /// Banned: no session prolongs. Enabling again revives nothing, since disabling raises the version too.
    pub disabled: bool,
    /// Deleted: only a tombstone is left.
    pub deleted: bool,
    /// Sessions whose authentication is older than this must reauthenticate.
    pub reauth_at: Option<Timestamp>,
    /// When the user last signed in, on any device.
    pub last_sign_in: Option<Timestamp>,
}

impl Standing {
    /// A user who was just made: version 1, nothing set.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            version: 1,
            disabled: false,
            deleted: false,
            reauth_at: None,
            last_sign_in: None,
        }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self::new()
    }
}
