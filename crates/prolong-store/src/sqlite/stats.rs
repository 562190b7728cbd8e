//! What the writer did, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the writer of a [`crate::SqliteStore`] did since it was opened. Every number only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct WriterStats {
    /// Commits that reached the disk; each carries one batch.
    pub commits: u64,
    /// Transactions answered: committed ones and conflicts.
    pub transactions: u64,
    /// Of these, the ones whose guard did not hold.
    pub conflicts: u64,
    /// Batches that were taken back, as on a full disk.
    pub failures: u64,
    /// Transactions in the largest batch.
    pub largest_batch: u64,
    /// Microseconds from `BEGIN` to the end of `COMMIT`, summed over all commits.
    pub commit_micros: u64,
    /// Commits by time, not cumulative: `commit_buckets[i]` took at most [`WriterStats::BOUNDS_MICROS`]`[i]`, and
    /// longer than the bound before; the last entry counts the rest.
    pub commit_buckets: [u64; 11],
    /// Copies of the WAL into the database.
    pub checkpoints: u64,
    /// Microseconds that these took, in which nothing was committed.
    pub checkpoint_micros: u64,
}

impl WriterStats {
    /// The upper bounds of `commit_buckets`, in microseconds.
    pub const BOUNDS_MICROS: [u64; 10] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000,
    ];
}

/// Written by the writer alone; a snapshot may fall between two of its numbers.
#[derive(Default)]
pub(super) struct Counters {
    commits: AtomicU64,
    transactions: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    largest_batch: AtomicU64,
    commit_micros: AtomicU64,
    commit_buckets: [AtomicU64; 11],
    checkpoints: AtomicU64,
    checkpoint_micros: AtomicU64,
}

impl Counters {
    pub(super) fn committed(&self, transactions: usize, conflicts: usize, took: Duration) {
        let micros = micros(took);
        let bounds = WriterStats::BOUNDS_MICROS;
        add(&self.commits, 1);
        add(&self.transactions, transactions as u64);
        add(&self.conflicts, conflicts as u64);
        add(&self.commit_micros, micros);
        let bucket = bounds.partition_point(|&bound| bound < micros);
        add(&self.commit_buckets[bucket], 1);
        self.largest_batch
            .fetch_max(transactions as u64, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        add(&self.failures, 1);
    }

    pub(super) fn checkpointed(&self, took: Duration) {
        add(&self.checkpoints, 1);
        add(&self.checkpoint_micros, micros(took));
    }

    pub(super) fn snapshot(&self) -> WriterStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriterStats {
            commits: read(&self.commits),
            transactions: read(&self.transactions),
            conflicts: read(&self.conflicts),
            failures: read(&self.failures),
            largest_batch: read(&self.largest_batch),
            commit_micros: read(&self.commit_micros),
            commit_buckets: self.commit_buckets.each_ref().map(read),
            checkpoints: read(&self.checkpoints),
            checkpoint_micros: read(&self.checkpoint_micros),
        }
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
