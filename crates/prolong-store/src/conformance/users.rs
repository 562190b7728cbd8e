//! Users and their tombstones.

use std::sync::Arc;

use super::{at, conflict, ok, user};
use crate::{Change, Store, User};

/// Keys and logins are unique, a user who changed meanwhile is not overwritten, and a tombstone goes when it is due.
pub async fn users<S: Store>(store: &Arc<S>) {
    ok(store, Change::InsertUser(user(1))).await;
    ok(store, Change::InsertUser(user(2))).await;
    conflict(store, Change::InsertUser(user(1))).await;
    conflict(
        store,
        Change::InsertUser(User {
            login: user(1).login,
            ..user(3)
        }),
    )
    .await;
    conflict(
        store,
        Change::ReplaceUser(User {
            login: user(1).login,
            ..user(2)
        }),
    )
    .await;
    conflict(
        store,
        Change::ReplaceUser(User {
            revision: 3,
            ..user(2)
        }),
    )
    .await;
    ok(
        store,
        Change::ReplaceUser(User {
            login: Some("renamed".to_owned()),
            ..user(1)
        }),
    )
    .await;
    ok(
        store,
        Change::CheckUser {
            user: user(1).key,
            revision: 1,
        },
    )
    .await;
    conflict(
        store,
        Change::CheckUser {
            user: user(1).key,
            revision: 0,
        },
    )
    .await;
    let renamed = store
        .user_by_login("renamed")
        .await
        .expect("a read")
        .expect("a user");
    assert_eq!((renamed.key, renamed.revision), (user(1).key, 1));
    assert_eq!(
        store.user_by_login("login-001").await.expect("a read"),
        None
    );
    ok(
        store,
        Change::InsertUser(User {
            login: user(1).login,
            ..user(3)
        }),
    )
    .await;
    let removable = async |before| store.removable_users(before, 9).await.expect("a read");
    assert!(
        removable(at(1_000_000)).await.is_empty(),
        "nobody was deleted"
    );
    let tombstone = User {
        login: None,
        deleted_at: Some(at(7)),
        ..user(3)
    };
    ok(store, Change::ReplaceUser(tombstone)).await;
    assert!(removable(at(7)).await.is_empty());
    assert_eq!(removable(at(8)).await, [user(3).key]);
    ok(store, Change::RemoveUser(user(3).key)).await;
    assert!(removable(at(8)).await.is_empty());
    assert_eq!(store.user(user(3).key).await.expect("a read"), None);
}
