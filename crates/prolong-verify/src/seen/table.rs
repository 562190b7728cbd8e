//! The table of remembered tokens: read without a lock, written by one at a time.
//!
//! 1. A slot is one cache line, under a sequence number: who reads it while it is written finds nothing, and the token is
//!    verified anew. A sequence number that is odd, or has moved, says so (a seqlock of atomic words).
//! 2. A slot holds the whole fingerprint of its token. Nothing else says that it is this token's.
//! 3. A token has two sets of 8 slots, and is in the first one if there is room: nine of ten are found with one look at the
//!    tags. If both are full, one that is there moves to the other set that it may be in; if none can, the one that expires
//!    first gives way.

use std::{
    array,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence},
};

use super::record::{Record, WORDS};
use crate::fingerprint::Fingerprint;

/// Slots of a set; as many as a word has bytes.
const SET: usize = 8;
/// Sets are made for so many tokens each on average, so that a place can nearly always be made.
const TOKENS_PER_SET: usize = 7;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// Whoever has it may write.
#[derive(Debug)]
pub(super) struct MayWrite(());

impl MayWrite {
    /// One for each [`super::SeenTokens`], kept under its lock.
    pub(super) const fn new() -> Self {
        Self(())
    }
}

pub(super) struct Table {
    /// A byte for each slot: 0 where it is empty, else a part of its fingerprint.
    tags: Box<[AtomicU64]>,
    slots: Box<[Slot]>,
    used: AtomicUsize,
}

#[derive(Default)]
#[repr(align(64))]
struct Slot([AtomicU64; WORDS]);

