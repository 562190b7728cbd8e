//! Durable swaps a second, each after a read, beside a bare SQLite that updates 50 rows per commit on the same disk:
//! `cargo bench -p prolong-store --features conformance --bench durable_swap [-- SESSIONS SECONDS]`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops at a failure"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use prolong_core::{Session, SessionId};
use prolong_store::conformance::{rotation, session, user};
use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction, WriterStats};

#[path = "yardstick/bare.rs"]
mod bare;

const DEFAULT_SESSIONS: u64 = 100_000;
const DEFAULT_SECONDS: u64 = 3;

#[tokio::main]
async fn main() {
    let given: Vec<u64> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sessions = given.first().copied().unwrap_or(DEFAULT_SESSIONS);
    let time = Duration::from_secs(given.get(1).copied().unwrap_or(DEFAULT_SECONDS));
    println!("{sessions} sessions, {time:?} a row");
    let dir = tempfile::tempdir().unwrap();
    let yardstick = bare::rows_per_second(&dir.path().join("bare.db"), sessions, time);
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
