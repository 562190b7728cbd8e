//! Both backends under the one suite, and what only memory can do: to lose its last commits.
#![cfg(feature = "conformance")]
#![expect(clippy::unwrap_used, reason = "helpers of tests: a failure is a panic")]

use prolong_store::conformance::{rotation, session, user};
use prolong_store::{Change, Counts, MemoryStore, Store, Transaction};

mod memory {
    fn store() -> (prolong_store::MemoryStore, ()) {
        (prolong_store::MemoryStore::new([1; 16]), ())
    }

    prolong_store::conformance!(store);
}

mod sqlite {
    use prolong_store::{SqliteOptions, SqliteStore};
    use tempfile::{TempDir, tempdir};

    fn store() -> (SqliteStore, TempDir) {
        let dir = tempdir().unwrap();
        let store = SqliteStore::open(dir.path(), SqliteOptions::new([1; 16])).unwrap();
        (store, dir)
    }

    prolong_store::conformance!(store);
}

#[tokio::test]
async fn memory_loses_the_last_commits_on_demand() {
    let store = MemoryStore::new([1; 16]);
    let first = session(1, 1);
    for change in [
        Change::InsertUser(user(1)),
        Change::StartSession(first.clone()),
        rotation(&first),
    ] {
        store.commit(Transaction::of(change)).await.unwrap();
    }
    assert_eq!(store.lose_last(1), 1);
    assert_eq!(
        store.session(first.id).await.unwrap().unwrap().session,
        first
    );
    assert_eq!(store.lose_last(9), 2);
    assert_eq!(store.counts().await.unwrap(), Counts::default());
}
