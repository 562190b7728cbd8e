//! Time, as an argument.

use std::sync::atomic::{AtomicI64, Ordering};

use prolong_core::Timestamp;

/// Where the time comes from. Only the command line's implementation reads the system's clock.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// The wall clock, if it can be trusted: `Err` says in one sentence why not (it jumped against the monotonic
    /// clock by more than a minute, or stands behind what the store has seen). Then nothing is decided: 503.
    ///
    /// # Errors
    /// A sentence for the log.
    fn trusted_now(&self) -> Result<Timestamp, String> {
        Ok(self.now())
    }
}

/// A clock that stands still until it is moved: for tests.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Moves it by so many milliseconds (negative: back).
    pub fn advance_millis(&self, by: i64) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
