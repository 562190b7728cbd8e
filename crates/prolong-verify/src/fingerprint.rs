//! A keyed hash of a token, of 128 bits: by it a token is known again without keeping it. Why this one: decision 0022.
//!
//! 1. NH (UMAC, RFC 4418 §5.2) over words of 64 bits, twice, the second time with the key moved on by two words. Two tokens
//!    of one length agree in both with probability at most 2^-128 over the choice of the key (Black, Halevi, Krawczyk,
//!    Krovetz, Rogaway: UMAC, CRYPTO '99, theorems 1 and 2). Where the last part has less than 16 bytes, the last 16 bytes
//!    are taken, some of them once more; of a token under 16 bytes, zeros fill it up. Among tokens of one length, neither
//!    is an ambiguity.
//! 2. Its four words are brought to 128 bits by two independent multilinear hashes (Lemire, Kaser: Strongly universal string
//!    hashing is fast, 2014, theorem 3.1), each of which lets two different inputs agree with probability 2^-64.
//! 3. The length is kept beside: tokens of different lengths never agree.
//!
//! Together: two different tokens agree with probability at most 2^-127, whoever chose them, if the choice does not depend on
//! the key. None leaves this crate, and the places in a table, which timing might tell something of, depend only on 2.

use aws_lc_rs::digest::{Context, SHA256};

use crate::token::MAX_TOKEN_BYTES;

const BLOCK_BYTES: usize = 16;
/// Two words for each block, and two more for the second pass.
const NH_PAIRS: usize = MAX_TOKEN_BYTES / BLOCK_BYTES + 1;
const HALVES: usize = 2;
/// A constant and a factor for each of the four words.
const TERMS: usize = 5;
const DIGEST_PAIRS: usize = 2;

type Pair = [u64; 2];

/// What a token is known by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) hash: [u64; HALVES],
    pub(crate) length: u16,
}

/// The key.
pub(crate) struct Fingerprints {
    nh: Box<[Pair]>,
    halves: [[u128; TERMS]; HALVES],
}

impl Fingerprints {
    /// The secret is stretched by SHA-256 with a counter.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let mut pairs = (0_u64..).flat_map(|counter| stretched(secret, counter));
        let halves = [(); HALVES].map(|()| {
            let mut terms = [0; TERMS];
            for (term, pair) in terms.iter_mut().zip(&mut pairs) {
                *term = wide(pair);
            }
            terms
        });
        Self {
            nh: pairs.take(NH_PAIRS).collect(),
            halves,
        }
    }

    /// `None`: the token is over [`MAX_TOKEN_BYTES`].
    pub(crate) fn of(&self, token: &[u8]) -> Option<Fingerprint> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let passes = self.nh(token);
        Some(Fingerprint {
            hash: self.halves.map(|terms| multilinear(terms, passes)),
            length: u16::try_from(token.len()).ok()?,
        })
    }

    /// The key is walked along with the blocks, and one pair of it stays at hand for the next block.
    #[inline]
    fn nh(&self, token: &[u8]) -> [u128; 2] {
        let (blocks, rest) = token.as_chunks();
        let mut passes = [0; 2];
        let Some((mut key, keys)) = self.nh.split_first() else {
            return passes;
        };
        for (block, next) in blocks.iter().zip(keys) {
            add(&mut passes, block, (key, next));
            key = next;
        }
        if let (false, Some(next)) = (rest.is_empty(), keys.get(blocks.len())) {
            if let Some(last) = token.last_chunk() {
                add(&mut passes, last, (key, next));
            } else {
                let mut padded = [0; BLOCK_BYTES];
                padded[..rest.len()].copy_from_slice(rest);
                add(&mut passes, &padded, (key, next));
            }
        }
        passes
    }
}

/// One block into both passes.
#[inline]
fn add(passes: &mut [u128; 2], block: &[u8; BLOCK_BYTES], keys: (&Pair, &Pair)) {
    let [first, second] = words(u128::from_le_bytes(*block));
    let product = |[one, two]: &Pair| {
        u128::from(first.wrapping_add(*one)) * u128::from(second.wrapping_add(*two))
    };
    passes[0] = passes[0].wrapping_add(product(keys.0));
    passes[1] = passes[1].wrapping_add(product(keys.1));
}

/// The upper half of `c + Σ aᵢ·xᵢ` modulo 2^128.
#[inline]
fn multilinear([constant, a, b, c, d]: [u128; TERMS], passes: [u128; 2]) -> u64 {
    let ([first, second], [third, fourth]) = (words(passes[0]), words(passes[1]));
    let sum = constant
        .wrapping_add(a.wrapping_mul(first.into()))
        .wrapping_add(b.wrapping_mul(second.into()))
        .wrapping_add(c.wrapping_mul(third.into()))
        .wrapping_add(d.wrapping_mul(fourth.into()));
    words(sum)[1]
}

fn stretched(secret: &[u8; 32], counter: u64) -> [Pair; DIGEST_PAIRS] {
    let mut hash = Context::new(&SHA256);
    hash.update(secret);
    hash.update(&counter.to_le_bytes());
    let digest = hash.finish();
    let mut pairs = [[0; 2]; DIGEST_PAIRS];
    for (pair, bytes) in pairs.iter_mut().zip(digest.as_ref().as_chunks().0) {
        *pair = words(u128::from_le_bytes(*bytes));
    }
    pairs
}

const fn wide([low, high]: Pair) -> u128 {
    low as u128 | (high as u128) << 64
}

