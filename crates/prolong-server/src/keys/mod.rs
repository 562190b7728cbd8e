//! Keys: the master keys, what is derived from them, and the ring of signing keys.

mod master;
mod refresh_token;
pub(crate) mod register;
mod ring;
mod sealing;
mod signer;

pub use master::{KeyFault, MasterKeys};
pub use refresh_token::{OpenedRefreshToken, RefreshKeys, SessionSecret};
pub(crate) use refresh_token::{attempt_hash, secret_hash, shard, user_key};
pub use register::RegisterFault;
pub use ring::{RingFault, SigningRing};
