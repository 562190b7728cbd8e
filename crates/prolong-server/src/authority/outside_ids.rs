//! Whether there are users whose ids were not drawn here. Such ids can be guessed, so a feed that names them by salted
//! hashes is not for everybody.

use std::sync::atomic::{AtomicBool, Ordering};

use prolong_store::{Change, Store, StoreError};

/// Remembered in the store: once there was one, tokens and entries of theirs may be about.
#[derive(Debug)]
pub(crate) struct OutsideIds {
    stored: bool,
    exist: AtomicBool,
}

impl OutsideIds {
    /// # Errors
    /// What the store says.
    pub(crate) async fn start(store: &dyn Store) -> Result<Self, StoreError> {
        let stored = store.fact(OUTSIDE_IDS).await?.is_some();
        Ok(Self {
            stored,
            exist: AtomicBool::new(stored),
        })
    }

    pub(crate) fn exist(&self) -> bool {
        self.exist.load(Ordering::Acquire)
    }

    /// A user with such an id is about to be made: what belongs into the same commit. Counts from now on, even if the
    /// commit does not come to pass: the other way round, the feed would be open for a moment.
    pub(crate) fn one_more(&self) -> Option<Change> {
        self.exist.store(true, Ordering::Release);
        (!self.stored).then(|| Change::SetFact {
            name: OUTSIDE_IDS,
            value: "true".to_owned(),
        })
    }
}

const OUTSIDE_IDS: &str = "outside_ids";
