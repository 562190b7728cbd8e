//! Durable swaps a second, each after a read, beside a bare SQLite that updates 50 rows per commit on the same disk:
//! `cargo bench -p prolong-store --features conformance --bench durable_swap [-- SESSIONS SECONDS]`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops at a failure"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prolong_core::{Session, SessionId};
use prolong_store::conformance::{rotation, session, user};
use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction, WriterStats};
use rusqlite::{Connection, params};

const DEFAULT_SESSIONS: u64 = 100_000;
const DEFAULT_SECONDS: u64 = 3;

#[tokio::main]
async fn main() {
    let given: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sessions = given.first().copied().unwrap_or(DEFAULT_SESSIONS);
    let time = Duration::from_secs(given.get(1).copied().unwrap_or(DEFAULT_SECONDS));
    println!("{sessions} sessions, {time:?} a row");
    let dir = tempfile::tempdir().unwrap();
    let yardstick = bare(&dir.path().join("bare.db"), sessions, time);
    println!("bare SQLite, 50 rows a commit: {yardstick:>8.0} rows/s");
    let store = Arc::new(SqliteStore::open(dir.path(), SqliteOptions::new([1; 16])).unwrap());
    fill(&store, sessions).await;
    for tasks in [1_u64, 16, 64, 256]
        .into_iter()
        .filter(|&tasks| tasks <= sessions)
    {
        let before = store.writer_stats();
        let start = Instant::now();
        let running: Vec<_> = (0..tasks)
            .map(|n| tokio::spawn(swap(store.clone(), n, tasks, sessions, time)))
            .collect();
        let mut times = Vec::new();
        for task in running {
            times.extend(task.await.unwrap());
        }
        let rate = times.len() as f64 / start.elapsed().as_secs_f64();
        times.sort_unstable();
        let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        println!(
            "{tasks:>4} tasks: {rate:>8.0} swaps/s, {:.2} of bare; p50 {p50:?}, p99 {p99:?}; {}",
            rate / yardstick,
            told(&before, &store.writer_stats())
        );
    }
}

fn told(before: &WriterStats, after: &WriterStats) -> String {
    let commits = after.commits - before.commits;
    let each = (after.transactions - before.transactions) as f64 / commits as f64;
    let micros = (after.commit_micros - before.commit_micros) / commits;
    let copies = after.checkpoints - before.checkpoints;
    let each_copy = (after.checkpoint_micros - before.checkpoint_micros) / copies.max(1);
    format!("{each:.1} a commit of {micros} µs, {copies} checkpoints of {each_copy} µs")
}

/// Scattered over the table, as random ids are.
fn id(n: u64) -> SessionId {
    SessionId(
        u128::from(n.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            .rotate_left(64)
            .to_be_bytes(),
    )
}

async fn fill(store: &SqliteStore, sessions: u64) {
    let insert = Transaction::of(Change::InsertUser(user(1)));
    store.commit(insert).await.unwrap();
    for first in (0..sessions).step_by(5_000) {
        let changes = (first..sessions.min(first + 5_000)).map(|n| {
            Change::StartSession(Session {
                id: id(n),
                ..session(1, 1)
            })
        });
        let changes = changes.collect();
        store.commit(Transaction { changes }).await.unwrap();
    }
}

/// Swaps sessions that no other task swaps, until the time is over; gives how long each read and swap took.
async fn swap(
    store: Arc<SqliteStore>,
    n: u64,
    tasks: u64,
    sessions: u64,
    time: Duration,
) -> Vec<Duration> {
    let (start, mut times, mut random) = (Instant::now(), Vec::new(), n + 1);
    while start.elapsed() < time {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let id = id((random >> 33) % (sessions / tasks) * tasks + n);
        let begun = Instant::now();
        let seen = store.session(id).await.unwrap().unwrap().session;
        let swap = Transaction::of(rotation(&seen));
        store.commit(swap).await.unwrap();
        times.push(begun.elapsed());
    }
    times
}

/// The yardstick: id, hash, two numbers; one thread; the store's file settings and its checkpoints.
fn bare(path: &Path, sessions: u64, time: Duration) -> f64 {
    let mut db = Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
         CREATE TABLE s (id BLOB PRIMARY KEY, hash BLOB, generation INTEGER, ends INTEGER) STRICT, WITHOUT ROWID;",
    )
    .unwrap();
    let fill = db.transaction().unwrap();
    for n in 0..sessions {
        let values = params![id(n).0, [7_u8; 32], 0, 0];
        fill.execute("INSERT INTO s VALUES (?1, ?2, ?3, ?4)", values)
            .unwrap();
    }
    fill.commit().unwrap();
    let checkpoint = |db: &Connection| {
        db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
            .unwrap();
    };
    checkpoint(&db);
    let (start, mut rows, mut random) = (Instant::now(), 0_u64, 1_u64);
    while start.elapsed() < time {
        let step = db.transaction().unwrap();
        {
            let sql = "UPDATE s SET generation = generation + 1, hash = ?3, ends = ?2 WHERE id = ?1 AND hash = ?3";
            let mut update = step.prepare_cached(sql).unwrap();
            for _ in 0..50 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let values = params![id((random >> 33) % sessions).0, 1, [7_u8; 32]];
                assert_eq!(update.execute(values).unwrap(), 1);
            }
        }
        step.commit().unwrap();
        rows += 50;
        // 50 scattered rows are about 50 pages.
        if rows % 8_000 == 0 {
            checkpoint(&db);
        }
    }
    rows as f64 / start.elapsed().as_secs_f64()
}
