//! SQLite, embedded: one writer thread with group commit, and a few connections that read.

mod apply;
mod backup;
mod copier;
mod open;
mod read;
mod readers;
mod rows;
#[cfg(test)]
#[cfg(feature = "conformance")]
mod taken_back;
mod traffic;
mod users;
mod writer;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use async_trait::async_trait;
use parking_lot::Mutex;
use prolong_core::{KeyId, Session, SessionId, Timestamp, UserKey};
use rusqlite::Connection;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

pub use backup::{EndAll, RestoreReport};
pub use open::schema_version;

use crate::writer_stats::Counters;
use crate::{
    AuditFilter, AuditLine, Committed, Counts, Decide, FeedCursor, FeedLine, Found, NotCommitted,
    Page, SealedKey, SessionFilter, Store, StoreError, Ticket, Transaction, User, UserFilter,
    WriterStats,
};

/// How to open a [`SqliteStore`].
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// The feed's epoch where the database is new: 16 random bytes. Ignored where it exists.
    pub epoch: [u8; 16],
    /// Connections that read, at least one.
    pub readers: usize,
    /// Writes that may wait; one more is refused.
    pub queue: usize,
    /// After so many writes that found no other under way, one more such write is done on the thread of the task that
    /// waits for it, which saves waking two threads. It blocks ([`tokio::task::block_in_place`]): not for tasks of a
    /// `LocalSet`, where that panics. A runtime of one thread, or none, never does it. `None`: all writes go to the
    /// writer's thread.
    pub in_place_after: Option<u32>,
}

impl SqliteOptions {
    /// Four readers and a queue of 16,384; all writes go to the writer's thread.
    #[must_use]
    pub const fn new(epoch: [u8; 16]) -> Self {
        Self {
            epoch,
            readers: 4,
            queue: 16_384,
            in_place_after: None,
        }
    }
}

/// A store in the file `prolong.db` of a data folder, which no second process can open.
pub struct SqliteStore {
    path: PathBuf,
    jobs: Option<SyncSender<writer::Call>>,
    /// Held by whoever writes: its thread, or a task that writes alone. `None` once it closes.
    writer: Option<Arc<Mutex<writer::Writer>>>,
    traffic: traffic::Traffic,
    failure: writer::Failure,
    /// `None` once it closes.
    readers: Option<Arc<readers::Readers>>,
    counters: Arc<Counters>,
    thread: Option<JoinHandle<()>>,
    /// Held as long as the store is open.
    _lock: open::FolderLock,
}

impl SqliteStore {
    /// Opens or makes the database in `dir`, and brings its schema up to date.
    ///
    /// # Errors
    /// Says which file is in the way and what to do: taken by another process, not writable, damaged, of another
    /// program, or of a newer prolong.
    pub fn open(dir: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let lock = open::lock(dir)?;
        let path = dir.join("prolong.db");
        backup::finish_restore(dir)?;
        open::make_if_absent(&path, options.epoch)?;
        let mut db = open::writer(&path, options.epoch)?;
        let wal_pages = Arc::new(AtomicUsize::new(1));
        let pages = wal_pages.clone();
        db.wal_hook(Some(move |_: &mut _, n| {
            pages.store(usize::try_from(n).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))
        .map_err(|error| open::explain(&path, &error))?;
        let readers = readers::Readers::open(&path, options.readers)?;
        let counters = Arc::new(Counters::default());
        let (jobs, queue) = sync_channel(options.queue);
        let failure = writer::Failure::default();
        let copier = copier::Copier::start(
            open::copier(&path)?,
            Arc::clone(&failure),
            Arc::clone(&counters),
        )?;
        let writer = writer::Writer {
            db,
            failure: failure.clone(),
            wal_pages,
            copier,
            counters: counters.clone(),
            users: RefCell::default(),
        };
        let writer = Arc::new(Mutex::new(writer));
        let shared = Arc::clone(&writer);
        let thread = std::thread::Builder::new()
            .name("prolong-writer".to_owned())
            .spawn(move || writer::run(&shared, &queue))
            .map_err(|error| StoreError::Unavailable(format!("no writer thread: {error}")))?;
        Ok(Self {
            path,
            jobs: Some(jobs),
            writer: Some(writer),
            traffic: traffic::Traffic::new(options.in_place_after),
            failure,
            readers: Some(readers),
            counters,
            thread: Some(thread),
            _lock: lock,
        })
    }

    /// The schema of the database in `dir`, without opening it for anything else; `None` where there is none.
    ///
    /// # Errors
    /// If the file cannot be read or is no database.
    pub fn schema_of(dir: &Path) -> Result<Option<usize>, StoreError> {
        let path = dir.join("prolong.db");
        if !path.exists() {
            return Ok(None);
        }
        open::schema_of(&path).map(Some)
    }

    /// Why the writer stopped for good, if it did: the server should answer nothing more and exit.
    #[must_use]
    pub fn failed(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    fn check(&self) -> Result<(), StoreError> {
        self.failed()
            .map_or(Ok(()), |why| Err(StoreError::Unavailable(why)))
    }

    fn readers(&self) -> Result<&Arc<readers::Readers>, StoreError> {
        self.check()?;
        let closed = || StoreError::Unavailable("the store is closed".to_owned());
        self.readers.as_ref().ok_or_else(closed)
    }

    /// Hands work to the writer, and waits until it is durable.
    async fn write(&self, work: writer::Work) -> Result<Committed, NotCommitted> {
        self.check()?;
        let passage = self.traffic.enter();
        let runtime = Handle::try_current().ok();
        let may_block = |runtime: &Handle| runtime.runtime_flavor() == RuntimeFlavor::MultiThread;
        if passage.alone
            && runtime.as_ref().is_some_and(may_block)
            && let Some(writer) = self.writer.as_ref().and_then(|writer| writer.try_lock())
            && writer.wal_may_grow()
        {
            let begun = Instant::now();
            let answer = tokio::task::block_in_place(|| self.write_alone(&writer, work));
            self.traffic.took(begun.elapsed());
            return answer;
        }
        let (answer, answered) = oneshot::channel();
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        match jobs.try_send(Some(writer::Job {
            work,
            answer,
            runtime,
        })) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(StoreError::Unavailable("too many writes wait".to_owned()).into());
            }
            Err(TrySendError::Disconnected(_)) => return Err(gone().into()),
        }
        answered.await.unwrap_or_else(|_| Err(gone().into()))
    }

    fn write_alone(
        &self,
        writer: &writer::Writer,
        work: writer::Work,
    ) -> Result<Committed, NotCommitted> {
        // Since it was looked at, the one who held the writer may have found the disk broken.
        self.check()?;
        let answer = writer.write_alone(work);
        if writer.wal_is_long()
            && let Some(jobs) = &self.jobs
        {
            // Full: then it is about to look anyway.
            let _ = jobs.try_send(None);
        }
        let gone = || StoreError::Unavailable("the writer has stopped".to_owned());
        answer.unwrap_or_else(|| Err(gone().into()))
    }

    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.readers()?.point(query)
    }

