//! Copies the WAL back into the database, beside the writer.
//!
//! A copy of thousands of scattered pages takes tens of milliseconds, in which nobody should wait. So a thread of its own
//! does the bulk of it while commits go on; when little is left, the writer finishes between two batches, and its next
//! commit starts the WAL from the beginning. Never both at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use super::writer::{Failure, fatal};
use crate::StoreError;
use crate::writer_stats::Counters;

/// The thread that copies, and how far it came.
pub(super) struct Copier {
    /// `None` once it stops.
    ask: Option<SyncSender<()>>,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Progress {
    busy: AtomicBool,
    /// Frames of the WAL, from its beginning, that are in the database.
    copied: AtomicUsize,
    /// For whoever waits until it is not busy.
    looking: Mutex<()>,
    idle: Condvar,
}

/// A copy that is being made, until it is dropped, also by a panic.
struct Copying<'a>(&'a Progress);

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        let looking = self.0.looking.lock();
        self.0.busy.store(false, Ordering::Release);
        drop(looking);
        self.0.idle.notify_all();
    }
}

impl Copier {
    /// Starts the thread with a connection of its own.
    pub(super) fn start(
        db: Connection,
        failure: Failure,
        counters: Arc<Counters>,
    ) -> Result<Self, StoreError> {
        let progress = Arc::new(Progress::default());
        let (ask, asked) = sync_channel(1);
        let (shared, name) = (Arc::clone(&progress), "prolong-copier".to_owned());
        let work = move || {
            for () in asked {
                let copying = Copying(&shared);
                let begun = Instant::now();
                match copy(&db) {
                    Ok(copied) => shared.copied.store(copied, Ordering::Relaxed),
                    Err(error) if fatal(&error) => {
                        *failure.lock() = Some(error.to_string());
                    }
                    // A full disk: later will do, the WAL holds everything.
                    Err(_) => {}
                }
                counters.copied(begun.elapsed());
                drop(copying);
            }
        };
        let thread = std::thread::Builder::new().name(name).spawn(work);
        let thread =
            thread.map_err(|error| StoreError::Unavailable(format!("no thread: {error}")))?;
        Ok(Self {
            ask: Some(ask),
            progress,
            thread: Some(thread),
        })
    }

    /// Whether it is copying.
    pub(super) fn busy(&self) -> bool {
        self.progress.busy.load(Ordering::Acquire)
    }

    /// Returns when it is not.
    pub(super) fn wait(&self) {
        let mut looking = self.progress.looking.lock();
        while self.busy() {
            self.progress.idle.wait(&mut looking);
        }
    }

    /// Frames that are in the database already, of the WAL as it is now.
    pub(super) fn copied(&self) -> usize {
        self.progress.copied.load(Ordering::Relaxed)
    }

    /// The WAL starts from its beginning.
    pub(super) fn begin_again(&self) {
        self.progress.copied.store(0, Ordering::Relaxed);
    }

    /// Asks it to copy what there is.
    pub(super) fn ask(&self) {
        self.progress.busy.store(true, Ordering::Release);
        if let Some(ask) = &self.ask
            && ask.try_send(()).is_err()
        {
            // It has stopped; the writer copies by itself.
            self.progress.busy.store(false, Ordering::Release);
        }
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies as much as can be copied without waiting for anybody; gives how many frames of the WAL are in the database.
pub(super) fn copy(db: &Connection) -> rusqlite::Result<usize> {
    let mut copy = db.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?;
    let copied = copy.query_row([], |row| row.get::<_, i64>(2))?;
    Ok(usize::try_from(copied).unwrap_or(0))
}