/// Low and high half.
#[inline]
fn words(both: u128) -> Pair {
    [both & u128::from(u64::MAX), both >> 64].map(|half| u64::try_from(half).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fingerprints: &Fingerprints, token: &[u8]) -> Fingerprint {
        fingerprints.of(token).unwrap()
    }

    #[test]
    fn every_byte_the_length_and_the_secret_count() {
        let fingerprints = Fingerprints::new(&[1; 32]);
        for length in [1, 15, 16, 17, 500, MAX_TOKEN_BYTES] {
            let token = vec![b'a'; length];
            let whole = of(&fingerprints, &token);
            let passes = fingerprints.nh(&token);
            assert!(whole == of(&fingerprints, &token));
            assert!(whole.hash[0] != whole.hash[1]);
            let otherwise_keyed = of(&Fingerprints::new(&[2; 32]), &token);
            assert!(whole.hash[0] != otherwise_keyed.hash[0]);
            assert!(whole.hash[1] != otherwise_keyed.hash[1]);
            for place in 0..length {
                let mut other = token.clone();
                other[place] ^= 1;
                let changed = fingerprints.nh(&other);
                assert!(passes[0] != changed[0], "{place} of {length}");
                assert!(passes[1] != changed[1], "{place} of {length}");
                let other = of(&fingerprints, &other);
                assert!(whole.hash[0] != other.hash[0], "{place} of {length}");
                assert!(whole.hash[1] != other.hash[1], "{place} of {length}");
            }
        }
        assert!(fingerprints.of(&[b'a'; MAX_TOKEN_BYTES + 1]).is_none());
    }

    /// NH alone cannot tell these apart: only the length does.
    #[test]
    fn what_is_filled_up_is_no_ambiguity() {
        let fingerprints = Fingerprints::new(&[1; 32]);
        let (short, long) = (of(&fingerprints, b"a"), of(&fingerprints, b"a\0"));
        assert!(short.hash == long.hash && short != long);
        // Nor is a last part that is taken together with what stands before it.
        for length in 17..33 {
            let passes = |token: &[u8]| fingerprints.nh(token);
            let whole: Vec<u8> = (0..length).collect();
            let last = &whole[whole.len() - BLOCK_BYTES..];
            let written_out = [&whole[..BLOCK_BYTES], last].concat();
            assert_eq!(passes(&whole), passes(&written_out));
            assert!(of(&fingerprints, &whole) != of(&fingerprints, &written_out) || length == 32);
        }
    }

    /// Places must not be exchangeable, nor may parts that are equal cancel out.
    #[test]
    fn the_place_of_every_word_counts_in_each_pass() {
        let fingerprints = Fingerprints::new(&[1; 32]);
        let token: Vec<u8> = (0_u8..128).collect();
        let passes = fingerprints.nh(&token);
        for one in 0..16 {
            for two in 0..one {
                let mut other = token.clone();
                for byte in 0..8 {
                    other.swap(one * 8 + byte, two * 8 + byte);
                }
                let other = fingerprints.nh(&other);
                assert!(
                    passes[0] != other[0] && passes[1] != other[1],
                    "{one} {two}"
                );
            }
        }
    }

    #[test]
    fn nh_is_the_sum_of_products() {
        let fingerprints = Fingerprints {
            nh: [[1, 2], [3, 4], [5, 6]].into(),
            halves: [[0; TERMS]; HALVES],
        };
        let token: Vec<u8> = [10_u64, 20, 30, 40]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let passes = fingerprints.nh(&token);
        assert_eq!(passes, [11 * 22 + 33 * 44, 13 * 24 + 35 * 46]);
        let carried = Fingerprints {
            nh: [[u64::MAX - 10, u64::MAX - 20]; 3].into(),
            halves: [[0; TERMS]; HALVES],
        };
        let top = u128::from(u64::MAX - 1);
        let token: Vec<u8> = [9_u64, 19, 9, 19]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        assert_eq!(carried.nh(&token)[0], (top * top).wrapping_mul(2));
    }

    #[test]
    fn the_last_stage_is_the_upper_half_of_a_sum() {
        let terms = [7 << 60, 1 << 64, 3 << 64, 5 << 32, u128::MAX];
        let passes = [wide([11, 13]), wide([1 << 40, 2])];
        let sum = (7_u128 << 60) + (11 << 64) + (39 << 64) + (5 << 72);
        let sum = sum.wrapping_sub(2);
        assert_eq!(
            multilinear(terms, passes),
            u64::try_from(sum >> 64).unwrap()
        );
        // Multiplied by 2^64, the lower half would vanish: every word must reach the upper one.
        for place in 0..4 {
            let mut words = [1_u64, 1, 1, 1];
            let passes = |words: [u64; 4]| [wide([words[0], words[1]]), wide([words[2], words[3]])];
            let terms = [0, 1 << 64, 2 << 64, 4 << 64, 8 << 64];
            let before = multilinear(terms, passes(words));
            words[place] = 2;
            assert_eq!(multilinear(terms, passes(words)) - before, 1 << place);
        }
    }

    #[test]
    fn no_part_of_the_key_is_used_twice() {
        let Fingerprints { nh, halves } = Fingerprints::new(&[1; 32]);
        let pairs = halves.iter().flatten().map(|term| words(*term));
        let mut all: Vec<u64> = pairs.chain(nh.iter().copied()).flatten().collect();
        assert_eq!(all.len(), 2 * (HALVES * TERMS + NH_PAIRS));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 2 * (HALVES * TERMS + NH_PAIRS));
    }
}
