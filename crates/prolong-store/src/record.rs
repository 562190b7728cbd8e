//! Rows as the rest of the house sees them.

use prolong_core::{FeedEntry, Session, SessionId, Standing, Timestamp, UserKey};

/// A session and its user.
#[derive(Clone, Debug)]
pub struct Found {
    /// The session.
    pub session: Session,
    /// Its user.
    pub user: User,
}

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The key of the row: a hash of `sub`.
    pub key: UserKey,
    /// The user's id, as in tokens.
    pub sub: String,
    /// Login name, folded for comparison; `None` where the user signs in elsewhere.
    pub login: Option<String>,
    /// Password hash in PHC, bcrypt or Django notation; `None` where there is no password.
    pub password_hash: Option<String>,
    /// Public claims: a JSON object.
    pub claims: String,
    /// What their sessions need to know.
    pub standing: Standing,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the user was deleted; the row stays as a tombstone until no token can be alive.
    pub deleted_at: Option<Timestamp>,
    /// Goes up with every change of this row; guards [`crate::Change::ReplaceUser`].
    pub revision: u64,
}

impl core::fmt::Debug for User {
    /// Leaves the password hash out.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("User")
            .field("sub", &self.sub)
            .field("login", &self.login)
            .field("standing", &self.standing)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// A JWT signing key; its private half is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    /// RFC 7638 thumbprint.
    pub kid: String,
    /// JOSE algorithm name.
    pub algorithm: String,
    /// Published, used, retired, dead.
    pub state: KeyState,
    /// The public JWK, as JSON.
    pub public_jwk: String,
    /// The private key (PKCS#8), sealed with a key that is not in the store.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed state.
    pub state_since: Timestamp,
}

impl core::fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SealedKey")
            .field("kid", &self.kid)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// The life of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyState {
    /// Published, not used yet.
    Pending = 1,
    /// Signs.
    Active = 2,
    /// Published, verifies only.
    Retiring = 3,
    /// Declared unsafe: published nowhere, verifies nothing.
    Dead = 4,
}

impl KeyState {
    /// The number in the store.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
    /// The state of a stored number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Pending),
            2 => Some(Self::Active),
            3 => Some(Self::Retiring),
            4 => Some(Self::Dead),
            _ => None,
        }
    }
    /// The word in listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Dead => "dead",
        }
    }
}

/// A one-use ticket by which a browser redeems a session that a backend started. Stored as a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// SHA-256 of the ticket.
    pub hash: [u8; 32],
    /// The client it is bound to.
    pub client: String,
    /// What sign-in needs, as JSON (whose session, device name, claims of the sign-in).
    pub sign_in: String,
    /// From then on it is refused.
    pub expires_at: Timestamp,
}

/// A feed entry to append: the store gives it its number.
pub type NewFeedEntry = FeedEntry;

/// A feed entry with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedLine {
    /// Its number: no holes, in the order of commits.
    pub seq: u64,
    /// The chain after it.
    pub chain: [u8; 16],
    /// The entry.
    pub entry: FeedEntry,
}

/// Something worth remembering, to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuditLine {
    /// When.
    pub at: Timestamp,
    /// What, a word of a closed list ("session.ended", "user.disabled", …).
    pub what: &'static str,
    /// Who did it: "user", "client:ID", "operator", "authority".
    pub actor: String,
    /// Whom it concerns.
    pub user: Option<UserKey>,
    /// Which session it concerns.
    pub session: Option<SessionId>,
    /// More, as a JSON object without secrets: reason, device, client.
    pub detail: String,
}

/// An audit line as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
    /// Who did it.
    pub actor: String,
    /// Whom it concerns.
    pub user: Option<UserKey>,
    /// Which session it concerns.
    pub session: Option<SessionId>,
    /// More, as a JSON object.
    pub detail: String,
}

/// How many rows there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Users, tombstones too.
    pub users: u64,
    /// Sessions stored, ended ones too.
    pub sessions: u64,
    /// Of these, not ended (they may be over by their deadlines).
    pub sessions_not_ended: u64,
    /// Feed entries.
    pub feed_entries: u64,
    /// Audit lines.
    pub audit_lines: u64,
}
