//! Durable swaps a second, by how many tasks swap at once: `cargo bench -p prolong-store --features conformance`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at a failure"
)]

use std::sync::Arc;
use std::time::Instant;

use prolong_store::conformance::{rotation, session, user};
use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction};

const SWAPS: u16 = 20_000;

#[tokio::main]
async fn main() {
    for tasks in [1_u16, 16, 64, 256] {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(dir.path(), SqliteOptions::new([1; 16])).unwrap());
        store
            .commit(Transaction::of(Change::InsertUser(user(1))))
            .await
            .unwrap();
        for n in 0..tasks {
            store
                .commit(Transaction::of(Change::StartSession(session(n, 1))))
                .await
                .unwrap();
        }
        let each = if tasks == 1 { 2_000 } else { SWAPS / tasks };
        let start = Instant::now();
        let running: Vec<_> = (0..tasks)
            .map(|n| tokio::spawn(swap(store.clone(), n, each)))
            .collect();
        for task in running {
            task.await.unwrap();
        }
        let rate = f64::from(each) * f64::from(tasks) / start.elapsed().as_secs_f64();
        println!("{tasks:>4} tasks: {rate:>8.0} swaps/s");
    }
}

async fn swap(store: Arc<SqliteStore>, n: u16, times: u16) {
    for _ in 0..times {
        let seen = store
            .session(session(n, 1).id)
            .await
            .unwrap()
            .unwrap()
            .session;
        store
            .commit(Transaction::of(rotation(&seen)))
            .await
            .unwrap();
    }
}