    async fn scan<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers()?.scan(query).await
    }
}

impl Drop for SqliteStore {
    /// Writes what waits, then closes.
    fn drop(&mut self) {
        // The writer must be the last to close, so that it can copy the WAL back.
        self.readers = None;
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been noted in `failure`.
            let _ = thread.join();
        }
        self.writer = None;
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, transaction: Transaction) -> Result<Committed, NotCommitted> {
        self.write(writer::Work::Write(transaction)).await
    }

    async fn turn(&self, id: SessionId, decide: Decide) -> Result<Committed, NotCommitted> {
        self.write(writer::Work::Turn(id, decide)).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Found>, StoreError> {
        self.read(|db| read::session(db, id))
    }

    async fn sessions_of(&self, user: UserKey) -> Result<Vec<Session>, StoreError> {
        self.read(|db| read::sessions_of(db, user))
    }

    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<Found>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.scan(move |db| read::sessions(db, &filter, &page))
            .await
    }

    async fn user(&self, key: UserKey) -> Result<Option<User>, StoreError> {
        self.read(|db| read::user(db, key))
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        self.read(|db| read::user_by_login(db, login))
    }

    async fn users(&self, filter: &UserFilter, page: &Page) -> Result<Vec<User>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.scan(move |db| read::users(db, &filter, &page)).await
    }

    async fn ticket(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError> {
        self.read(|db| read::ticket(db, hash))
    }

    async fn signing_keys(&self) -> Result<Vec<SealedKey>, StoreError> {
        self.read(read::signing_keys)
    }

    async fn feed_head(&self) -> Result<FeedCursor, StoreError> {
        self.read(read::feed_head)
    }

    async fn feed_after(&self, seq: u64, limit: usize) -> Result<Vec<FeedLine>, StoreError> {
        self.scan(move |db| read::feed_after(db, seq, limit)).await
    }

    async fn audit(&self, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditLine>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.scan(move |db| read::audit(db, &filter, &page)).await
    }

    async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.read(|db| read::fact(db, name))
    }

    async fn removable_sessions(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.scan(move |db| read::removable_sessions(db, before, limit))
            .await
    }

    async fn removable_users(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<UserKey>, StoreError> {
        self.scan(move |db| read::removable_users(db, before, limit))
            .await
    }

    async fn key_in_use(&self, key: KeyId) -> Result<bool, StoreError> {
        self.scan(move |db| read::key_in_use(db, key)).await
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        self.scan(read::counts).await
    }

    fn writer_stats(&self) -> WriterStats {
        self.counters.snapshot()
    }
}
