//! The revocation feed, inside the authority: what has ended, in memory, fed from commits and at start from the store.

mod entry;
mod live;

pub use live::LiveFeed;

pub(crate) use entry::{ended_entry, generation_entry, key_dead_entry, version_entry};
