//! A process killed in the middle of committing: whatever it acknowledged is there afterwards.
#![cfg(feature = "conformance")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use prolong_store::conformance::{rotation, session, user};
use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction};

const ROUNDS: usize = 40;
const FOLDER: &str = "PROLONG_CRASH_TEST_FOLDER";
/// After how many lone writes they are made where they arise.
const IN_PLACE_AFTER: &str = "PROLONG_CRASH_TEST_IN_PLACE_AFTER";

/// Not a test by itself: the process that is killed. Prints each generation once it is acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn victim() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let after = std::env::var_os(IN_PLACE_AFTER).unwrap_or_default();
    let options = SqliteOptions {
        in_place_after: after.to_str().and_then(|n| n.parse().ok()),
        ..SqliteOptions::new([1; 16])
    };
    let store = SqliteStore::open(folder.as_ref(), options).unwrap();
    let mut out = std::io::stdout();
    loop {
        let seen = store
            .session(session(1, 1).id)
            .await
            .unwrap()
            .unwrap()
            .session;
        store
            .commit(Transaction::of(rotation(&seen)))
            .await
            .unwrap();
        writeln!(out, "\nacked {}", seen.generation.0 + 1).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let open = || SqliteStore::open(dir.path(), SqliteOptions::new([1; 16])).unwrap();
    let store = open();
    store
        .commit(Transaction::of(Change::InsertUser(user(1))))
        .await
        .unwrap();
    store
        .commit(Transaction::of(Change::StartSession(session(1, 1))))
        .await
        .unwrap();
    drop(store);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["victim", "--exact", "--nocapture"])
            .env(FOLDER, dir.path())
            .env(IN_PLACE_AFTER, ["never", "0", "9"][round % 3])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Kills at another place each round, and then reads what was still acknowledged.
        let acked = |line: std::io::Result<String>| {
            line.unwrap()
                .strip_prefix("acked ")
                .map(|n| n.parse::<u64>().unwrap())
        };
        let before = lines
            .by_ref()
            .filter_map(acked)
            .nth(round * 7 % 31)
            .unwrap();
        child.kill().unwrap();
        let last = lines
            .filter_map(|line| line.ok()?.strip_prefix("acked ")?.parse().ok())
            .last();
        child.wait().unwrap();
        let acked = last.unwrap_or(before);
        let stored = open()
            .session(session(1, 1).id)
            .await
            .unwrap()
            .unwrap()
            .session;
        // At most the one commit under way may be there without having been acknowledged.
        let stored = stored.generation.0;
        assert!(
            stored == acked || stored == acked + 1,
            "acknowledged {acked}, stored {stored}"
        );
    }
}
