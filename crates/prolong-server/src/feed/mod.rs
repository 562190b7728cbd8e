//! The revocation feed: what has ended, in memory, fed from commits and from the store. Tokens are judged by it, and readers
//! follow it.

mod entry;
mod facts;
mod live;
mod log;
mod snapshot;
mod streams;
mod token_life;

pub use entry::everything_ended;
pub use live::LiveFeed;

pub(crate) use entry::{ended_entry, generation_entry, key_dead_entry, version_entry};
pub(crate) use live::Next;
pub(crate) use streams::{Seat, Streams};