impl Table {
    /// For about so many tokens.
    pub(super) fn new(tokens: usize) -> Self {
        let sets = tokens.div_ceil(TOKENS_PER_SET).max(1);
        Self {
            tags: (0..sets).map(|_| AtomicU64::default()).collect(),
            slots: (0..sets * SET).map(|_| Slot::default()).collect(),
            used: AtomicUsize::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// For how many tokens it was made.
    pub(super) const fn room(&self) -> usize {
        self.tags.len() * TOKENS_PER_SET
    }

    #[inline]
    pub(super) fn find(&self, fingerprint: &Fingerprint) -> Option<Record> {
        let tag = tag_of(fingerprint);
        self.sets_of(fingerprint).into_iter().find_map(|set| {
            let mut places = bytes_equal(self.tags.get(set)?.load(Ordering::Relaxed), tag);
            while places != 0 {
                let slot = self.slots.get(set * SET + first_byte(places))?;
                if let Some(record) = slot.read().filter(|one| one.fingerprint == *fingerprint) {
                    return Some(record);
                }
                places &= places - 1;
            }
            None
        })
    }

    pub(super) fn insert(&self, may_write: &mut MayWrite, record: &Record) {
        if self.find(&record.fingerprint).is_some() {
            return;
        }
        let sets = self.sets_of(&record.fingerprint);
        let [first, second] = sets;
        let place = self
            .empty_in(first)
            .or_else(|| self.empty_in(second))
            .or_else(|| self.emptied_in(may_write, sets))
            .unwrap_or_else(|| self.first_to_expire_in(sets));
        self.put(may_write, place, record);
    }

    /// Whoever looks for what was here before finds it no more.
    fn put(&self, _: &mut MayWrite, (set, place): (usize, usize), record: &Record) {
        let (Some(tags), Some(slot)) = (self.tags.get(set), self.slots.get(set * SET + place))
        else {
            return;
        };
        let mut bytes = tags.load(Ordering::Relaxed).to_le_bytes();
        if bytes[place] == 0 {
            self.used.fetch_add(1, Ordering::Relaxed);
        }
        slot.write(record);
        bytes[place] = tag_of(&record.fingerprint);
        tags.store(u64::from_le_bytes(bytes), Ordering::Release);
    }

    /// With everything that is here, and more room.
    pub(super) fn grown(&self, may_write: &mut MayWrite, tokens: usize) -> Self {
        let larger = Self::new(tokens);
        for (set, tags) in self.tags.iter().enumerate() {
            let tags = tags.load(Ordering::Relaxed).to_le_bytes();
            let slots = self.slots.iter().skip(set * SET).zip(tags);
            let used = slots.filter(|(_, tag)| *tag != 0);
            for record in used.filter_map(|(slot, _)| slot.read()) {
                larger.insert(may_write, &record);
            }
        }
        larger
    }

    /// An empty slot of this set.
    fn empty_in(&self, set: usize) -> Option<(usize, usize)> {
        let tags = self.tags.get(set)?.load(Ordering::Relaxed);
        let empty = bytes_equal(tags, 0);
        (empty != 0).then(|| (set, first_byte(empty)))
    }

    /// A slot whose token has an empty one in its other set, and moves there.
    fn emptied_in(&self, may_write: &mut MayWrite, sets: [usize; 2]) -> Option<(usize, usize)> {
        places_in(sets).find_map(|(set, place)| {
            let record = self.slots.get(set * SET + place)?.read()?;
            let others = self.sets_of(&record.fingerprint);
            let other = if others[0] == set {
                others[1]
            } else {
                others[0]
            };
            let empty = self.empty_in(other)?;
            self.put(may_write, empty, &record);
            Some((set, place))
        })
    }

    fn first_to_expire_in(&self, sets: [usize; 2]) -> (usize, usize) {
        let first = places_in(sets).min_by_key(|(set, place)| {
            let record = self.slots.get(set * SET + place).and_then(Slot::read);
            record.map_or(i64::MIN, |record| record.expires_at())
        });
        first.unwrap_or_default()
    }

    /// Two sets, by the two halves of the fingerprint.
    #[inline]
    fn sets_of(&self, fingerprint: &Fingerprint) -> [usize; 2] {
        fingerprint.hash.map(|half| {
            let scaled = (u128::from(half) * self.tags.len() as u128) >> 64;
            usize::try_from(scaled).unwrap_or_default()
        })
    }
}

impl Slot {
    /// `None` while it is written.
    #[inline]
    fn read(&self) -> Option<Record> {
        self.read_while(|| ())
    }

    /// With what happens meanwhile, as a test has it.
    #[inline]
    fn read_while(&self, meanwhile: impl FnOnce()) -> Option<Record> {
        let [first, ..] = &self.0;
        let before = first.load(Ordering::Acquire);
        meanwhile();
        let mut words = array::from_fn(|at| self.0[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let after = first.load(Ordering::Relaxed);
        words[0] = before;
        (before == after && sequence(before).is_multiple_of(2)).then(|| Record::from_words(words))
    }

    fn write(&self, record: &Record) {
        let [first, rest @ ..] = &self.0;
        let sequence = sequence(first.load(Ordering::Relaxed)).wrapping_add(1);
        first.store(u64::from(sequence), Ordering::Relaxed);
        fence(Ordering::Release);
        let [word, words @ ..] = record.to_words();
        for (slot, word) in rest.iter().zip(words) {
            slot.store(word, Ordering::Relaxed);
        }
        let written = word | u64::from(sequence.wrapping_add(1));
        first.store(written, Ordering::Release);
    }
}

/// The lower half of a slot's first word.
const fn sequence(word: u64) -> u32 {
    let [a, b, c, d, ..] = word.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

const fn tag_of(fingerprint: &Fingerprint) -> u8 {
    match fingerprint.hash[0].to_le_bytes()[0] {
        0 => 1,
        tag => tag,
    }
}

/// The top bit of each byte that equals this one. Above such a byte, another may be marked that does not.
#[inline]
const fn bytes_equal(bytes: u64, one: u8) -> u64 {
    let differing = bytes ^ (EACH_BYTE * one as u64);
    differing.wrapping_sub(EACH_BYTE) & !differing & (EACH_BYTE << 7)
}

fn places_in(sets: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
    let all = |set| (0..SET).map(move |place| (set, place));
    sets.into_iter().flat_map(all)
}

const fn first_byte(marked: u64) -> usize {
    (marked.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::facts::Facts;

    const AT_FIRST: i64 = 1000;

    /// Everything in it follows from `number`.
    fn record(number: u64) -> Record {
        let hash = [1, 2].map(|factor: u64| {
            let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 << factor | 1);
            mixed ^ (mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        });
        let fingerprint = Fingerprint { hash, length: 500 };
        let iat = AT_FIRST + i64::try_from(number).unwrap();
        let facts = Facts {
            exp: iat + 900,
            iat,
            nbf: None,
            auth_time: Some(iat - 7),
            softexp: None,
            jwt_version: Some(number % 5),
            generation: Some(number),
        };
        let record = Record::new(fingerprint, &facts, number, Some(number)).unwrap();
        record.of_kind(u16::try_from(number % 1000).unwrap())
    }

    fn holds(table: &Table, number: u64) -> bool {
        let wanted = record(number);
        table.find(&wanted.fingerprint).is_some_and(|found| {
            assert!(found == wanted, "another's record");
            true
        })
    }

    fn filled(tokens: u64) -> Table {
        let table = Table::new(usize::try_from(tokens).unwrap());
        for number in 0..tokens {
            table.insert(&mut MayWrite::new(), &record(number));
        }
        table
    }

    #[test]
    fn what_it_has_room_for_is_all_there_and_nothing_else() {
        let table = filled(10_000);
        let lost = (0..10_000).filter(|number| !holds(&table, *number)).count();
        assert!(lost <= 2, "{lost} of 10,000 lost");
        assert_eq!(table.len() + lost, 10_000);
        assert!(!(10_000..20_000).any(|number| holds(&table, number)));
        let again = table.len();
        table.insert(&mut MayWrite::new(), &record(3));
        assert_eq!(table.len(), again, "once is enough");
    }

    #[test]
    fn a_record_is_a_tokens_only_by_its_whole_fingerprint() {
        let table = filled(1);
        let Fingerprint { hash, length } = record(0).fingerprint;
        let other = |hash, length| table.find(&Fingerprint { hash, length }).is_some();
        assert!(other(hash, length));
        assert!(!other(hash, length + 1) && !other(hash, length - 1));
        for bit in 0..64 {
            assert!(!other([hash[0] ^ 1 << bit, hash[1]], length), "{bit}");
            assert!(!other([hash[0], hash[1] ^ 1 << bit], length), "{bit}");
        }
    }

    #[test]
    fn the_first_to_expire_give_way() {
        let table = Table::new(70);
        for number in 0..1000 {
            table.insert(&mut MayWrite::new(), &record(number));
            assert!(holds(&table, number));
        }
        assert!((0..800).all(|number| !holds(&table, number)));
        assert!((990..1000).all(|number| holds(&table, number)));
        assert_eq!(table.len(), 80, "every slot is used, none twice");
    }

    #[test]
    fn a_larger_one_has_everything() {
        let small = filled(1000);
        let large = small.grown(&mut MayWrite::new(), 4000);
        assert!((0..1000).all(|number| holds(&large, number) == holds(&small, number)));
        assert!(large.room() >= 4000 && large.len() == small.len());
    }

    #[test]
    fn what_is_being_written_is_not_read() {
        let slot = Slot::default();
        slot.write(&record(1));
        assert!(slot.read().is_some_and(|found| found == record(1)));
        let written = slot.0[0].load(Ordering::Relaxed);
        slot.0[0].store(written + 1, Ordering::Relaxed);
        assert!(slot.read().is_none());
        slot.write(&record(2));
        assert!(slot.read().is_none_or(|found| found == record(2)));
    }

    /// Of one kind and length, so that only the sequence number tells.
    #[test]
    fn what_was_written_meanwhile_is_not_read() {
        let (before, after) = (record(1), record(1001));
        assert_eq!(before.to_words()[0], after.to_words()[0]);
        let slot = Slot::default();
        slot.write(&before);
        assert!(slot.read_while(|| slot.write(&after)).is_none());
        assert!(slot.read_while(|| ()).is_some_and(|found| found == after));
    }

    /// One set of slots, and more tokens than it holds: every slot is overwritten all the time, while others read.
    #[test]
    fn readers_never_see_half_a_record() {
        let table = Table::new(1);
        let found: usize = thread::scope(|scope| {
            let readers = [0, 1].map(|_| {
                scope.spawn(|| {
                    let looks = (0..200_000_u64).filter(|look| holds(&table, look % 40));
                    looks.count()
                })
            });
            let mut may_write = MayWrite::new();
            while readers.iter().any(|reader| !reader.is_finished()) {
                for number in 0..40 {
                    table.insert(&mut may_write, &record(number));
                }
                // What expires last would stay for ever.
                for slot in &table.slots {
                    slot.write(&record(0));
                }
            }
            readers
                .into_iter()
                .map(|reader| reader.join().unwrap())
                .sum()
        });
        assert!(found > 0);
    }

    #[test]
    fn bytes_are_found_in_a_word() {
        for bytes in [
            [0; 8],
            [1, 0, 2, 0, 0, 7, 255, 128],
            [9; 8],
            [1, 2, 3, 4, 5, 6, 7, 8],
        ] {
            for one in [0, 1, 7, 9, 128, 255] {
                let marked = bytes_equal(u64::from_le_bytes(bytes), one).to_le_bytes();
                let first = bytes.iter().position(|byte| *byte == one);
                assert_eq!(marked.iter().position(|byte| *byte != 0), first);
                for (byte, marked) in bytes.iter().zip(marked) {
                    assert!(*byte != one || marked == 128, "each is found");
                }
            }
        }
    }
}
