//! Signing keys, the feed and what is forgotten.

use std::sync::Arc;

use prolong_core::{FeedEntry, FeedKind};

use super::{at, at_once, conflict, entry, ok};
use crate::{Change, FeedCursor, KeyState, SealedKey, Store, Ticket, Transaction};

/// Keys change their state and go; the feed and tickets are forgotten by their time, and numbers stay.
pub async fn signing_keys_and_forgetting<S: Store>(store: &Arc<S>) {
    let key = |kid: &str, state, second| SealedKey {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        state,
        public_jwk: "{}".to_owned(),
        sealed: vec![1, 2],
        created_at: at(second),
        state_since: at(second),
    };
    let (old, new) = (
        key("b", KeyState::Active, 1),
        key("a", KeyState::Pending, 2),
    );
    for key in [&new, &old] {
        ok(store, Change::PutSigningKey(key.clone())).await;
    }
    assert_eq!(
        store.signing_keys().await.expect("keys"),
        [old.clone(), new.clone()]
    );
    let retiring = SealedKey {
        state: KeyState::Retiring,
        state_since: at(5),
        ..old
    };
    ok(store, Change::PutSigningKey(retiring.clone())).await;
    ok(store, Change::RemoveSigningKey(new.kid)).await;
    assert_eq!(store.signing_keys().await.expect("keys"), [retiring]);
    for until in [9, 10, 11] {
        let line = FeedEntry {
            until,
            ..entry(FeedKind::SessionEnded, 1)
        };
        ok(store, Change::AppendFeed(line)).await;
    }
    let head = store.feed_head().await.expect("head");
    ok(store, Change::ForgetFeedBefore(10)).await;
    let rest = store.feed_after(0, 9).await.expect("lines");
    assert_eq!(rest.iter().map(|line| line.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(store.feed_head().await.expect("head"), head);
    for (hash, second) in [(1, 59), (2, 60)] {
        let ticket = Ticket {
            hash: [hash; 32],
            client: "web".to_owned(),
            sign_in: "{}".to_owned(),
            expires_at: at(second),
        };
        ok(store, Change::PutTicket(ticket)).await;
    }
    ok(store, Change::ForgetTicketsBefore(at(60))).await;
    conflict(store, Change::TakeTicket { hash: [1; 32] }).await;
    ok(store, Change::TakeTicket { hash: [2; 32] }).await;
}

/// Numbers and chain of the feed follow its commits without a hole, whoever appends at once.
pub async fn feed_has_no_holes<S: Store>(store: &Arc<S>) {
    let start = store.feed_head().await.expect("head");
    let kind = FeedKind::SessionEnded;
    let appended = at_once(store, 50, |n| {
        Transaction::of(Change::AppendFeed(entry(kind, n)))
    })
    .await;
    assert_eq!(appended.len(), 50);
    let lines = store.feed_after(0, 100).await.expect("lines");
    let mut cursor: FeedCursor = start;
    for line in &lines {
        cursor = cursor.after(&line.entry);
        assert_eq!((line.seq, line.chain), (cursor.seq, cursor.chain));
    }
    assert_eq!(
        (lines.len(), store.feed_head().await.expect("head")),
        (50, cursor)
    );
}

/// Of the generations of a session's tokens the newest is kept; what else is said, of it and of others, stays.
pub async fn only_the_newest_token_generation_is_kept<S: Store>(store: &Arc<S>) {
    use FeedKind::{SessionEnded, TokenGeneration};
    for (kind, key) in [
        (SessionEnded, 1),
        (TokenGeneration, 1),
        (TokenGeneration, 2),
        (TokenGeneration, 1),
        (TokenGeneration, 1),
    ] {
        ok(store, Change::AppendFeed(entry(kind, key))).await;
    }
    let numbers = async |after, limit| {
        let lines = store.feed_after(after, limit).await.expect("lines");
        lines.iter().map(|line| line.seq).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 9).await, [1, 3, 5]);
    assert_eq!(numbers(3, 9).await, [5]);
    assert_eq!(numbers(0, 2).await, [1, 3]);
}

/// A new epoch begins where the one before stopped: numbers and chain go on, and the commit says where.
pub async fn a_new_epoch_goes_on_counting<S: Store>(store: &Arc<S>) {
    let append = Change::AppendFeed(entry(FeedKind::SessionEnded, 1));
    ok(store, append.clone()).await;
    let before = store.feed_head().await.expect("head");
    let new = FeedCursor {
        epoch: [7; 16],
        ..before
    };
    assert_ne!(before, new);
    let said = ok(store, Change::NewFeedEpoch([7; 16])).await;
    let head = store.feed_head().await.expect("head");
    assert_eq!((said.feed, head), (Some(new), new));
    let said = ok(store, append).await;
    let next = new.after(&entry(FeedKind::SessionEnded, 1));
    assert_eq!(said.feed, Some(next));
    let lines: Vec<_> = said.feed_lines.iter().map(|line| line.seq).collect();
    assert_eq!(lines, [2]);
}
