//! What only the file has: its lock, restarts, damage, backups.
#![cfg(feature = "conformance")]

use prolong_core::FeedKind;
use prolong_store::conformance::{rotation, session, user};
use prolong_store::{
    Change, EndAll, KeyState, NewFeedEntry, SealedKey, SqliteOptions, SqliteStore, Store,
    Transaction,
};
use tempfile::{TempDir, tempdir};

fn open(dir: &TempDir) -> Result<SqliteStore, prolong_store::StoreError> {
    SqliteStore::open(dir.path(), SqliteOptions::new([1; 16]))
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_a_second_server_is_refused() {
    let dir = tempdir().unwrap();
    let store = open(&dir).unwrap();
    let refused = open(&dir).err().unwrap().to_string();
    assert!(
        refused.contains(&dir.path().display().to_string()),
        "{refused}"
    );
    assert!(
        refused.contains(&std::process::id().to_string()),
        "{refused}"
    );
    let first = session(1, 1);
    store
        .commit(Transaction::of(Change::InsertUser(user(1))))
        .await
        .unwrap();
    store
        .commit(Transaction::of(Change::StartSession(first.clone())))
        .await
        .unwrap();
    drop(store);
    let store = open(&dir).unwrap();
    assert_eq!(
        store.session(first.id).await.unwrap().unwrap().session,
        first
    );
    assert_eq!(store.feed_head().await.unwrap().epoch, [1; 16]);
    assert_eq!(store.failed(), None);
}

#[test]
fn damage_and_foreign_files_are_told() {
    let dir = tempdir().unwrap();
    std::fs::write(dir.path().join("prolong.db"), vec![b'x'; 8192]).unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("not a sound prolong database"), "{told}");

    let dir = tempdir().unwrap();
    let path = dir.path().join("prolong.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE t (a)")
        .unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("another program"), "{told}");

    let dir = tempdir().unwrap();
    drop(open(&dir).unwrap());
    let db = rusqlite::Connection::open(dir.path().join("prolong.db")).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("newer prolong"), "{told}");

    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = SqliteStore::open(&file, SqliteOptions::new([1; 16]))
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("data folder"), "{told}");
}

#[tokio::test]
async fn a_backup_is_put_back_and_what_was_replaced_is_kept() {
    let dir = tempdir().unwrap();
    let store = open(&dir).unwrap();
    let first = session(1, 1);
    store
        .commit(Transaction::of(Change::InsertUser(user(1))))
        .await
        .unwrap();
    store
        .commit(Transaction::of(Change::StartSession(first.clone())))
        .await
        .unwrap();
    let key = |kid: &str, state| {
        Change::PutSigningKey(SealedKey {
            kid: kid.to_owned(),
            algorithm: "ES256".to_owned(),
            state,
            public_jwk: "{}".to_owned(),
            sealed: vec![1],
            created_at: first.started_at,
            state_since: first.started_at,
        })
    };
    let put = |kid, state| store.commit(Transaction::of(key(kid, state)));
    put("leaked", KeyState::Active).await.unwrap();
    put("good", KeyState::Retiring).await.unwrap();
    let file = dir.path().join("backup");
    store.backup(&file).unwrap();
    assert!(store.backup(&file).is_err(), "it overwrote a backup");
    put("leaked", KeyState::Dead).await.unwrap();
    let told = NewFeedEntry {
        kind: FeedKind::EverythingBefore,
        key: [0; 8],
        arg: 7,
        until: 1 << 40,
    };
    let at = first.started_at;
    let end_all = Some(EndAll { at, told });
    let restore = || SqliteStore::restore(&file, dir.path(), end_all, [2; 16]);
    assert!(restore().is_err(), "it restored under a server that runs");
    store
        .commit(Transaction::of(rotation(&first)))
        .await
        .unwrap();
    drop(store);
    let report = restore().unwrap();
    assert_eq!((report.sessions, report.users, report.ended), (1, 1, 1));
    assert_eq!(report.newest, Some(first.rotated_at));
    assert_eq!(report.dead_keys, 1);
    assert!(report.kept_aside.unwrap().exists());
    let store = open(&dir).unwrap();
    let found = store.session(first.id).await.unwrap().unwrap().session;
    assert_eq!(found.generation, first.generation);
    assert_ne!(found.life, first.life);
    let keys = store.signing_keys().await.unwrap();
    let states: Vec<_> = keys
        .iter()
        .map(|key| (key.kid.as_str(), key.state, key.sealed.len()))
        .collect();
    assert!(
        states.contains(&("leaked", KeyState::Dead, 0)),
        "a key that was declared unsafe came back"
    );
    assert!(states.contains(&("good", KeyState::Retiring, 1)));
    let head = store.feed_head().await.unwrap();
    assert_eq!((head.epoch, head.seq), ([2; 16], 1));
    let lines = store.feed_after(0, 9).await.unwrap();
    assert_eq!(lines.len(), 1, "verifiers hear of the end");
    assert_eq!((lines[0].entry, lines[0].chain), (told, head.chain));
    assert!(store.fact("restore_declared").await.unwrap().is_some());
}
