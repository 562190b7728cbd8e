//! The one writer: a thread that drains its queue into one commit, so that many writes share one fsync.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::apply;
use crate::writer_stats::Counters;
use crate::{Committed, NotCommitted, StoreError, Transaction};

/// A transaction, and whoever waits for it.
pub(super) struct Job {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Answer>,
    /// Where it waits.
    pub(super) runtime: Option<Handle>,
}

type Answer = Result<Committed, NotCommitted>;

/// Why the writer stopped for good; `None` while it works.
pub(super) type Failure = Arc<Mutex<Option<String>>>;

const BATCH: usize = 512;
/// Pages in the WAL from which it is copied back between two batches. Its file stays as long as it is: overwriting
/// costs half of what growing does.
const WAL_PAGES: usize = 8_000;
/// So many answers are given by the writer itself; more go to the runtime in one piece.
const ANSWERED_HERE: usize = 2;
const IDLE: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) jobs: Receiver<Job>,
    pub(super) failure: Failure,
    /// Pages in the WAL, kept by SQLite's hook after each commit.
    pub(super) wal_pages: Arc<core::sync::atomic::AtomicUsize>,
    pub(super) counters: Arc<Counters>,
}

impl Writer {
    /// Works until every sender is gone, or until the disk can no longer be trusted.
    pub(super) fn run(mut self) {
        let unexpected = Unexpected(self.failure.clone());
        if let Err(why) = self.work() {
            *self.failure.lock() = Some(why);
        }
        core::mem::forget(unexpected);
    }

    fn work(&mut self) -> Result<(), String> {
        loop {
            let first = match self.jobs.recv_timeout(IDLE) {
                Ok(job) => job,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {
                    self.checkpoint(1)?;
                    continue;
                }
            };
            let mut batch = vec![first];
            batch.extend(self.jobs.try_iter().take(BATCH - 1));
            self.write(batch)?;
            self.checkpoint(WAL_PAGES)?;
        }
    }

    /// Nobody is answered before the commit is on the disk; after a failed fsync nobody is answered at all.
    fn write(&self, batch: Vec<Job>) -> Result<(), String> {
        let begun = Instant::now();
        let runtime = batch.first().and_then(|job| job.runtime.clone());
        let mut answers = Vec::with_capacity(batch.len());
        match self.write_all(batch, &mut answers) {
            Ok(()) => {
                let conflict =
                    |(_, answer): &&(_, Answer)| matches!(answer, Err(NotCommitted::Conflict(_)));
                let conflicts = answers.iter().filter(conflict).count();
                self.counters
                    .committed(answers.len(), conflicts, begun.elapsed());
            }
            Err(error) if fatal(&error) => {
                // Before those who wait find their answers gone: then they can already ask why.
                *self.failure.lock() = Some(error.to_string());
                return Err(error.to_string());
            }
            Err(error) => {
                // A full disk: SQLite took everything back, and so do we.
                self.counters.failed();
                for (_, answer) in &mut answers {
                    *answer = Err(StoreError::Unavailable(error.to_string()).into());
                }
                if !self.db.is_autocommit()
                    && let Err(error) = self.db.execute_batch("ROLLBACK")
                {
                    return Err(error.to_string());
                }
            }
        }
        Answers(answers).give(runtime);
        Ok(())
    }

    fn write_all(
        &self,
        batch: Vec<Job>,
        answers: &mut Vec<(oneshot::Sender<Answer>, Answer)>,
    ) -> rusqlite::Result<()> {
        let mut jobs = batch.into_iter();
        let outcome = self.write_jobs(&mut jobs, answers);
        if outcome.is_err() {
            // Those whose turn did not come are told the same as the others.
            let rest = jobs.map(|job| (job.answer, Err(NotCommitted::Conflict(0))));
            answers.extend(rest);
        }
        outcome
    }

