//! The connections that read: a few for point queries, two for listings and scans.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};
use rusqlite::Connection;
use tokio::runtime::Handle;

use super::open;
use crate::StoreError;

/// So many listings and scans run at once; more wait, and no point query waits for any of them.
const SCANS: usize = 2;

static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Each thread has a reader of its own as long as there are as many; then nobody waits and its pages stay warm.
    static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

pub(super) struct Readers {
    path: PathBuf,
    points: Vec<Mutex<Connection>>,
    scans: Vec<Mutex<Connection>>,
}

impl Readers {
    pub(super) fn open(path: &Path, points: usize) -> Result<Arc<Self>, StoreError> {
        let open = |count: usize| {
            let readers = (0..count).map(|_| open::reader(path).map(Mutex::new));
            readers.collect::<Result<Vec<_>, _>>()
        };
        Ok(Arc::new(Self {
            path: path.to_owned(),
            points: open(points.max(1))?,
            scans: open(SCANS)?,
        }))
    }

    /// A point query takes about 10 µs, less than handing it to another thread: it runs where it is asked.
    pub(super) fn point<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        query(&free(&self.points)).map_err(|error| open::explain(&self.path, &error))
    }

    /// A query whose cost grows with the table: on a thread where blocking is allowed, if there is a runtime.
    pub(super) async fn scan<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.clone();
        let run = move || {
            let outcome = query(&free(&readers.scans));
            outcome.map_err(|error| open::explain(&readers.path, &error))
        };
        match Handle::try_current() {
            Err(_) => run(),
            Ok(runtime) => runtime.spawn_blocking(run).await.unwrap_or_else(|error| {
                Err(StoreError::Unavailable(format!(
                    "a read was given up: {error}"
                )))
            }),
        }
    }
}

fn free(readers: &[Mutex<Connection>]) -> MutexGuard<'_, Connection> {
    let place = PLACE.with(|place| *place);
    let count = readers.len();
    let at = |i: usize| &readers[place.wrapping_add(i) % count];
    (0..count)
        .find_map(|i| at(i).try_lock())
        .unwrap_or_else(|| at(0).lock())
}
