//! The revocation feed, inside the authority.

/// What has ended.
pub struct LiveFeed;
