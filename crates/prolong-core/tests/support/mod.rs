//! A session and the events that tests put to it.

use std::time::Duration;

use prolong_core::{
    AttemptHash, Generation, KeyId, Policy, PresentedAccessToken, Refresh, SecretHash, Session,
    SessionId, Standing, Start, Timestamp, UserKey,
};

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn at(n: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + n)
}

pub(crate) fn start(now: Timestamp, policy: &Policy) -> Session {
    let start = Start {
        id: SessionId([1; 16]),
        user: UserKey([1; 16]),
        client: "web".into(),
        key: KeyId(1),
        secret: SecretHash([7; 32]),
        authenticated_at: now,
        remember: false,
        scope: None,
        acr: None,
        device_name: None,
        user_agent: None,
        ip: None,
    };
    Session::start(start, &user(now), now, policy)
}

pub(crate) fn user(now: Timestamp) -> Standing {
    Standing {
        last_sign_in: Some(now),
        ..Standing::new()
    }
}

/// An attempt id as its hash for a generation.
pub(crate) fn attempt(id: u8, generation: u64) -> AttemptHash {
    AttemptHash([id, generation.to_le_bytes()[0], 0, 0, 0, 0, 0, 1])
}

pub(crate) fn refresh(generation: u64, id: Option<u8>) -> Refresh<'static> {
    Refresh {
        client: None,
        key: KeyId(1),
        generation: Generation(generation),
        secret: SecretHash([7; 32]),
        attempt: id.map(|id| attempt(id, generation)),
        idle_for: None,
        access_token: PresentedAccessToken::Absent,
        concurrent_answers: 0,
        newest_key: KeyId(1),
        restore_declared: false,
    }
}
