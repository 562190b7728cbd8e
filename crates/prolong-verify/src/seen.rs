//! A bounded cache of verified tokens: the second sight of a token costs a keyed hash and a look-up.
//!
//! 1. The key is a 128-bit universal hash over the whole token under a secret; see `fingerprint`.
//! 2. An entry holds the signature's result and the parsed claims, nothing that depends on time, expectation or feed.
//! 3. On every sight: key still present, algorithm, `typ`, `iss`, `aud`, times, revocation.
//! 4. Refusals are not remembered: a flood of bad tokens displaces nothing.

use std::{fmt, sync::Arc};

use quick_cache::{UnitWeighter, sync::Cache};

use crate::{
    claims::Claims,
    expected::Expected,
    fingerprint::{Fingerprint, Fingerprints},
    keys::Keys,
    rejection::Rejection,
    revoked::Revoked,
    token::{Authentic, MAX_TOKEN_BYTES},
    uniform_hash::BuildUniform,
    verify::judge,
};

/// Verified tokens, remembered.
pub struct SeenTokens {
    fingerprints: Fingerprints,
    cache: Cache<Fingerprint, Arc<Authentic>, UnitWeighter, BuildUniform>,
}

impl SeenTokens {
    /// Remembers about `capacity` tokens. `secret` is drawn at random at start and never stored.
    #[must_use]
    pub fn new(capacity: usize, secret: &[u8; 32]) -> Self {
        Self {
            fingerprints: Fingerprints::new(secret),
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
        let fingerprint = self.fingerprints.of(token.as_bytes());
        if let Some(authentic) = self.cache.get(&fingerprint) {
            authentic
                .recheck(keys, expected)
                .map_err(|rejection| Authentic::without_key(token, rejection, revoked))?;
            return judge(authentic, expected, revoked, now);
        }
        let authentic = Authentic::read(token, keys, expected)
            .map_err(|rejection| Authentic::without_key(token, rejection, revoked))?;
        let authentic = Arc::new(authentic.remembering(revoked));
        let claims = judge(Arc::clone(&authentic), expected, revoked, now)?;
        self.cache.insert(fingerprint, authentic);
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
}

impl fmt::Debug for SeenTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenTokens")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
