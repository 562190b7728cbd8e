//! What the writer did, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a store wrote since it was opened. Every number only grows.
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
    /// Commits by size, not cumulative: `size_buckets[i]` carried at most [`WriterStats::BOUNDS_SIZE`]`[i]`
    /// transactions, and more than the bound before; the last entry counts the rest.
    pub size_buckets: [u64; 11],
    /// Microseconds from `BEGIN` to the end of `COMMIT`, summed over all commits.
    pub commit_micros: u64,
    /// Commits by time, not cumulative: `commit_buckets[i]` took at most [`WriterStats::BOUNDS_MICROS`]`[i]`, and
    /// longer than the bound before; the last entry counts the rest.
    pub commit_buckets: [u64; 11],
    /// Copies of the WAL into the database that the writer finished.
    pub checkpoints: u64,
    /// Microseconds that these took, in which nothing was committed.
    pub checkpoint_micros: u64,
    /// Microseconds of copying beside the writer, in which commits went on.
    pub copy_micros: u64,
}

impl WriterStats {
    /// The upper bounds of `size_buckets`, in transactions.
    pub const BOUNDS_SIZE: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
    /// The upper bounds of `commit_buckets`, in microseconds.
    pub const BOUNDS_MICROS: [u64; 10] = [
        100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000,
    ];
}

/// Written by whoever holds the writer; a snapshot may fall between two of its numbers.
#[derive(Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    transactions: AtomicU64,
    conflicts: AtomicU64,
    failures: AtomicU64,
    largest_batch: AtomicU64,
    size_buckets: [AtomicU64; 11],
    commit_micros: AtomicU64,
    commit_buckets: [AtomicU64; 11],
    checkpoints: AtomicU64,
    checkpoint_micros: AtomicU64,
    copy_micros: AtomicU64,
}

impl Counters {
    pub(crate) fn committed(&self, transactions: usize, conflicts: usize, took: Duration) {
        let micros = micros(took);
        let transactions = transactions as u64;
        add(&self.commits, 1);
        add(&self.transactions, transactions);
        add(&self.conflicts, conflicts as u64);
        add(&self.commit_micros, micros);
        add(
            &self.commit_buckets[bucket(&WriterStats::BOUNDS_MICROS, micros)],
            1,
        );
        add(
            &self.size_buckets[bucket(&WriterStats::BOUNDS_SIZE, transactions)],
            1,
        );
        self.largest_batch
            .fetch_max(transactions, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        add(&self.failures, 1);
    }

    pub(crate) fn checkpointed(&self, took: Duration) {
        add(&self.checkpoints, 1);
        add(&self.checkpoint_micros, micros(took));
    }

    pub(crate) fn copied(&self, took: Duration) {
        add(&self.copy_micros, micros(took));
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn snapshot(&self) -> WriterStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        WriterStats {
            commits: read(&self.commits),
            transactions: read(&self.transactions),
            conflicts: read(&self.conflicts),
            failures: read(&self.failures),
            largest_batch: read(&self.largest_batch),
            size_buckets: self.size_buckets.each_ref().map(read),
            commit_micros: read(&self.commit_micros),
            commit_buckets: self.commit_buckets.each_ref().map(read),
            checkpoints: read(&self.checkpoints),
            checkpoint_micros: read(&self.checkpoint_micros),
            copy_micros: read(&self.copy_micros),
        }
    }
}

fn bucket(bounds: &[u64], value: u64) -> usize {
    bounds.partition_point(|&bound| bound < value)
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
