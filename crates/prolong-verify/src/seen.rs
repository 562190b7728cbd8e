//! A bounded cache of verified tokens: the second sight of a token costs a keyed hash and a look-up.
//!
//! 1. The key is a 128-bit hash over the whole token under a secret: GMAC (AES-256-GCM over no text, with the token as
//!    associated data and a fixed nonce), used as a universal hash. Two tokens of n blocks collide with probability at
//!    most n / 2^128; that holds as long as no output is ever shown, and none leaves this file.
//! 2. An entry holds the signature's result and the parsed claims, nothing that depends on time, expectation or feed.
//! 3. On every sight: key still present, algorithm, `typ`, `iss`, `aud`, times, revocation.
//! 4. Refusals are not remembered: a flood of bad tokens displaces nothing.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use quick_cache::{UnitWeighter, sync::Cache};

use crate::{
    claims::Claims,
    expected::Expected,
    keys::Keys,
    rejection::Rejection,
    revoked::{Revoked, Subjects},
    token::{Authentic, MAX_TOKEN_BYTES},
    uniform_hash::BuildUniform,
    verify::judge,
};

/// Verified tokens, remembered.
pub struct SeenTokens {
    hash: Option<LessSafeKey>,
    cache: Cache<u128, (Authentic, Subjects), UnitWeighter, BuildUniform>,
}

impl SeenTokens {
    /// Remembers about `capacity` tokens. `secret` is drawn at random at start and never stored.
    #[must_use]
    pub fn new(capacity: usize, secret: &[u8; 32]) -> Self {
        Self {
            hash: UnboundKey::new(&AES_256_GCM, secret)
                .ok()
                .map(LessSafeKey::new),
            cache: Cache::with(
                capacity,
                capacity as u64,
                UnitWeighter,
                BuildUniform,
                quick_cache::sync::DefaultLifecycle::default(),
            ),
        }
    }

    /// [`crate::verify()`], with memory. The answer is the same.
    ///
    /// # Errors
    /// As [`crate::verify()`].
    pub fn verify(
        &self,
        token: &str,
        keys: &Keys,
        expected: &Expected,
        revoked: &Revoked,
        now: i64,
    ) -> Result<Claims, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLarge);
        }
        let Some(fingerprint) = self.fingerprint(token) else {
            return crate::verify::verify(token, keys, expected, revoked, now);
        };
        if let Some((authentic, subjects)) = self.cache.get(&fingerprint) {
            authentic.recheck(keys, expected)?;
            return judge(&authentic, Some(&subjects), expected, revoked, now);
        }
        let authentic = Authentic::read(token, keys, expected)?;
        let subjects = revoked.subjects(authentic.key.kid(), &authentic.body);
        let claims = judge(&authentic, Some(&subjects), expected, revoked, now)?;
        self.cache.insert(fingerprint, (authentic, subjects));
        Ok(claims)
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }

    fn fingerprint(&self, token: &str) -> Option<u128> {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = self
            .hash
            .as_ref()?
            .seal_in_place_separate_tag(nonce, Aad::from(token.as_bytes()), &mut [])
            .ok()?;
        tag.as_ref().try_into().ok().map(u128::from_le_bytes)
    }
}

impl fmt::Debug for SeenTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenTokens")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
