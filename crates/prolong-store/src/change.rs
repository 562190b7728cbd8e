//! What can be written: guarded changes, all or nothing.

use prolong_core::{EndReason, Generation, Session, SessionId, Standing, Timestamp, UserKey};

use crate::{FeedCursor, NewAuditLine, NewFeedEntry, SealedKey, StoreError, Ticket, User};

/// Changes that are committed together, durably, or not at all.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// In order; each with its guard.
    pub changes: Vec<Change>,
}

/// One guarded change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new session. Guard: its id is free.
    StartSession(Session),
    /// The outcome of a decision: one compare-and-swap of one row, in one statement.
    ///
    /// Guard: the stored session is live, with the `generation`, `key`, `secret`, `rotated_at` and `authenticated_at`
    /// of `seen`; and its user's standing (version, disabled, deleted, `reauth_at`) is `user`.
    /// Writes what [`prolong_core::decide`] may change (not names); `active_at` merges by maximum.
    SwapSession {
        /// The session that the decision was made on.
        seen: Box<Session>,
        /// The session afterwards. If its life is ended, prefer [`Change::EndSession`].
        next: Box<Session>,
        /// The standing that the decision was made on.
        user: Standing,
    },
    /// Ends a session. Guard: it is live and, where given, at this generation.
    EndSession {
        /// Which.
        id: SessionId,
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
        /// Only at this generation.
        at_generation: Option<Generation>,
    },
    /// Activity that was seen: merges by maximum into live sessions; no guard, and nothing if the session is gone.
    SeenActive {
        /// Which.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// Renames the device. Guard: the session is live.
    RenameSession {
        /// Which.
        id: SessionId,
        /// The new name.
        device_name: Option<Box<str>>,
    },
    /// A new user. Guard: key and login are free.
    InsertUser(User),
    /// A user's row as it should be; stored with `revision + 1`. Guard: the stored revision is `user.revision`, and a
    /// changed login is free.
    ReplaceUser(User),
    /// Makes sure that nobody changed a user since it was read. Guard: the stored revision is this.
    CheckUser {
        /// Which.
        user: UserKey,
        /// The revision that was read.
        revision: u64,
    },
    /// Removes a user's row for good. No guard.
    RemoveUser(UserKey),
    /// Removes sessions for good. No guard.
    RemoveSessions(Vec<SessionId>),
    /// Stores a signing key, new or changed. No guard.
    PutSigningKey(SealedKey),
    /// Removes a signing key. No guard.
    RemoveSigningKey(String),
    /// Appends to the feed. Of kind `T`, only the newest entry of a key is kept in snapshots.
    AppendFeed(NewFeedEntry),
    /// Forgets feed entries whose `until` is before this second. Numbers and chain stay.
    ForgetFeedBefore(i64),
    /// Starts a new feed epoch (a declared restore): 16 random bytes.
    NewFeedEpoch([u8; 16]),
    /// Appends to the audit log.
    AppendAudit(NewAuditLine),
    /// Of the first so many audit lines, forgets those before this time: lines come in the order of their time, but for a
    /// clock that was put back. No guard.
    ForgetAuditBefore(Timestamp, usize),
    /// A ticket. Guard: its hash is free.
    PutTicket(Ticket),
    /// Takes a ticket, for ever. Guard: it is there. In the transaction of what it is taken for, so that a crash
    /// leaves either both or neither.
    TakeTicket {
        /// SHA-256 of the ticket.
        hash: [u8; 32],
    },
    /// Forgets tickets that expired before this time. No guard.
    ForgetTicketsBefore(Timestamp),
    /// Sets a small named fact. No guard.
    SetFact {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
    },
}

/// What a commit gave.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Where the feed stands, if this transaction appended to it.
    pub feed: Option<FeedCursor>,
    /// The lines appended to the feed, with their numbers.
    pub feed_lines: Vec<crate::FeedLine>,
}

/// Why a transaction was not committed.
#[derive(Debug, thiserror::Error)]
pub enum NotCommitted {
    /// The guard of this change (by position) no longer holds; nothing was written.
    #[error("change {0} no longer applies")]
    Conflict(usize),
    /// The store failed.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

impl Transaction {
    /// A transaction of one change.
    #[must_use]
    pub fn of(change: Change) -> Self {
        Self {
            changes: vec![change],
        }
    }

    /// The same with one more change.
    #[must_use]
    pub fn and(mut self, change: Change) -> Self {
        self.changes.push(change);
        self
    }
}
