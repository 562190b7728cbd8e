//! How often the predecessor of a generation was answered as concurrent, on this node. Bounded: the oldest are forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use prolong_core::{Generation, SessionId};
use quick_cache::sync::Cache;

pub(crate) struct ConcurrentAnswers(Cache<(SessionId, Generation), Arc<AtomicU32>>);

impl ConcurrentAnswers {
    pub(crate) fn new() -> Self {
        Self(Cache::new(REMEMBERED))
    }

    /// So far, for this current generation.
    pub(crate) fn so_far(&self, id: SessionId, current: Generation) -> u32 {
        self.0
            .get(&(id, current))
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// One more.
    pub(crate) fn answered(&self, id: SessionId, current: Generation) {
        let fresh = || Ok::<_, core::convert::Infallible>(Arc::new(AtomicU32::new(0)));
        let Ok(count) = self.0.get_or_insert_with(&(id, current), fresh);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

const REMEMBERED: usize = 16_384;
