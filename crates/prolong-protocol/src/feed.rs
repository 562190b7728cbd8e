//! The revocation feed.
