//! The one writer: a thread that drains its queue into one commit, so that many writes share one fsync. A write that comes
//! alone may be done where it arises instead ([`super::traffic`]); one holds the writer, or the other.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use prolong_core::SessionId;
use rusqlite::{Connection, ErrorCode};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

use super::copier::{self, Copier};
use super::users::Users;
use super::{apply, read};
use crate::writer_stats::Counters;
use crate::{Change, Committed, Decide, Found, NotCommitted, StoreError, Transaction};

/// What to write.
pub(super) enum Work {
    /// This.
    Write(Transaction),
    /// What comes of a session as it stands now.
    Turn(SessionId, Decide),
}

/// Work, and whoever waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Answer>,
    /// Where it waits.
    pub(super) runtime: Option<Handle>,
}

type Answer = Result<Committed, NotCommitted>;

/// What the thread is asked to do. `None`: nothing but to look after the WAL.
pub(super) type Call = Option<Job>;

/// Why the writer stopped for good; `None` while it works.
pub(super) type Failure = Arc<Mutex<Option<String>>>;

const BATCH: usize = 512;
/// Pages in the WAL from which it is copied back: the more there are, the more often the newest of a page stands for many.
/// Its file stays as long as it is: overwriting costs half of what growing does.
const WAL_PAGES: usize = 32_000;
/// With so many left to copy, the writer finishes: a millisecond or two.
const LAST_PAGES: usize = 256;
/// With so many in the WAL the writer stops to copy: disks that are slower at copying than at committing.
const MOST_WAL_PAGES: usize = 2 * WAL_PAGES;
/// So many answers are given by the writer itself; more go to the runtime in one piece.
const ANSWERED_HERE: usize = 2;
const IDLE: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    /// Closes before `db`, which is the last.
    pub(super) copier: Copier,
    pub(super) db: Connection,
    pub(super) failure: Failure,
    /// Pages in the WAL, kept by SQLite's hook after each commit.
    pub(super) wal_pages: Arc<AtomicUsize>,
    pub(super) counters: Arc<Counters>,
    pub(super) users: RefCell<Users>,
}

/// Works until every sender is gone, or until the disk can no longer be trusted.
pub(super) fn run(writer: &Mutex<Writer>, calls: &Receiver<Call>) {
    let failure = writer.lock().failure.clone();
    let mut seen = 0;
    loop {
        let first = match calls.recv_timeout(IDLE) {
            Ok(call) => Some(call),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => None,
        };
        let writer = writer.lock();
        // Whoever wrote by themselves may have found out.
        if failure.lock().is_some() {
            return;
        }
        let outcome = match first {
            Some(first) => {
                let batch = [first].into_iter().chain(calls.try_iter().take(BATCH - 1));
                writer.work(batch.flatten().collect())
            }
            None if seen == writer.commits() => writer.finish_while_idle(),
            None => Ok(()),
        };
        seen = writer.commits();
        if outcome.is_err() {
            return;
        }
    }
}

impl Writer {
    /// One batch, and a look at the WAL. After an error, which stands in `failure` as well, nothing may be written.
    fn work(&self, batch: Vec<Job>) -> Result<(), String> {
        self.noting(|writer| {
            if !batch.is_empty() {
                writer.write(batch)?;
            }
            writer.copy_back()
        })
    }

    /// One write by whoever waits for it; the WAL is left to the thread. `None`: nothing may be written any more.
    pub(super) fn write_alone(&self, work: Work) -> Option<Answer> {
        let (answer, mut answered) = oneshot::channel();
        let job = Job {
            work,
            answer,
            runtime: None,
        };
        self.noting(|writer| writer.write(vec![job])).ok()?;
        answered.try_recv().ok()
    }

    /// Whether the thread should look after the WAL.
    pub(super) fn wal_is_long(&self) -> bool {
        self.pages_in_wal() >= WAL_PAGES && !self.copier.busy()
    }

    /// Whether a lone write may make the WAL longer. Otherwise the thread makes it, which stops to copy afterwards.
    pub(super) fn wal_may_grow(&self) -> bool {
        self.pages_in_wal() < MOST_WAL_PAGES
    }

