//! What only the file has: its lock, restarts, damage, backups.
#![cfg(all(unix, feature = "conformance"))]

use std::task::{Context, Waker};

use prolong_core::{EndReason, FeedKind, Life};
use prolong_store::conformance::{rotation, session, user};
use prolong_store::{
    Change, EndAll, Found, KeyState, NewFeedEntry, SealedKey, SqliteOptions, SqliteStore, Store,
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
    drop(open(&dir).unwrap());
    let db = rusqlite::Connection::open(dir.path().join("prolong.db")).unwrap();
    db.execute_batch("UPDATE migration SET checksum = zeroblob(32)")
        .unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("another form"), "{told}");

    let dir = tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let told = SqliteStore::open(&file, SqliteOptions::new([1; 16]))
        .err()
        .unwrap()
        .to_string();
    assert!(told.contains("data folder"), "{told}");
}

/// A database that lost everything, and a log that lost its database, are told and left alone; what was only half made is
/// made again.
#[test]
fn what_is_lost_is_told_and_what_was_never_there_is_made() {
    let dir = tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    std::fs::write(place("prolong.db"), "").unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("is empty"), "{told}");

    std::fs::rename(place("prolong.db"), place("prolong.db-wal")).unwrap();
    let told = open(&dir).err().unwrap().to_string();
    assert!(told.contains("is gone"), "{told}");
    assert!(!place("prolong.db").exists());

    std::fs::remove_file(place("prolong.db-wal")).unwrap();
    for half in ["prolong.db.making", "prolong.db.making-wal"] {
        std::fs::write(place(half), vec![b'x'; 8192]).unwrap();
    }
    drop(open(&dir).unwrap());
    assert!(place("prolong.db").exists() && !place("prolong.db.making").exists());
}

#[test]
fn a_folder_that_is_made_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempdir().unwrap();
    let folder = dir.path().join("house").join("data");
    let store = SqliteStore::open(&folder, SqliteOptions::new([1; 16])).unwrap();
    let mut all = vec![folder.clone()];
    all.extend(
        std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path()),
    );
    assert!(
        all.len() >= 4,
        "the lock, the database and its log: {all:?}"
    );
    for path in all {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", path.display());
    }
    drop(store);
}

/// What is no backup of ours, or a damaged one, is refused, and the database in place stays.
#[tokio::test]
async fn a_backup_that_is_no_good_is_refused() {
    let dir = tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let store = open(&dir).unwrap();
    for n in 1..=200 {
        let changes = vec![
            Change::InsertUser(user(n)),
            Change::StartSession(session(1, n)),
        ];
        store.commit(Transaction { changes }).await.unwrap();
    }
    store.backup(&place("good")).unwrap();
    drop(store);
    let good = std::fs::read(place("good")).unwrap();
    let restored = |backup: &str| {
        let told = SqliteStore::restore(&place(backup), dir.path(), None, [2; 16]);
        told.err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };

    // The header of the second page's tree: SQLite copies it, and only a look at the whole finds it.
    let mut damaged = good.clone();
    damaged[4096..4104].fill(0xff);
    std::fs::write(place("damaged"), damaged).unwrap();
    let mut foreign = good.clone();
    foreign[68..72].fill(0);
    std::fs::write(place("foreign"), &foreign).unwrap();
    std::fs::write(place("text"), "not a database").unwrap();
    let before = std::fs::read(place("prolong.db")).unwrap();
    let told = [
        restored("damaged"),
        restored("foreign"),
        restored("text"),
        restored("absent"),
    ];
    assert!(told.iter().all(|told| !told.is_empty()), "{told:?}");
    assert!(
        told[0].contains("damaged") || told[0].contains("not a sound"),
        "{told:?}"
    );
    assert!(told[1].contains("not a prolong database"), "{told:?}");
    assert_eq!(std::fs::read(place("prolong.db")).unwrap(), before);
}

