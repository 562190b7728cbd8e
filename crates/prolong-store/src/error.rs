//! What can go wrong in a store.

/// A store could not do what was asked. Says what happened and where, never what was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot answer now; trying again later may help (full disk, busy, shutting down).
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored does not make sense to this version.
    #[error("the store is damaged or from another version: {0}")]
    Damaged(String),
}