    fn write_jobs(
        &self,
        jobs: &mut impl Iterator<Item = Job>,
        answers: &mut Vec<(oneshot::Sender<Answer>, Answer)>,
    ) -> rusqlite::Result<()> {
        self.run_cached("BEGIN IMMEDIATE")?;
        for Job {
            transaction,
            answer,
            ..
        } in jobs
        {
            match self.write_one(transaction) {
                Ok(outcome) => answers.push((answer, outcome)),
                Err(error) if fatal(&error) || self.db.is_autocommit() || full(&error) => {
                    answers.push((answer, Err(NotCommitted::Conflict(0))));
                    return Err(error);
                }
                Err(error) => {
                    let damaged = StoreError::Damaged(error.to_string());
                    answers.push((answer, Err(damaged.into())));
                }
            }
        }
        self.run_cached("COMMIT")
    }

    fn write_one(&self, transaction: Transaction) -> rusqlite::Result<Answer> {
        // One statement is all or nothing by itself: the hot path pays for no savepoint.
        let nested = transaction.changes.len() > 1
            || matches!(
                transaction.changes.first(),
                Some(crate::Change::AppendFeed(_) | crate::Change::RemoveSessions(_))
            );
        if nested {
            self.run_cached("SAVEPOINT t")?;
        }
        let outcome = self.apply(transaction);
        if nested {
            if !matches!(outcome, Ok(Ok(_))) && !self.db.is_autocommit() {
                self.run_cached("ROLLBACK TO t")?;
            }
            if !self.db.is_autocommit() {
                self.run_cached("RELEASE t")?;
            }
        }
        outcome
    }

    fn apply(&self, transaction: Transaction) -> rusqlite::Result<Answer> {
        let mut committed = Committed::default();
        for (at, change) in transaction.changes.into_iter().enumerate() {
            if !apply::change(&self.db, change, &mut committed)? {
                return Ok(Err(NotCommitted::Conflict(at)));
            }
        }
        Ok(Ok(committed))
    }

    fn run_cached(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// Copies the WAL back on this thread only: two connections never checkpoint at once. Waits for no reader.
    fn checkpoint(&self, from_pages: usize) -> Result<(), String> {
        if self.wal_pages.load(core::sync::atomic::Ordering::Relaxed) < from_pages {
            return Ok(());
        }
        let begun = Instant::now();
        let copy = self.db.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)");
        let outcome = copy.and_then(|mut copy| copy.query_row([], |row| row.get::<_, i64>(0)));
        self.counters.checkpointed(begun.elapsed());
        match outcome {
            Ok(_) => {
                self.wal_pages
                    .store(0, core::sync::atomic::Ordering::Relaxed);
                Ok(())
            }
            Err(error) if fatal(&error) => Err(error.to_string()),
            // A full disk: later will do, the WAL holds everything.
            Err(_) => Ok(()),
        }
    }
}

/// Answers whose batch was decided: made once it is on the disk, or taken back, and never earlier, because they are
/// given when they are dropped.
struct Answers(Vec<(oneshot::Sender<Answer>, Answer)>);

impl Answers {
    /// Waking a task from a thread outside of its runtime costs a system call; so one task is woken that wakes the
    /// others. Not on a runtime of one thread, which may be driven by someone who waits for one of the others.
    fn give(self, runtime: Option<Handle>) {
        if self.0.len() > ANSWERED_HERE
            && let Some(runtime) = runtime
            && runtime.runtime_flavor() == RuntimeFlavor::MultiThread
        {
            drop(runtime.spawn(async move { drop(self) }));
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (to, answer) in self.0.drain(..) {
            // Whoever stopped waiting reads again.
            let _ = to.send(answer);
        }
    }
}

/// After these nobody knows what is on the disk.
fn fatal(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::CannotOpen
        )
    )
}

fn full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Dropped only by a panic of the writer.
struct Unexpected(Failure);

impl Drop for Unexpected {
    fn drop(&mut self) {
        *self.0.lock() = Some("the writer panicked".to_owned());
    }
}
