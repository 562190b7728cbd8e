//! Filters and pages of listings.

use prolong_core::{SessionId, Timestamp, UserKey};

/// One page of a listing: after this key, at most so many (1 to 1,000).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Opaque continuation: the last item's key of the page before (`sub`, session id or audit number as text).
    pub after: Option<String>,
    /// At most so many items.
    pub limit: usize,
}

/// Which sessions to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Of this user.
    pub user: Option<UserKey>,
    /// Of this client.
    pub client: Option<String>,
    /// Only those not ended (they may be over by their deadlines).
    pub not_ended: bool,
}

/// Which users to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Login or `sub` begins with this.
    pub prefix: Option<String>,
    /// Tombstones too.
    pub deleted: bool,
}

/// Which audit lines to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// About this user.
    pub user: Option<UserKey>,
    /// About this session.
    pub session: Option<SessionId>,
    /// Not before this.
    pub since: Option<Timestamp>,
    /// Only lines whose word is this.
    pub what: Option<String>,
}
