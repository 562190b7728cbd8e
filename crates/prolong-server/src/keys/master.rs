//! The master keys: a list, newest first, from a file or the environment; never in the database.

use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::KeyId;
use zeroize::{Zeroize as _, Zeroizing};

use crate::entropy::{Entropy, draw};

/// The master keys. What is derived from them authenticates refresh tokens and seals signing keys.
pub struct MasterKeys(Vec<MasterKey>);

struct MasterKey {
    id: KeyId,
    bytes: Zeroizing<[u8; 32]>,
}

/// Why a list of master keys was refused. Says where, never what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// There is no key at all.
    #[error("there is no master key; write one line `<id> <base64url of 32 bytes>`")]
    Empty,
    /// A line is not an id and a key.
    #[error("line {0} of the master keys is not `<id 0-255> <base64url of 32 bytes>`")]
    Malformed(usize),
    /// Ids must fall: the newest key comes first and has the highest id.
    #[error(
        "line {0} of the master keys: ids must be unique and fall from line to line, newest first"
    )]
    NotFalling(usize),
}

impl MasterKeys {
    /// Reads lines `<id> <base64url of 32 bytes>`, newest first; `#` begins a comment.
    ///
    /// # Errors
    /// [`KeyFault`] names the line.
    pub fn parse(text: &str) -> Result<Self, KeyFault> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let malformed = || KeyFault::Malformed(index + 1);
            let (id, key) = line.split_once(char::is_whitespace).ok_or_else(malformed)?;
            let id = KeyId(id.parse().map_err(|_| malformed())?);
            let mut decoded = URL_SAFE_NO_PAD
                .decode(key.trim())
                .map_err(|_| malformed())?;
            let bytes: [u8; 32] = decoded.as_slice().try_into().map_err(|_| malformed())?;
            decoded.zeroize();
            if keys.last().is_some_and(|newer| newer.id <= id) {
                return Err(KeyFault::NotFalling(index + 1));
            }
            keys.push(MasterKey {
                id,
                bytes: Zeroizing::new(bytes),
            });
        }
        if keys.is_empty() {
            Err(KeyFault::Empty)
        } else {
            Ok(Self(keys))
        }
    }

    /// A line with a fresh key, to be put first.
    #[must_use]
    pub fn generate_line(id: KeyId, entropy: &dyn Entropy) -> Zeroizing<String> {
        let bytes = Zeroizing::new(draw::<32>(entropy));
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
        Zeroizing::new(format!("{} {}", id.0, *encoded))
    }

    /// The id of the newest key.
    #[must_use]
    pub fn newest(&self) -> KeyId {
        self.0.first().map_or(KeyId(0), |key| key.id)
    }

    /// The ids, newest first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|key| key.id)
    }

    /// By what a key is known again: 64 bits that say nothing of the key, in hexadecimal.
    pub(super) fn fingerprints(&self) -> Vec<(KeyId, String)> {
        self.derive("prolong/fingerprint/v1")
            .into_iter()
            .map(|(id, bytes)| {
                (
                    id,
                    bytes.iter().take(8).map(|b| format!("{b:02x}")).collect(),
                )
            })
            .collect()
    }

    /// A 256-bit key for one purpose from each master key (HKDF-SHA-256, no salt), newest first.
    pub(super) fn derive(&self, purpose: &'static str) -> Vec<(KeyId, Zeroizing<[u8; 32]>)> {
        self.0
            .iter()
            .filter_map(|key| Some((key.id, expand(&key.bytes, purpose)?)))
            .collect()
    }
}

/// `None` only if the library fails, which 32 bytes give it no reason to. Never a key that is not derived.
fn expand(key: &[u8; 32], purpose: &'static str) -> Option<Zeroizing<[u8; 32]>> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(key);
    let mut derived = Zeroizing::new([0; 32]);
    extracted
        .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|material| material.fill(&mut *derived))
        .ok()?;
    Some(derived)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    fn fault(text: &str) -> Option<KeyFault> {
        MasterKeys::parse(text).err()
    }

    #[test]
    fn newest_comes_first() {
        let keys = MasterKeys::parse(&format!("# mine\n2 {KEY}\n\n1 {KEY} # old\n")).unwrap();
        assert_eq!(keys.newest(), KeyId(2));
        assert_eq!(keys.derive("x").len(), 2);
    }

    #[test]
    fn faults_name_their_line() {
        assert_eq!(fault("# nothing\n"), Some(KeyFault::Empty));
        assert_eq!(
            fault(&format!("1 {KEY}\n2 {KEY}")),
            Some(KeyFault::NotFalling(2))
        );
        assert_eq!(
            fault(&format!("1 {KEY}\n1 {KEY}")),
            Some(KeyFault::NotFalling(2))
        );
        assert_eq!(fault("1 AAEC"), Some(KeyFault::Malformed(1)));
        assert_eq!(fault(&format!("256 {KEY}")), Some(KeyFault::Malformed(1)));
        assert_eq!(fault(KEY), Some(KeyFault::Malformed(1)));
    }

    #[test]
    fn a_generated_key_is_what_the_entropy_gave() {
        struct Sevens;
        impl Entropy for Sevens {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(7);
            }
        }
        let line = MasterKeys::generate_line(KeyId(9), &Sevens);
        assert_eq!(
            *line,
            format!("9 {}", URL_SAFE_NO_PAD.encode([7; 32])),
            "an id and 32 bytes that were drawn"
        );
        assert_eq!(MasterKeys::parse(&line).unwrap().newest(), KeyId(9));
    }

    #[test]
    fn purposes_give_different_keys() {
        let keys = MasterKeys::parse(&format!("1 {KEY}")).unwrap();
        assert_ne!(*keys.derive("a")[0].1, *keys.derive("b")[0].1);
        assert_ne!(*keys.derive("a")[0].1, [0; 32]);
    }
}
