//! Which salted keys some table may hold, one bit for each. Nearly every token's user and session are in none: that is known
//! by one look at a few kilobytes that stay near, instead of one at each table.
//!
//! 1. Whatever was marked stays marked: a table without a key's mark does not hold the key.
//! 2. Of the keys that were not marked, at most one in sixteen seems to be. The tables are asked then.

use crate::facts::SaltedKey;

/// Bits for each key, at least.
const BITS: usize = 16;
const WORD: usize = 64;

#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// None, or a power of two.
    words: Vec<u64>,
    /// How many more keys there is room for.
    room: usize,
}

impl Marks {
    /// With room for twice as many keys.
    pub(crate) fn with_room_for(keys: usize) -> Self {
        let words = (2 * keys * BITS).div_ceil(WORD).next_power_of_two();
        Self {
            words: vec![0; words],
            room: words * WORD / BITS,
        }
    }

    /// Whether there was room; if not, a larger one is needed, with all keys.
    #[must_use]
    pub(crate) fn mark(&mut self, key: SaltedKey) -> bool {
        let (place, bit) = self.place_of(key);
        match (self.room.checked_sub(1), self.words.get_mut(place)) {
            (Some(room), Some(word)) => {
                self.room = room;
                *word |= bit;
                true
            }
            _ => false,
        }
    }

    #[inline]
    pub(crate) fn may_hold(&self, key: SaltedKey) -> bool {
        let (place, bit) = self.place_of(key);
        self.words.get(place).is_some_and(|word| word & bit != 0)
    }

    /// Keys are hashes: any of their bits will do. The tables use the lowest and the highest.
    #[inline]
    fn place_of(&self, key: SaltedKey) -> (usize, u64) {
        let [.., a, b, c, d, _] = key.to_le_bytes();
        let place = u32::from_le_bytes([a, b, c, d]) as usize;
        (
            place & self.words.len().wrapping_sub(1),
            1 << (key >> 16 & 63),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revoked::salted;

    fn key(number: u64) -> SaltedKey {
        salted(&[1; 16], &number.to_string())
    }

    #[test]
    fn what_is_marked_seems_to_be_there_and_little_else() {
        for keys in [1_u32, 10, 1000, 10_000] {
            let mut marks = Marks::with_room_for(keys as usize);
            assert!((0..2 * u64::from(keys)).all(|number| marks.mark(key(number))));
            assert!((0..2 * u64::from(keys)).all(|number| marks.may_hold(key(number))));
            let others =
                (1 << 40..(1 << 40) + 10_000).filter(|number| marks.may_hold(key(*number)));
            assert!(others.count() <= 10_000 / 16 + 100, "{keys}");
        }
    }

    #[test]
    fn without_room_nothing_is_marked() {
        let mut none = Marks::default();
        assert!(!none.mark(0) && !none.may_hold(0) && !none.may_hold(u64::MAX));
        let mut marks = Marks::with_room_for(1);
        let marked = (0..1000)
            .take_while(|number| marks.mark(key(*number)))
            .count();
        assert_eq!(marked, 4, "of one word, 16 bits each");
        assert!(!(0..4).all(|_| marks.mark(key(1000))));
    }
}
