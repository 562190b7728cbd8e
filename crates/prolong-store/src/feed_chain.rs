//! Where the feed stands, and the chain that gives a lost or foreign tail away.

use prolong_core::FeedEntry;
use sha2::{Digest, Sha256};

/// A place in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FeedCursor {
    /// Random; new at initialisation and at every declared restore.
    pub epoch: [u8; 16],
    /// The number of the last entry; 0 before the first.
    pub seq: u64,
    /// The chain after that entry; zeros before the first.
    pub chain: [u8; 16],
}

impl FeedCursor {
    /// The start of an empty feed.
    #[must_use]
    pub const fn start(epoch: [u8; 16]) -> Self {
        Self {
            epoch,
            seq: 0,
            chain: [0; 16],
        }
    }

    /// The place after one more entry:
    /// `chain = SHA-256(chain ‖ seq: u64be ‖ kind: 1 byte ‖ key: 8 bytes ‖ arg: u64be ‖ until: i64be)[..16]`.
    #[must_use]
    pub fn after(self, entry: &FeedEntry) -> Self {
        let seq = self.seq.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update(self.chain);
        hash.update(seq.to_be_bytes());
        hash.update([entry.kind.letter()]);
        hash.update(entry.key);
        hash.update(entry.arg.to_be_bytes());
        hash.update(entry.until.to_be_bytes());
        let mut chain = [0; 16];
        chain.copy_from_slice(&hash.finalize()[..16]);
        Self {
            epoch: self.epoch,
            seq,
            chain,
        }
    }
}

#[cfg(test)]
mod tests {
    use prolong_core::FeedKind;

    use super::*;

    /// SHA-256 of 16 zeros, `00…01`, `S`, `01 02 … 08`, `00…05`, `00…64`, computed with another implementation.
    #[test]
    fn the_chain_is_the_one_on_the_wire() {
        let kind = FeedKind::SessionEnded;
        let entry = FeedEntry {
            kind,
            key: [1, 2, 3, 4, 5, 6, 7, 8],
            arg: 5,
            until: 100,
        };
        let cursor = FeedCursor::start([9; 16]).after(&entry);
        assert_eq!((cursor.epoch, cursor.seq), ([9; 16], 1));
        assert_eq!(
            u128::from_be_bytes(cursor.chain),
            0xd5d3_e6c9_f174_37a9_bf1c_301f_7838_79ea
        );
    }
}
