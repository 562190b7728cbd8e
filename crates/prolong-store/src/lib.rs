//! Where sessions live.
//!
//! One trait ([`Store`]) with reads and one write: a [`Transaction`] of guarded changes, all or nothing. A store never
//! decides and never reads a clock. [`MemoryStore`] and [`SqliteStore`] pass the same conformance suite
//! (`conformance`).
#![forbid(unsafe_code)]

mod change;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod error;
mod feed_chain;
mod memory;
mod page;
mod record;
mod sqlite;
mod store;
mod writer_stats;

pub use change::{Change, Committed, NotCommitted, Transaction};
pub use error::StoreError;
pub use feed_chain::FeedCursor;
pub use memory::MemoryStore;
pub use page::{AuditFilter, Page, SessionFilter, UserFilter};
pub use record::{
    AuditLine, Counts, FeedLine, Found, KeyState, NewAuditLine, NewFeedEntry, SealedKey, Ticket,
    User,
};
pub use sqlite::{EndAll, RestoreReport, SqliteOptions, SqliteStore, schema_version};
pub use store::{Decide, Store};
pub use writer_stats::WriterStats;
