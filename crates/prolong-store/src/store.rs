//! The one trait.

use async_trait::async_trait;
use prolong_core::{Session, SessionId, Timestamp, UserKey};

use crate::{
    AuditFilter, AuditLine, Committed, Counts, FeedCursor, FeedLine, Found, NotCommitted, Page,
    SealedKey, SessionFilter, StoreError, Ticket, Transaction, User, UserFilter, WriterStats,
};

/// What to change about a session that was just read; `None`: there is no such session. Runs where all writes are made, so
/// it is quick and never blocks.
pub type Decide = Box<dyn FnOnce(Option<Found>) -> Transaction + Send>;

/// Where sessions, users, keys, the feed and the audit log live.
///
/// Reads see every commit that was acknowledged before they began. A write is one [`Transaction`]; once it is
/// acknowledged it survives a crash of the process and of the machine. Nothing here decides and nothing reads a clock.
/// No error from a read or a write means that something was half done.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Commits a transaction: all of its changes, or none.
    ///
    /// # Errors
    /// [`NotCommitted::Conflict`] names the first change whose guard no longer holds: read again and decide again.
    /// [`NotCommitted::Failed`]: the store could not say; the outcome may be unknown.
    async fn commit(&self, transaction: Transaction) -> Result<Committed, NotCommitted>;

    /// Reads a session with its user, asks `decide` what to change, and commits that: nothing comes in between, so nothing
    /// that was decided on can have changed. Many turns share one commit, and each costs one look-up and one statement.
    ///
    /// What `decide` saw becomes durable with the commit, whether or not it changed anything itself: answer nobody
    /// before this returns.
    ///
    /// # Errors
    /// As [`Store::commit`]. After an error nobody knows whether `decide` was asked.
    async fn turn(&self, id: SessionId, decide: Decide) -> Result<Committed, NotCommitted>;

    /// A session together with its user, as of one moment.
    async fn session(&self, id: SessionId) -> Result<Option<Found>, StoreError>;
    /// All sessions of a user that are still stored, ended ones too; newest first.
    async fn sessions_of(&self, user: UserKey) -> Result<Vec<Session>, StoreError>;
    /// Sessions by filter, newest first, a page at a time.
    async fn sessions(&self, filter: &SessionFilter, page: &Page)
    -> Result<Vec<Found>, StoreError>;

    /// A user by key.
    async fn user(&self, key: UserKey) -> Result<Option<User>, StoreError>;
    /// A user by login name (exact; the caller has folded it).
    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError>;
    /// Users by filter, by `sub`, a page at a time.
    async fn users(&self, filter: &UserFilter, page: &Page) -> Result<Vec<User>, StoreError>;

    /// A ticket that was put and not taken, by its hash, as long as it is stored: whether it is too old is the reader's
    /// to say.
    async fn ticket(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError>;

    /// Every signing key that is still stored, oldest first.
    async fn signing_keys(&self) -> Result<Vec<SealedKey>, StoreError>;

    /// Where the feed stands.
    async fn feed_head(&self) -> Result<FeedCursor, StoreError>;
    /// Feed entries after `seq`, in order, at most `limit`.
    async fn feed_after(&self, seq: u64, limit: usize) -> Result<Vec<FeedLine>, StoreError>;

    /// Audit lines by filter, newest first, a page at a time.
    async fn audit(&self, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditLine>, StoreError>;

    /// A small named fact (high-water mark of the clock, highest `exp` issued, a declared restore).
    async fn fact(&self, name: &str) -> Result<Option<String>, StoreError>;

    /// Ended or long expired sessions that may be removed: ended before `before`, or whose idle or absolute end (as
    /// frozen) passed before it; at most `limit`.
    async fn removable_sessions(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError>;
    /// Tombstones that may be removed: users deleted before `before` of whom no session is stored any more; at most
    /// `limit`.
    async fn removable_users(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<UserKey>, StoreError>;
    /// Whether a live session is pinned to refresh-token key `key` (as its current or previous one).
    async fn key_in_use(&self, key: prolong_core::KeyId) -> Result<bool, StoreError>;

    /// How many rows there are, for statistics and the doctor.
    async fn counts(&self) -> Result<Counts, StoreError>;

    /// What this store wrote since it was opened, for metrics. Costs nothing.
    fn writer_stats(&self) -> WriterStats;
}
