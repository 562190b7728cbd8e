//! What may be swept away.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{EndReason, KeyId, Limit, Session};

use super::{at, ok, session, user, with_session};
use crate::{Change, Store, User};

/// What may be removed: sessions and tombstones past their time, to the millisecond; and which keys pin a session.
pub async fn sweep<S: Store>(store: &Arc<S>) {
    let session = with_session(store).await;
    let idle_end = at(1001 + 3600);
    let owner = store
        .session(session.id)
        .await
        .expect("a read")
        .expect("a session")
        .user;
    let tombstone = User {
        deleted_at: Some(at(1)),
        ..owner.clone()
    };
    ok(store, Change::ReplaceUser(tombstone)).await;
    let users = async || store.removable_users(at(2), 9).await.expect("a read");
    assert!(users().await.is_empty(), "their session is still there");
    let removable = async |before| store.removable_sessions(before, 9).await.expect("a read");
    assert!(removable(idle_end).await.is_empty());
    assert_eq!(
        removable(idle_end.plus(Duration::from_millis(1))).await,
        [session.id]
    );
    assert!(store.key_in_use(KeyId(1)).await.expect("a read"));
    assert!(!store.key_in_use(KeyId(2)).await.expect("a read"));
    ok(store, Change::RemoveSessions(vec![session.id])).await;
    assert!(store.session(session.id).await.expect("a read").is_none());
    assert!(!store.key_in_use(KeyId(1)).await.expect("a read"));
    assert_eq!(users().await, [owner.key]);
}

/// A session goes by whichever limit it has, once that has passed; one that ended by its end alone; never more at once
/// than were asked for. A key pins live sessions, those of its successor too.
pub async fn limits_of_the_sweep<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    let of = |n, idle, absolute_end| Session {
        idle,
        absolute_end,
        key: KeyId(2),
        ..session(n, 1)
    };
    let sessions = [
        of(1, Limit::Never, Some(at(5000))),
        of(2, Limit::Never, None),
        of(3, Limit::After(Duration::from_hours(1)), None),
        of(4, Limit::After(Duration::from_secs(1)), None),
    ];
    for session in &sessions {
        ok(store, Change::StartSession(session.clone())).await;
    }
    let in_use = async |key| store.key_in_use(KeyId(key)).await.expect("a read");
    assert!(in_use(1).await && in_use(2).await);
    for session in &sessions[3..] {
        let end = Change::EndSession {
            id: session.id,
            reason: EndReason::SignedOut,
            at: at(6000),
            at_generation: None,
        };
        ok(store, end).await;
    }
    let removable = async |before, limit| {
        store
            .removable_sessions(before, limit)
            .await
            .expect("a read")
    };
    let ids = |of: &[usize]| of.iter().map(|n| sessions[*n].id).collect::<Vec<_>>();
    let after = |second| at(second).plus(Duration::from_millis(1));
    assert_eq!(removable(at(4603), 9).await, ids(&[]));
    assert_eq!(removable(at(5000), 9).await, ids(&[2]));
    assert_eq!(removable(after(5000), 9).await, ids(&[0, 2]));
    assert_eq!(removable(at(6000), 9).await, ids(&[0, 2]));
    assert_eq!(removable(after(6000), 9).await, ids(&[0, 2, 3]));
    assert_eq!(removable(after(6000), 2).await.len(), 2);
    // What has ended pins no key.
    let rest = sessions[..3].iter().map(|session| session.id).collect();
    ok(store, Change::RemoveSessions(rest)).await;
    assert!(!in_use(1).await && !in_use(2).await);
    assert_eq!(store.counts().await.expect("counts").sessions, 1);
}
