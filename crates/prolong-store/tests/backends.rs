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

/// Where whoever writes alone writes where they are.
mod sqlite_in_place {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::task::Poll;
    use std::thread::{ThreadId, current};

    use prolong_store::conformance::{session, user};
    use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction};
    use tempfile::{TempDir, tempdir};

    fn store() -> (SqliteStore, TempDir) {
        let dir = tempdir().unwrap();
        let options = SqliteOptions {
            in_place_after: Some(0),
            ..SqliteOptions::new([1; 16])
        };
        let store = SqliteStore::open(dir.path(), options).unwrap();
        (store, dir)
    }

    prolong_store::conformance!(store);

    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<()> {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).map(drop))).await
    }

    /// On which thread a session's turn is decided, and by whom it was asked.
    async fn threads(store: &SqliteStore) -> (ThreadId, ThreadId) {
        let (tell, told) = channel();
        let asking = current().id();
        let decide = move |_| {
            tell.send(current().id()).unwrap();
            Transaction::default()
        };
        let id = session(1, 1).id;
        store.turn(id, Box::new(decide)).await.unwrap();
        (told.recv().unwrap(), asking)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_writes_alone_writes_where_they_are() {
        let (store, _kept) = store();
        let (deciding, asking) = threads(&store).await;
        assert_eq!(deciding, asking);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_has_company_leaves_it_to_the_writer() {
        let (store, _kept) = store();
        let store = Arc::new(store);
        let (entered, inside) = channel();
        let (let_go, held) = channel::<()>();
        let first = Arc::clone(&store);
        let first = tokio::spawn(async move {
            let decide = move |_| {
                entered.send(()).unwrap();
                held.recv().unwrap();
                Transaction::default()
            };
            first.turn(session(1, 1).id, Box::new(decide)).await
        });
        tokio::task::block_in_place(|| inside.recv()).unwrap();
        let mut second = Box::pin(threads(&store));
        assert!(
            poll_once(&mut second).await.is_pending(),
            "it waits for the first"
        );
        let_go.send(()).unwrap();
        let (deciding, asking) = second.await;
        assert_ne!(deciding, asking);
        first.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_is_never_blocked() {
        let (store, _kept) = store();
        let (deciding, asking) = threads(&store).await;
        assert_ne!(deciding, asking);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_a_panic_in_place_nothing_is_written() {
        let (store, _kept) = store();
        let store = Arc::new(store);
        let doomed = Arc::clone(&store);
        let panicked = tokio::spawn(async move {
            let decide = |_| panic!("as a bug would");
            doomed.turn(session(1, 1).id, Box::new(decide)).await
        });
        assert!(panicked.await.unwrap_err().is_panic());
        assert_eq!(store.failed().as_deref(), Some("the writer panicked"));
        let next = store.commit(Transaction::of(Change::InsertUser(user(1))));
        assert!(next.await.is_err());
    }
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
