//! Making feed entries. The key is a salted hash, so that the feed names nobody.

use std::time::Duration;

use prolong_core::{EndReason, FeedKind, Generation, SessionId, Timestamp};
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

/// `K`: a signing key is dead. Whoever stole it can date tokens as they like, so this is told for longer than our own
/// tokens live: until no verifier can still hold the key.
pub(crate) fn key_dead_entry(salt: &[u8; 16], kid: &str, now: Timestamp) -> NewFeedEntry {
    NewFeedEntry {
        kind: FeedKind::KeyDead,
        key: Revoked::key_of(salt, kid),
        arg: 0,
        until: now.plus(A_YEAR).as_secs(),
    }
}

/// `G`: everything that was issued until now is dead, tokens of sessions that the store has lost included. No token may
/// be issued before the second is over.
#[must_use]
pub fn everything_ended(now: Timestamp) -> NewFeedEntry {
    NewFeedEntry {
        kind: FeedKind::EverythingBefore,
        key: [0; 8],
        arg: u64::try_from(now.as_secs().saturating_add(1)).unwrap_or(0),
        until: now.plus(A_YEAR).as_secs(),
    }
}

/// Longer than any access token lives.
const A_YEAR: Duration = Duration::from_hours(8784);

#[cfg(test)]
mod tests {
    use prolong_protocol::feed::arg_of;
    use prolong_protocol::problem::Reason;

    use super::*;

    /// Whatever may end a session has its word and its number on the wire; beside them, verifiers tell of a superseded token.
    #[test]
    fn the_reasons_of_the_core_are_those_of_the_wire() {
        let core = EndReason::ALL.map(|reason| (reason.as_str(), u64::from(reason.number())));
        let wire = Reason::ALL
            .iter()
            .filter(|reason| **reason != Reason::Superseded)
            .map(|reason| (reason.as_str(), arg_of(*reason)));
        assert!(core.into_iter().eq(wire), "{core:?}");
    }
}