/// Each restore keeps what it replaces under a name of its own, with the log that may hold its last commits.
#[tokio::test]
async fn each_restore_keeps_what_it_replaces() {
    let dir = tempdir().unwrap();
    let place = |name: &str| dir.path().join(name);
    let store = open(&dir).unwrap();
    let ended = session(1, 1);
    let changes = vec![
        Change::InsertUser(user(1)),
        Change::StartSession(ended.clone()),
        Change::StartSession(session(2, 1)),
        Change::EndSession {
            id: ended.id,
            reason: EndReason::SignedOut,
            at: ended.started_at,
            at_generation: None,
        },
    ];
    store.commit(Transaction { changes }).await.unwrap();
    store.backup(&place("backup")).unwrap();
    // As a kill leaves them: the database, and beside it the log with what is not yet in it.
    let killed = tempdir().unwrap();
    for name in ["prolong.db", "prolong.db-wal"] {
        std::fs::copy(place(name), killed.path().join(name)).unwrap();
    }
    assert!(std::fs::metadata(place("prolong.db-wal")).unwrap().len() > 0);
    let told = NewFeedEntry {
        kind: FeedKind::EverythingBefore,
        key: [0; 8],
        arg: 7,
        until: 1 << 40,
    };
    let at = session(9, 1).started_at;
    let restore = || {
        let end_all = Some(EndAll { at, told });
        SqliteStore::restore(&place("backup"), killed.path(), end_all, [2; 16]).unwrap()
    };
    let first = restore();
    assert_eq!(first.ended, 1, "one had ended before");
    assert!(
        !killed.path().join("prolong.db-wal").exists(),
        "a log beside another database"
    );
    let second = restore();
    let (first, second) = (first.kept_aside.unwrap(), second.kept_aside.unwrap());
    assert_ne!(first, second);
    assert!(first.exists() && second.exists());
    let log = first.to_str().unwrap().to_owned() + "-wal";
    assert!(std::path::Path::new(&log).exists(), "its last commits");
    let store = open(&killed).unwrap();
    let life = |id| {
        let store = &store;
        async move { store.session(id).await.unwrap().unwrap().session.life }
    };
    let why = |reason, at| Life::Ended { reason, at };
    assert_eq!(
        life(ended.id).await,
        why(EndReason::SignedOut, ended.started_at)
    );
    assert_eq!(
        life(session(2, 1).id).await,
        why(EndReason::EndedByAdmin, at)
    );
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

/// What a refresh comes to that moves nothing (A1, B1, B2): a turn that writes nothing, not even to the log.
#[tokio::test]
async fn a_turn_that_changes_nothing_leaves_every_byte() {
    let dir = tempdir().unwrap();
    let store = open(&dir).unwrap();
    let changes = vec![
        Change::InsertUser(user(1)),
        Change::StartSession(session(1, 1)),
    ];
    store.commit(Transaction { changes }).await.unwrap();
    let bytes = || {
        ["prolong.db", "prolong.db-wal"].map(|name| std::fs::read(dir.path().join(name)).unwrap())
    };
    let before = bytes();
    for _ in 0..10 {
        let looked = |found: Option<Found>| {
            assert!(found.is_some());
            Transaction::default()
        };
        store
            .turn(session(1, 1).id, Box::new(looked))
            .await
            .unwrap();
    }
    assert!(bytes() == before, "something was written");
    let rotate = |found: Option<Found>| Transaction::of(rotation(&found.unwrap().session));
    store
        .turn(session(1, 1).id, Box::new(rotate))
        .await
        .unwrap();
    assert!(bytes() != before, "the comparison sees what is written");
}

/// Whoever comes while the writer is at work waits for one commit, not each for their own.
#[tokio::test]
async fn writes_that_wait_share_one_commit() {
    const WAITING: u64 = 50;
    let dir = tempdir().unwrap();
    let store = open(&dir).unwrap();
    let before = store.writer_stats();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let busy = move |_: Option<Found>| {
        gone.recv().unwrap();
        Transaction::default()
    };
    let mut busy = store.turn(session(1, 1).id, Box::new(busy));
    let mut context = Context::from_waker(Waker::noop());
    // The first look at a write puts it into the queue.
    assert!(busy.as_mut().poll(&mut context).is_pending());
    let fact = |n: u64| Change::SetFact {
        name: "n",
        value: n.to_string(),
    };
    let mut waiting: Vec<_> = (0..WAITING)
        .map(|n| store.commit(Transaction::of(fact(n))))
        .collect();
    for write in &mut waiting {
        assert!(write.as_mut().poll(&mut context).is_pending());
    }
    go.send(()).unwrap();
    busy.await.unwrap();
    for write in waiting {
        write.await.unwrap();
    }
    let after = store.writer_stats();
    assert_eq!(after.transactions - before.transactions, WAITING + 1);
    // The writer may have taken some of them up together with the first.
    assert!(after.commits - before.commits <= 2, "{after:?}");
    assert!(after.largest_batch >= WAITING / 2, "{after:?}");
}
