//! One remembered token as eight words. What does not fit is not remembered.

use super::kind::Kind;
use crate::{
    facts::{Facts, SaltedKey},
    fingerprint::Fingerprint,
};

pub(super) const WORDS: usize = 8;

/// What is a token's own; the rest is its [`Kind`]'s.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) fingerprint: Fingerprint,
    /// Its number among the kinds.
    pub(super) kind: u16,
    pub(super) user: SaltedKey,
    pub(super) session: SaltedKey,
    issued_at: i64,
    /// Seconds from `iat` to `exp`.
    life: u32,
    /// Seconds from `auth_time` to `iat`.
    signed_in_for: u32,
    version: u32,
    generation: u32,
}

impl Record {
    pub(super) fn new(
        fingerprint: Fingerprint,
        facts: &Facts,
        user: SaltedKey,
        session: Option<SaltedKey>,
    ) -> Option<Self> {
        let seconds = |from: i64, to: i64| u32::try_from(to.checked_sub(from)?).ok();
        let in_reach =
            |date: Option<i64>| date.is_none_or(|date| date.checked_sub(facts.iat).is_some());
        if !in_reach(facts.nbf) || !in_reach(facts.softexp) {
            return None;
        }
        let number = |number: Option<u64>| u32::try_from(number.unwrap_or_default()).ok();
        Some(Self {
            fingerprint,
            kind: 0,
            user,
            session: session.unwrap_or_default(),
            issued_at: facts.iat,
            life: seconds(facts.iat, facts.exp)?,
            signed_in_for: seconds(facts.auth_time.unwrap_or(facts.iat), facts.iat)?,
            version: number(facts.jwt_version)?,
            generation: number(facts.generation)?,
        })
    }

    pub(super) const fn of_kind(mut self, kind: u16) -> Self {
        self.kind = kind;
        self
    }

    /// The facts that it was made of.
    pub(super) fn facts(&self, kind: &Kind) -> Facts {
        let has = &kind.has;
        Facts {
            exp: self.expires_at(),
            iat: self.issued_at,
            nbf: kind.nbf_after.map(|after| self.issued_at + after),
            softexp: kind.softexp_after.map(|after| self.issued_at + after),
            auth_time: has
                .auth_time
                .then(|| self.issued_at - i64::from(self.signed_in_for)),
            jwt_version: has.jwt_version.then(|| self.version.into()),
            generation: has.generation.then(|| self.generation.into()),
        }
    }

    pub(super) fn expires_at(&self) -> i64 {
        self.issued_at + i64::from(self.life)
    }

    /// The lower half of the first word is left free.
    pub(super) const fn to_words(self) -> [u64; WORDS] {
        let Fingerprint {
            hash: [first, second],
            length,
        } = self.fingerprint;
        [
            (self.kind as u64) << 32 | (length as u64) << 48,
            first,
            second,
            self.user,
            self.session,
            self.issued_at.cast_unsigned(),
            joined(self.life, self.signed_in_for),
            joined(self.version, self.generation),
        ]
    }

    pub(super) fn from_words(words: [u64; WORDS]) -> Self {
        let [
            head,
            first,
            second,
            user,
            session,
            issued_at,
            times,
            numbers,
        ] = words;
        let [.., a, b, c, d] = head.to_le_bytes();
        let [life, signed_in_for] = parted(times);
        let [version, generation] = parted(numbers);
        Self {
            fingerprint: Fingerprint {
                hash: [first, second],
                length: u16::from_le_bytes([c, d]),
            },
            kind: u16::from_le_bytes([a, b]),
            user,
            session,
            issued_at: issued_at.cast_signed(),
            life,
            signed_in_for,
            version,
            generation,
        }
    }
}

const fn joined(low: u32, high: u32) -> u64 {
    low as u64 | (high as u64) << 32
}

fn parted(word: u64) -> [u32; 2] {
    [word & u64::from(u32::MAX), word >> 32].map(|half| u32::try_from(half).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: Facts = Facts {
        exp: 1_795_436_100,
        iat: 1_795_435_200,
        nbf: None,
        auth_time: Some(1_795_430_000),
        softexp: None,
        jwt_version: Some(3),
        generation: Some(4),
    };
    const FINGERPRINT: Fingerprint = Fingerprint {
        hash: [0x0102_0304_0506_0708, 0x1112_1314_1516_1718],
        length: 8192,
    };

    fn record(facts: &Facts) -> Option<Record> {
        Record::new(
            FINGERPRINT,
            facts,
            0x4142_4344_4546_4748,
            Some(0x5152_5354_5556_5758),
        )
    }

    #[test]
    fn every_field_survives_and_half_a_word_is_free() {
        let record = record(&FACTS).unwrap().of_kind(0x2122);
        let mut words = record.to_words();
        assert_eq!(words[0] & u64::from(u32::MAX), 0);
        words[0] |= 0x3132_3334;
        assert!(Record::from_words(words) == record);
        let mut seen: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        seen.retain(|byte| *byte != 0);
        assert!(seen.len() > 40, "the test's fields are not empty");
        for place in 4..64 {
            let mut bytes = [0; 64];
            for (at, byte) in words.iter().flat_map(|word| word.to_le_bytes()).enumerate() {
                bytes[at] = byte;
            }
            bytes[place] ^= 1;
            let words = std::array::from_fn(|at| {
                bytes[at * 8..][..8]
                    .try_into()
                    .map(u64::from_le_bytes)
                    .unwrap()
            });
            assert!(
                Record::from_words(words) != record,
                "byte {place} has no meaning"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_not_remembered() {
        let with = |change: fn(&mut Facts)| {
            let mut facts = FACTS;
            change(&mut facts);
            record(&facts).is_some()
        };
        assert!(with(|facts| facts.exp = facts.iat + i64::from(u32::MAX)));
        assert!(!with(
            |facts| facts.exp = facts.iat + i64::from(u32::MAX) + 1
        ));
        assert!(
            !with(|facts| facts.exp = facts.iat - 1),
            "over before it began"
        );
        assert!(!with(|facts| facts.exp = i64::MAX));
        assert!(!with(|facts| facts.iat = i64::MIN));
        assert!(with(|facts| facts.auth_time = None));
        assert!(
            !with(|facts| facts.auth_time = Some(facts.iat + 1)),
            "not yet"
        );
        assert!(!with(|facts| facts.auth_time = Some(i64::MIN)));
        assert!(with(|facts| facts.jwt_version = Some(u64::from(u32::MAX))));
        assert!(!with(|facts| facts.jwt_version = Some(1 << 32)));
        assert!(!with(|facts| facts.generation = Some(u64::MAX)));
        assert!(with(|facts| facts.nbf = Some(0)));
        assert!(!with(|facts| {
            facts.iat = -2;
            facts.exp = 0;
            facts.auth_time = None;
            facts.nbf = Some(i64::MAX);
        }));
        assert!(!with(|facts| {
            facts.iat = -2;
            facts.exp = 0;
            facts.auth_time = None;
            facts.softexp = Some(i64::MAX);
        }));
    }
}
