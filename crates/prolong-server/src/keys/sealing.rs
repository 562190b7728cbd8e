//! Private signing keys at rest: AES-256-GCM under a key that is derived from a master key.
//!
//! `master id:u8 | nonce:12 | ciphertext | tag:16`; the `kid` is authenticated with it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use prolong_core::KeyId;
use zeroize::Zeroizing;

use super::MasterKeys;
use crate::entropy::{Entropy, draw};

/// The keys that seal, newest first.
pub(super) struct Sealing(Vec<(KeyId, LessSafeKey)>);

impl Sealing {
    pub(super) fn derive(master: &MasterKeys) -> Self {
        let keys = master
            .derive("prolong/seal/v1")
            .into_iter()
            .filter_map(|(id, key)| {
                Some((
                    id,
                    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).ok()?),
                ))
            });
        Self(keys.collect())
    }

    /// Seals under the newest key. `None` only if there is no key.
    pub(super) fn seal(&self, kid: &str, private: &[u8], entropy: &dyn Entropy) -> Option<Vec<u8>> {
        let (id, key) = self.0.first()?;
        let nonce = draw::<12>(entropy);
        // Room for the tag from the start: growing would leave the plain key in freed memory.
        let mut body = Zeroizing::new(Vec::with_capacity(private.len() + AES_256_GCM.tag_len()));
        body.extend_from_slice(private);
        let nonce_once = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce_once, Aad::from(kid.as_bytes()), &mut *body)
            .ok()?;
        let mut sealed = vec![id.0];
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        Some(sealed)
    }

    /// Opens what any key of the list has sealed for this `kid`.
    pub(super) fn open(&self, kid: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (id, rest) = sealed.split_first()?;
        let (_, key) = self.0.iter().find(|(known, _)| known.0 == *id)?;
        let (nonce, body) = rest.split_at_checked(12)?;
        let mut body = Zeroizing::new(body.to_vec());
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let length = key
            .open_in_place(nonce, Aad::from(kid.as_bytes()), &mut body)
            .ok()?
            .len();
        body.truncate(length);
        Some(body)
    }

    /// Whether something was sealed under an older key than the newest.
    pub(super) fn is_stale(&self, sealed: &[u8]) -> bool {
        self.0.first().map(|(id, _)| id.0) != sealed.first().copied()
    }
}
