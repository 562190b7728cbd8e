//! Keys: the master keys, what is derived from them, and the ring of signing keys.

/// The master keys.
pub struct MasterKeys;
/// Refresh-token keys.
pub struct RefreshKeys;
/// Signing keys.
pub struct SigningRing;
