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

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    struct Counted(std::sync::atomic::AtomicU8);

    impl Entropy for Counted {
        fn fill(&self, bytes: &mut [u8]) {
            let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bytes.fill(next);
        }
    }

    #[test]
    fn what_is_sealed_opens_under_its_own_name_alone_and_never_looks_the_same() {
        let sealing = Sealing::derive(&MasterKeys::parse(MASTER).unwrap());
        let entropy = Counted(std::sync::atomic::AtomicU8::new(1));
        let first = sealing.seal("kid", b"private", &entropy).unwrap();
        let second = sealing.seal("kid", b"private", &entropy).unwrap();
        assert_eq!(**sealing.open("kid", &first).unwrap(), *b"private");
        assert!(
            sealing.open("another", &first).is_none(),
            "moved to another row"
        );
        assert_ne!(first[1..13], second[1..13], "a nonce is used once");
        for at in 0..first.len() {
            let mut changed = first.clone();
            changed[at] ^= 1;
            assert!(sealing.open("kid", &changed).is_none(), "byte {at}");
        }
        for length in 0..first.len() {
            assert!(sealing.open("kid", &first[..length]).is_none(), "{length}");
        }
    }
}
