//! What verifiers must learn when something ends.

/// One thing that verifiers must refuse from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedEntry {
    /// What `key` and `arg` mean.
    pub kind: FeedKind,
    /// Eight bytes of a salted hash: of the `sid` (`S`, `T`), of the `sub` (`U`), of the `kid` (`K`); zeros for `G`.
    pub key: [u8; 8],
    /// `U`: the smallest good `jwt_version`; `T`: the newest good generation; `G`: the first good `iat`, in seconds; `S`:
    /// the end reason's number, or 0; `K`: 0.
    pub arg: u64,
    /// Seconds since the epoch from which no acceptable token can match, so that the entry is forgotten.
    pub until: i64,
}

/// The kinds of feed entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FeedKind {
    /// A session ended.
    SessionEnded = b'S',
    /// A user's older tokens are refused.
    UserEpoch = b'U',
    /// Only the newest generation of a session's access tokens is good.
    TokenGeneration = b'T',
    /// A signing key is dead.
    KeyDead = b'K',
    /// Everything that was issued before a second is dead.
    EverythingBefore = b'G',
}

impl FeedKind {
    /// The letter on the wire and in the store.
    #[must_use]
    pub const fn letter(self) -> u8 {
        self as u8
    }

    /// The kind of a letter; `None` for one this version does not know.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'S' => Some(Self::SessionEnded),
            b'U' => Some(Self::UserEpoch),
            b'T' => Some(Self::TokenGeneration),
            b'K' => Some(Self::KeyDead),
            b'G' => Some(Self::EverythingBefore),
            _ => None,
        }
    }
}
