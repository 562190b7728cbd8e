//! Who follows the feed now: how many there may be, and that they leave when the server stops.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// The seats for followers.
pub(crate) struct Streams {
    seats: Arc<Semaphore>,
    total: usize,
    stopping: watch::Sender<bool>,
}

/// Held as long as somebody follows.
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
    stopping: watch::Receiver<bool>,
}

impl Streams {
    /// For so many followers at a time.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(total)),
            total,
            stopping: watch::Sender::new(false),
        }
    }

    /// A seat; `None` where all are taken, or the server stops.
    pub(crate) fn sit(&self) -> Option<Seat> {
        let stopping = self.stopping.subscribe();
        if *stopping.borrow() {
            return None;
        }
        let permit = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        Some(Seat {
            _permit: permit,
            stopping,
        })
    }

    /// How many follow now.
    pub(crate) fn taken(&self) -> usize {
        self.total.saturating_sub(self.seats.available_permits())
    }

    /// Everyone leaves; nobody sits down any more.
    pub(crate) fn close(&self) {
        self.stopping.send_replace(true);
    }
}

impl Seat {
    /// Resolves when the server stops.
    pub(crate) async fn closing(&mut self) {
        // Gone with the server is closed as well.
        let _ = self.stopping.wait_for(|stopping| *stopping).await;
    }
}
