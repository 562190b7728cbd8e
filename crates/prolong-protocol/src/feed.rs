//! The revocation feed (`docs/reference/feed.md`): its entries, frames and cursors, and the bytes that the chain is
//! computed over.
//!
//! ```text
//! chain' = SHA-256(chain ‖ entry)[..16]
//! entry  = seq:u64be ‖ kind:u8 (ASCII) ‖ key:8 bytes ‖ arg:u64be ‖ until:u64be (seconds)      33 bytes
//! ```
//!
//! The hash itself is an argument: this crate holds no cryptography.

mod cursor;
mod hex;

use serde::{Deserialize, Serialize};

use crate::problem::Reason;

pub use cursor::NotACursor;

/// Length of an entry's canonical form, in bytes.
pub const ENTRY_BYTES: usize = 33;

/// What the chain hashes for one entry: the chain so far, then the entry.
pub const LINK_BYTES: usize = 16 + ENTRY_BYTES;

/// The kind of an entry: one ASCII letter. Kinds that this version does not know are kept as they came, so that a
/// reader can notice them (an unknown kind makes a verifier stale, never blind).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Kind(u8);

impl Kind {
    /// `S`: a session ended. Key from `sid`.
    pub const SESSION: Self = Self(b'S');
    /// `U`: the smallest good `jwt_version` of a user is `arg`. Key from `sub`.
    pub const USER: Self = Self(b'U');
    /// `T`: the newest good generation of a session is `arg`. Key from `sid`.
    pub const GENERATION: Self = Self(b'T');
    /// `K`: a signing key is dead. Key from `kid`.
    pub const SIGNING_KEY: Self = Self(b'K');
    /// `C` (reserved): tokens of a client issued before `arg` are dead. Key from `client_id`.
    pub const CLIENT: Self = Self(b'C');
    /// `G`: all tokens issued before `arg` are dead. The key is zero.
    pub const GLOBAL: Self = Self(b'G');

    /// The kind of a letter; `None` outside printable ASCII.
    #[must_use]
    pub const fn new(letter: u8) -> Option<Self> {
        if letter.is_ascii_graphic() {
            Some(Self(letter))
        } else {
            None
        }
    }

    /// The ASCII letter.
    #[must_use]
    pub const fn letter(self) -> u8 {
        self.0
    }
}

impl TryFrom<char> for Kind {
    type Error = &'static str;

    fn try_from(letter: char) -> Result<Self, Self::Error> {
        u8::try_from(letter)
            .ok()
            .and_then(Self::new)
            .ok_or("a feed entry's kind is one printable ASCII character")
    }
}

impl From<Kind> for char {
    fn from(kind: Kind) -> Self {
        Self::from(kind.0)
    }
}

/// One revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its number: entries are numbered without holes in the order of their commits.
    pub seq: u64,
    /// What it is about.
    pub kind: Kind,
    /// First 8 bytes of SHA-256(feed salt ‖ name); 16 hexadecimal digits on the wire.
    #[serde(with = "hex")]
    pub key: [u8; 8],
    /// Depends on the kind; 0 where unused. For `S`: why, see [`arg_of`].
    pub arg: u64,
    /// Seconds since the epoch: from then on no acceptable token can match, and the entry may be forgotten.
    pub until: u64,
}

impl Entry {
    /// The canonical form that the chain is computed over.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..8].copy_from_slice(&self.seq.to_be_bytes());
        bytes[8] = self.kind.letter();
        bytes[9..17].copy_from_slice(&self.key);
        bytes[17..25].copy_from_slice(&self.arg.to_be_bytes());
        bytes[25..].copy_from_slice(&self.until.to_be_bytes());
        bytes
    }
}

/// The running hash over all entries of an epoch; 32 hexadecimal digits on the wire. It starts as 16 zero bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chain(#[serde(with = "hex")] pub [u8; 16]);

impl Chain {
    /// The chain after one more entry; `sha256` is the hash function.
    #[must_use]
    pub fn extend(self, entry: &Entry, sha256: impl FnOnce(&[u8]) -> [u8; 32]) -> Self {
        let mut link = [0; LINK_BYTES];
        link[..16].copy_from_slice(&self.0);
        link[16..].copy_from_slice(&entry.to_bytes());
        let mut chain = [0; 16];
        chain.copy_from_slice(&sha256(&link)[..16]);
        Self(chain)
    }
}

/// Where a reader stands. Any member that does not match the authority's sends the reader to a snapshot.
/// As a parameter: `{epoch}.{seq}.{chain}`, the chain as 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Random; made at initialisation and at a declared restore.
    pub epoch: String,
    /// Number of the last entry applied; 0 before the first.
    pub seq: u64,
    /// The chain after that entry.
    pub chain: Chain,
}

