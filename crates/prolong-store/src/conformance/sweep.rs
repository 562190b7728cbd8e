//! What may be swept away.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::KeyId;

use super::{at, ok, with_session};
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
}