    /// A panic or an error is the end of all writing: nobody knows what is on the disk.
    fn noting(&self, act: impl FnOnce(&Self) -> Result<(), String>) -> Result<(), String> {
        let unexpected = Unexpected(&self.failure);
        let outcome = act(self);
        if let Err(why) = &outcome {
            *self.failure.lock() = Some(why.clone());
        }
        core::mem::forget(unexpected);
        outcome
    }

    fn finish_while_idle(&self) -> Result<(), String> {
        if self.pages_in_wal() == 0 || self.copier.busy() {
            return Ok(());
        }
        self.noting(Self::finish_copying)
    }

    pub(super) fn commits(&self) -> u64 {
        self.counters.commits()
    }

    /// Nobody is answered before the commit is on the disk; after a failed fsync nobody is answered at all.
    pub(super) fn write(&self, batch: Vec<Job>) -> Result<(), String> {
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
            self.users.borrow_mut().forget_all();
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
        for Job { work, answer, .. } in jobs {
            match self.work_on(work) {
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

    fn work_on(&self, work: Work) -> rusqlite::Result<Answer> {
        match work {
            Work::Write(transaction) => self.write_one(transaction),
            // Read inside the transaction that writes: what earlier jobs of the batch wrote is seen.
            Work::Turn(id, decide) => {
                let (row, found) = self.found(id)?.unzip();
                let user = found.as_ref().map(|found| found.user.standing);
                let transaction = decide(found);
                if let [
                    Change::SwapSession {
                        seen,
                        next,
                        user: on,
                    },
                ] = &transaction.changes[..]
                    && let Some(row) = row
                    && seen.id == id
                    && user == Some(*on)
                {
                    // Neither row can be another than a moment ago.
                    let swapped = apply::swap_of_row(&self.db, row, seen, next)?;
                    return Ok(if swapped {
                        Ok(Committed::default())
                    } else {
                        Err(NotCommitted::Conflict(0))
                    });
                }
                self.write_one(transaction)
            }
        }
    }

    /// With the number of the session's row.
    fn found(&self, id: SessionId) -> rusqlite::Result<Option<(i64, Found)>> {
        let Some((row, session)) = read::session_row(&self.db, id)? else {
            return Ok(None);
        };
        let mut users = self.users.borrow_mut();
        if let Some(user) = users.get(session.user) {
            return Ok(Some((row, Found { session, user })));
        }
        let user = read::user(&self.db, session.user)?;
        Ok(user.map(|user| {
            users.keep(user.clone());
            (row, Found { session, user })
        }))
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
            self.users.borrow_mut().forget_what_changes(&change);
            if !apply::change(&self.db, change, &mut committed)? {
                return Ok(Err(NotCommitted::Conflict(at)));
            }
        }
        Ok(Ok(committed))
    }

    fn run_cached(&self, sql: &str) -> rusqlite::Result<()> {
        self.db.prepare_cached(sql)?.execute([]).map(|_| ())
    }

    /// Keeps the WAL from growing without end.
    fn copy_back(&self) -> Result<(), String> {
        let pages = self.pages_in_wal();
        if pages >= MOST_WAL_PAGES {
            self.copier.wait();
        } else if pages < WAL_PAGES || self.copier.busy() {
            return Ok(());
        } else if pages.saturating_sub(self.copier.copied()) > LAST_PAGES {
            self.copier.ask();
            return Ok(());
        }
        self.finish_copying()
    }

    /// Copies what is left, here, where nothing is committed meanwhile. Waits for no reader.
    fn finish_copying(&self) -> Result<(), String> {
        let begun = Instant::now();
        let outcome = copier::copy(&self.db);
        self.counters.checkpointed(begun.elapsed());
        match outcome {
            Ok(_) => {
                self.copier.begin_again();
                self.wal_pages.store(0, Ordering::Relaxed);
                Ok(())
            }
            Err(error) if fatal(&error) => Err(error.to_string()),
            // A full disk: later will do, the WAL holds everything.
            Err(_) => Ok(()),
        }
    }

    fn pages_in_wal(&self) -> usize {
        self.wal_pages.load(Ordering::Relaxed)
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
pub(super) fn fatal(error: &rusqlite::Error) -> bool {
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
struct Unexpected<'a>(&'a Failure);

impl Drop for Unexpected<'_> {
    fn drop(&mut self) {
        *self.0.lock() = Some("the writer panicked".to_owned());
    }
}