/// `GET /v1/feed/snapshot`: every entry that still matters, at one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// See [`Cursor::epoch`].
    pub epoch: String,
    /// Number of the last entry it holds or has forgotten.
    pub seq: u64,
    /// The chain after that entry.
    pub chain: Chain,
    /// What keys are hashed with: 32 hexadecimal digits.
    #[serde(with = "hex")]
    pub salt: [u8; 16],
    /// In order of their numbers; those past `until`, and superseded `T`, are left out.
    pub entries: Vec<Entry>,
}

/// A run of entries without holes, as an event of the stream or a long-poll answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Number of the first entry.
    pub first: u64,
    /// Number of the last entry.
    pub last: u64,
    /// The chain after the last entry.
    pub chain: Chain,
    /// All entries from `first` to `last`.
    pub entries: Vec<Entry>,
    /// Room for a signature, for relays; unused now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

/// Sent each second: how far the authority is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Number of the authority's last entry.
    pub head: u64,
    /// The chain after it.
    pub chain: Chain,
    /// Seconds since the epoch at which the authority knew this head to be the newest.
    pub as_of: u64,
    /// Room for a signature, for relays; unused now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig: Option<String>,
}

/// The answer of a long poll: what came after the cursor, if anything did, and how far the authority is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// Apply it first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<Frame>,
    /// Its head may be beyond the frame's end: ask again at once then.
    pub heartbeat: Heartbeat,
}

/// Why a session ended, as the `arg` of an `S` entry. Numbers are for ever: add, never change. 0 is "not told".
const REASONS: &[(u64, Reason)] = &[
    (1, Reason::SignedOut),
    (2, Reason::SignedOutElsewhere),
    (3, Reason::IdleTimeout),
    (4, Reason::LifetimeReached),
    (5, Reason::SignInTooOld),
    (6, Reason::ReauthRequired),
    (7, Reason::PasswordChanged),
    (8, Reason::UserDisabled),
    (9, Reason::EndedByAdmin),
    (10, Reason::ReuseDetected),
    (11, Reason::Displaced),
    (12, Reason::VersionRaised),
    (13, Reason::UserDeleted),
    (14, Reason::KeyDistrusted),
];

/// The `arg` of an `S` entry for an end reason.
#[must_use]
pub fn arg_of(reason: Reason) -> u64 {
    REASONS
        .iter()
        .find(|(_, one)| *one == reason)
        .map_or(0, |(arg, _)| *arg)
}

/// The end reason of an `S` entry's `arg`; `None` where it is not told or not known to this version.
#[must_use]
pub fn reason_of(arg: u64) -> Option<Reason> {
    REASONS
        .iter()
        .find(|(one, _)| *one == arg)
        .map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry = Entry {
        seq: 1,
        kind: Kind::SESSION,
        key: [1, 2, 3, 4, 5, 6, 7, 8],
        arg: 9,
        until: 0x0102,
    };

    #[test]
    fn the_canonical_bytes_are_as_documented() {
        let bytes = ENTRY.to_bytes();
        assert_eq!(bytes[..8], [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes[8], b'S');
        assert_eq!(bytes[9..17], ENTRY.key);
        assert_eq!(bytes[17..25], [0, 0, 0, 0, 0, 0, 0, 9]);
        assert_eq!(bytes[25..], [0, 0, 0, 0, 0, 0, 1, 2]);
    }

    #[test]
    fn the_chain_hashes_the_old_chain_then_the_entry() {
        let chain = Chain([7; 16]).extend(&ENTRY, |link| {
            assert_eq!(link[..16], [7; 16]);
            assert_eq!(link[16..], ENTRY.to_bytes());
            [5; 32]
        });
        assert_eq!(chain, Chain([5; 16]));
    }

    #[test]
    fn an_entry_reads_what_it_writes_and_keeps_unknown_kinds() {
        let json = serde_json::to_string(&ENTRY).unwrap();
        assert_eq!(
            json,
            r#"{"seq":1,"kind":"S","key":"0102030405060708","arg":9,"until":258}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), ENTRY);
        let strange: Entry = serde_json::from_str(&json.replace("\"S\"", "\"Z\"")).unwrap();
        assert_eq!(strange.kind, Kind::new(b'Z').unwrap());
        for bad in [
            json.replace("\"S\"", "\"SS\""),
            json.replace("01020", "0102"),
            json.replace("0102", "01+2"),
        ] {
            assert!(serde_json::from_str::<Entry>(&bad).is_err(), "{bad}");
        }
    }
}
