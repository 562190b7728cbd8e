//! Whether writes come one at a time.
//!
//! Handing a write to another thread and back wakes two threads, which costs more than the write; for writes that come
//! together it is worth it, since they share a commit. So whoever finds nobody else writing, as it has been for a while,
//! may write where they are.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

/// The writes under way.
pub(super) struct Traffic {
    under_way: AtomicUsize,
    /// Writes that found no other under way, since the last that did.
    lone: AtomicU32,
    /// So many of them in a row say that writes come one at a time. `None`: nothing does.
    enough: Option<u32>,
}

impl Traffic {
    pub(super) const fn new(enough: Option<u32>) -> Self {
        Self {
            under_way: AtomicUsize::new(0),
            lone: AtomicU32::new(0),
            enough,
        }
    }

    /// A write begins, and is under way until what this gives is dropped.
    pub(super) fn enter(&self) -> Passage<'_> {
        let company = self.under_way.fetch_add(1, Ordering::Relaxed) > 0;
        let lone = if company {
            self.lone.store(0, Ordering::Relaxed);
            None
        } else {
            Some(self.lone.fetch_add(1, Ordering::Relaxed))
        };
        Passage {
            traffic: self,
            alone: lone
                .zip(self.enough)
                .is_some_and(|(lone, enough)| lone >= enough),
        }
    }

    /// A lone write took so long. Whoever waits for the writer's thread can be answered that it takes too long, and whoever
    /// blocks cannot: so after a slow one, writes are handed over until they have come alone for a while again.
    pub(super) fn took(&self, time: Duration) {
        if time > SLOW {
            self.lone.store(0, Ordering::Relaxed);
        }
    }
}

/// Many times what a disk takes that is well.
const SLOW: Duration = Duration::from_millis(10);

/// A write under way.
pub(super) struct Passage<'a> {
    traffic: &'a Traffic,
    /// Whether writes come one at a time.
    pub(super) alone: bool,
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.traffic.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone_is_who_has_been_alone_for_a_while() {
        let traffic = Traffic::new(Some(3));
        for _ in 0..3 {
            assert!(!traffic.enter().alone);
        }
        assert!(traffic.enter().alone);
        let first = traffic.enter();
        assert!(first.alone);
        assert!(!traffic.enter().alone, "in company");
        drop(first);
        for _ in 0..3 {
            assert!(!traffic.enter().alone, "there was company a moment ago");
        }
        assert!(traffic.enter().alone);
    }

    #[test]
    fn after_a_slow_one_writes_are_handed_over() {
        let traffic = Traffic::new(Some(1));
        drop(traffic.enter());
        assert!(traffic.enter().alone);
        traffic.took(SLOW);
        assert!(traffic.enter().alone);
        traffic.took(SLOW + Duration::from_millis(1));
        assert!(!traffic.enter().alone);
        assert!(traffic.enter().alone);
    }

    #[test]
    fn at_once_or_never() {
        let at_once = Traffic::new(Some(0));
        let first = at_once.enter();
        assert!(first.alone);
        assert!(!at_once.enter().alone, "in company");
        assert!(!Traffic::new(None).enter().alone);
    }
}
