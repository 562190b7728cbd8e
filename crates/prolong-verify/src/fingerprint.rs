//! A keyed hash of a token: NH (UMAC, RFC 4418 §5.2) with words of 64 bits, twice, the second time with the key moved on
//! by two words.
//!
//! Two different tokens of one length agree in one pass with probability at most 2^-64 over the choice of the key, and in
//! both with at most 2^-128 (Black, Halevi, Krawczyk, Krovetz, Rogaway: UMAC, CRYPTO '99, theorems 1 and 2); tokens of
//! different lengths never agree, since the length is kept beside. That holds against anyone who has not seen outputs,
//! and none leaves this crate. It is much cheaper than a MAC, since it need not hide the key from those who see outputs.

use std::hash::{Hash, Hasher};

use aws_lc_rs::digest::{Context, SHA256};

use crate::token::MAX_TOKEN_BYTES;

const BLOCK_BYTES: usize = 16;
const KEY_WORDS: usize = MAX_TOKEN_BYTES / 8 + 2;
const WORDS_PER_DIGEST: usize = 4;

/// What a token is remembered by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    passes: [u128; 2],
    length: usize,
}

/// The key.
pub(crate) struct Fingerprints(Box<[u64]>);

impl Fingerprints {
    /// The secret is stretched by SHA-256 with a counter.
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        let digests = (0..KEY_WORDS.div_ceil(WORDS_PER_DIGEST)).map(|counter| {
            let mut hash = Context::new(&SHA256);
            hash.update(secret);
            hash.update(&(counter as u64).to_le_bytes());
            hash.finish()
        });
        let words = digests.flat_map(|digest| {
            let words: Vec<u64> = digest.as_ref().chunks_exact(8).map(word).collect();
            words
        });
        Self(words.take(KEY_WORDS).collect())
    }

    /// The fingerprint of at most [`MAX_TOKEN_BYTES`].
    pub(crate) fn of(&self, token: &[u8]) -> Fingerprint {
        debug_assert!(
            token.len() <= MAX_TOKEN_BYTES,
            "longer tokens are refused before"
        );
        let mut passes = [0; 2];
        let mut key = self.0.windows(4).step_by(2);
        let blocks = token.chunks_exact(BLOCK_BYTES);
        let rest = blocks.remainder();
        for (block, key) in blocks.zip(&mut key) {
            add(&mut passes, block, key);
        }
        if let (false, Some(key)) = (rest.is_empty(), key.next()) {
            let mut last = [0; BLOCK_BYTES];
            last[..rest.len()].copy_from_slice(rest);
            add(&mut passes, &last, key);
        }
        Fingerprint {
            passes,
            length: token.len(),
        }
    }
}

/// `key` has four words: two for each pass.
#[inline]
fn add(passes: &mut [u128; 2], block: &[u8], key: &[u64]) {
    let (first, second) = (word(&block[..8]), word(&block[8..]));
    let product = |one: u64, two: u64| {
        u128::from(first.wrapping_add(one)) * u128::from(second.wrapping_add(two))
    };
    passes[0] = passes[0].wrapping_add(product(key[0], key[1]));
    passes[1] = passes[1].wrapping_add(product(key[2], key[3]));
}

#[inline]
fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map(u64::from_le_bytes).unwrap_or_default()
}

impl Hash for Fingerprint {
    /// For the place in a table; equality decides.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = [0, 64].map(|shift| {
            u64::try_from(self.passes[0] >> shift & u128::from(u64::MAX)).unwrap_or_default()
        });
        let mixed = (low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        state.write_u64(mixed ^ mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_the_length_and_the_secret_count() {
        let fingerprints = Fingerprints::new(&[1; 32]);
        for length in [1, 15, 16, 17, 500, MAX_TOKEN_BYTES] {
            let token = vec![b'a'; length];
            let whole = fingerprints.of(&token);
            assert!(whole == fingerprints.of(&token));
            assert!(whole != Fingerprints::new(&[2; 32]).of(&token));
            assert!(whole != fingerprints.of(&token[1..]));
            for place in 0..length {
                let mut other = token.clone();
                other[place] ^= 1;
                let other = fingerprints.of(&other);
                assert!(whole.passes[0] != other.passes[0], "{place} of {length}");
                assert!(whole.passes[1] != other.passes[1], "{place} of {length}");
            }
        }
        assert!(fingerprints.of(b"a\0") != fingerprints.of(b"a"));
    }

    #[test]
    fn nh_is_the_sum_of_products() {
        let key: Vec<u64> = (1..=6).collect();
        let fingerprints = Fingerprints(key.into());
        let token: Vec<u8> = [10_u64, 20, 30, 40]
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        let fingerprint = fingerprints.of(&token);
        assert_eq!(fingerprint.passes[0], 11 * 22 + 33 * 44);
        assert_eq!(fingerprint.passes[1], 13 * 24 + 35 * 46);
    }
}
