//! Making feed entries. The key is a salted hash, so that the feed names nobody.

use prolong_core::{EndReason, FeedKind, Generation, SessionId};
use prolong_store::NewFeedEntry;
use prolong_verify::Revoked;

/// `S`: a session ended. `until` is in seconds since the epoch.
pub(crate) fn ended_entry(
    salt: &[u8; 16],
    sid: SessionId,
    reason: EndReason,
    until: i64,
) -> NewFeedEntry {
    let key = Revoked::key_of(salt, &sid.to_string());
    NewFeedEntry {
        kind: FeedKind::SessionEnded,
        key,
        arg: u64::from(reason.number()),
        until,
    }
}

/// `U`: tokens of a user below this `jwt_version` are dead.
pub(crate) fn version_entry(salt: &[u8; 16], sub: &str, version: u64, until: i64) -> NewFeedEntry {
    NewFeedEntry {
        kind: FeedKind::UserEpoch,
        key: Revoked::key_of(salt, sub),
        arg: version,
        until,
    }
}

/// `T`: only this generation of a session's access tokens is good, and later ones.
pub(crate) fn generation_entry(
    salt: &[u8; 16],
    sid: SessionId,
    generation: Generation,
    until: i64,
) -> NewFeedEntry {
    let key = Revoked::key_of(salt, &sid.to_string());
    NewFeedEntry {
        kind: FeedKind::TokenGeneration,
        key,
        arg: generation.0,
        until,
    }
}

/// `K`: a signing key is dead.
pub(crate) fn key_dead_entry(salt: &[u8; 16], kid: &str, until: i64) -> NewFeedEntry {
    NewFeedEntry {
        kind: FeedKind::KeyDead,
        key: Revoked::key_of(salt, kid),
        arg: 0,
        until,
    }
}
