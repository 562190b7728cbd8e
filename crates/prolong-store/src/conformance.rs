//! What every store must do. Each property is a function of an empty store of its own; [`conformance!`](crate::conformance!)
//! makes a test of each.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a suite of tests: a failure is a panic"
)]

mod keys_and_feed;
mod listings;
mod swaps;
mod sweep;
mod tickets;
mod turns;
mod users;

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{
    FeedEntry, FeedKind, Flags, Generation, KeyId, Life, Limit, ProducedBy, SecretHash, Session,
    SessionId, Standing, Timestamp, UserKey,
};

pub use keys_and_feed::{
    a_new_epoch_goes_on_counting, feed_has_no_holes, only_the_newest_token_generation_is_kept,
    signing_keys_and_forgetting,
};
pub use listings::{facts_and_counts, filters, tombstones_and_pages};
pub use swaps::{
    a_swap_writes_what_a_decision_may_change, activity_merges, all_or_nothing, an_end_is_final,
    guards_of_a_swap, one_swap_wins, what_has_ended_does_not_change,
};
pub use sweep::{limits_of_the_sweep, sweep};
pub use tickets::a_ticket_is_taken_once;
pub use turns::{
    a_turn_is_guarded_too, a_turn_sees_the_user_of_now, a_turn_swaps_for_the_user_it_saw,
    turns_never_conflict,
};
pub use users::users;

use crate::{Change, Committed, NotCommitted, Store, Transaction, User};

/// A test of each property. `$make` is a function without arguments that gives an empty store, and beside it whatever
/// must be kept as long as the store: its folder, say. The crate that calls it depends on tokio.
#[macro_export]
macro_rules! conformance {
    ($make:path) => {
        $crate::conformance!($make:
            guards_of_a_swap a_swap_writes_what_a_decision_may_change what_has_ended_does_not_change
            all_or_nothing activity_merges one_swap_wins an_end_is_final
            turns_never_conflict a_turn_is_guarded_too a_turn_sees_the_user_of_now
            a_turn_swaps_for_the_user_it_saw
            users tombstones_and_pages filters facts_and_counts sweep limits_of_the_sweep
            signing_keys_and_forgetting feed_has_no_holes only_the_newest_token_generation_is_kept
            a_new_epoch_goes_on_counting a_ticket_is_taken_once
        );
    };
    ($make:path: $($property:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $property() {
                let (store, _kept) = $make();
                $crate::conformance::$property(&::std::sync::Arc::new(store)).await;
            }
        )*
    };
}

/// A user to test with.
#[must_use]
pub fn user(n: u8) -> User {
    User {
        key: UserKey([n; 16]),
        sub: format!("sub-{n:03}"),
        login: Some(format!("login-{n:03}")),
        password_hash: Some("$argon2id$".to_owned()),
        claims: "{}".to_owned(),
        standing: Standing::new(),
        created_at: at(1),
        deleted_at: None,
        revision: 0,
    }
}

/// A session to test with, of that user, started at second 1,000 + `n`.
#[must_use]
pub fn session(n: u16, of: u8) -> Session {
    let mut id = [of; 16];
    id[14..].copy_from_slice(&n.to_be_bytes());
    let started = at(1000 + i64::from(n));
    Session {
        id: SessionId(id),
        user: UserKey([of; 16]),
        client: "web".into(),
        life: Life::Live,
        flags: Flags::default(),
        generation: Generation(0),
        key: KeyId(1),
        previous_key: KeyId(1),
        secret: SecretHash([7; 32]),
        produced_by: ProducedBy::Unnamed,
        predecessor_attempt: None,
        forgiven: None,
        rotated_at: started,
        active_at: started,
        started_at: started,
        authenticated_at: started,
        idle: Limit::After(Duration::from_hours(1)),
        absolute_end: Some(at(1_000_000)),
        version: 1,
        scope: None,
        acr: None,
        device_name: Some("maryo's iPad".into()),
        user_agent: Some("Firefox on Linux".into()),
        ip: Some("192.0.2.0/24".into()),
    }
}

/// The swap that rotates `seen` once.
#[must_use]
pub fn rotation(seen: &Session) -> Change {
    let next = Session {
        generation: seen.generation.next(),
        rotated_at: seen.rotated_at.plus(Duration::from_mins(1)),
        ..seen.clone()
    };
    Change::SwapSession {
        seen: seen.clone().into(),
        next: next.into(),
        user: Standing::new(),
    }
}

async fn ok<S: Store>(store: &Arc<S>, change: Change) -> Committed {
    store
        .commit(Transaction::of(change))
        .await
        .expect("the guard holds")
}

async fn conflict<S: Store>(store: &Arc<S>, change: Change) {
    let outcome = store.commit(Transaction::of(change)).await;
    assert!(
        matches!(outcome, Err(NotCommitted::Conflict(0))),
        "{outcome:?}"
    );
}

async fn stored<S: Store>(store: &Arc<S>, id: SessionId) -> Session {
    store
        .session(id)
        .await
        .expect("a read")
        .expect("a session")
        .session
}

async fn with_session<S: Store>(store: &Arc<S>) -> Session {
    let session = session(1, 1);
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::StartSession(session.clone())).await;
    session
}

fn entry(kind: FeedKind, n: u8) -> FeedEntry {
    FeedEntry {
        kind,
        key: [n; 8],
        arg: 1,
        until: 100,
    }
}

/// Commits so many transactions from tasks of their own; gives those that were committed.
async fn at_once<S: Store>(
    store: &Arc<S>,
    many: u8,
    transaction: impl Fn(u8) -> Transaction,
) -> Vec<Committed> {
    let tasks: Vec<_> = (0..many)
        .map(|n| {
            let (store, transaction) = (store.clone(), transaction(n));
            tokio::spawn(async move { store.commit(transaction).await })
        })
        .collect();
    let mut committed = Vec::new();
    for task in tasks {
        match task.await.expect("a task") {
            Ok(one) => committed.push(one),
            Err(NotCommitted::Conflict(_)) => {}
            Err(NotCommitted::Failed(error)) => panic!("{error}"),
        }
    }
    committed
}

/// A time in seconds.
const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}
