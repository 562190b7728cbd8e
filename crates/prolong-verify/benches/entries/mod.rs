//! What a feed has told: as many entries as wanted, of the kinds that verifiers look up.

use prolong_protocol::feed::{Entry, Kind};
use prolong_verify::Revoked;

pub(crate) const SALT: [u8; 16] = [9; 16];

/// A set with so many entries, none of which is about the tokens of the benches.
pub(crate) fn revoked(entries: u64) -> Revoked {
    let mut revoked = Revoked::new(SALT);
    for seq in 0..entries {
        let kind = [Kind::SESSION, Kind::USER, Kind::GENERATION][usize::try_from(seq % 3).unwrap()];
        let key = Revoked::key_of(&SALT, &seq.to_string());
        let entry = Entry {
            seq,
            kind,
            key,
            arg: 1,
            until: u64::MAX,
        };
        revoked.apply(&entry).unwrap();
    }
    revoked
}
