//! The refresh token:
//!
//! ```text
//! plr1_ + base64url( ver:u8 | kid:u8 | sid:16 | gen:u48 | s:16 | tag:16 )
//! tag   = HMAC-SHA-256(K_rt[kid], "prolong/rt/v1" ‖ ver ‖ kid ‖ sid ‖ gen ‖ s)[..16]
//! ```
//!
//! `s` is the session secret, drawn once. The successor of a token is computed, so whoever asks again gets the same.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_core::{AttemptHash, Generation, KeyId, SecretHash, SessionId, Shard, UserKey};
use zeroize::Zeroizing;

use super::MasterKeys;
use crate::entropy::{Entropy, draw};

const PREFIX: &str = "plr1_";
const LABEL: &[u8] = b"prolong/rt/v1";
const VERSION: u8 = 1;
const SIGNED: usize = 40;
const WHOLE: usize = 56;
const LARGEST_GENERATION: u64 = (1 << 48) - 1;

/// The secret of a session: 128 random bits. Never shown, never stored; its hash is.
#[derive(Clone)]
pub struct SessionSecret(Zeroizing<[u8; 16]>);

impl SessionSecret {
    /// A fresh one.
    #[must_use]
    pub fn draw(entropy: &dyn Entropy) -> Self {
        Self(Zeroizing::new(draw(entropy)))
    }
}

/// The keys that authenticate refresh tokens, one of each master key.
pub struct RefreshKeys(Vec<(KeyId, hmac::Key)>);

/// What an authentic refresh token says.
pub struct OpenedRefreshToken {
    /// The key that signed it.
    pub key: KeyId,
    /// Its session.
    pub session: SessionId,
    /// Its generation.
    pub generation: Generation,
    /// The session secret.
    pub secret: SessionSecret,
}

impl RefreshKeys {
    /// Derives the keys.
    #[must_use]
    pub fn derive(master: &MasterKeys) -> Self {
        let keys = master.derive("prolong/rt/v1");
        Self(
            keys.into_iter()
                .map(|(id, key)| (id, hmac::Key::new(hmac::HMAC_SHA256, &*key)))
                .collect(),
        )
    }

    /// The key that rotations sign with.
    #[must_use]
    pub fn newest(&self) -> KeyId {
        self.0.first().map_or(KeyId(0), |(id, _)| *id)
    }

    /// The ids of the keys, newest first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.0.iter().map(|(id, _)| *id)
    }

    fn key(&self, id: KeyId) -> Option<&hmac::Key> {
        self.0
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, key)| key)
    }

    /// The token of a generation; `None` where the key is not in the list any more, or the generation exceeds 48 bits.
    #[must_use]
    pub fn seal(
        &self,
        session: SessionId,
        key: KeyId,
        generation: Generation,
        secret: &SessionSecret,
    ) -> Option<String> {
        if generation.0 > LARGEST_GENERATION {
            return None;
        }
        let mut bytes = Zeroizing::new([0_u8; WHOLE]);
        bytes[0] = VERSION;
        bytes[1] = key.0;
        bytes[2..18].copy_from_slice(&session.0);
        bytes[18..24].copy_from_slice(&generation.0.to_be_bytes()[2..]);
        bytes[24..SIGNED].copy_from_slice(&*secret.0);
        let tag = tag(self.key(key)?, &bytes[..SIGNED]);
        bytes[SIGNED..].copy_from_slice(&tag);
        Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes)))
    }

    /// Opens a token; `None` for everything that no key of the list has signed. Costs no query.
    #[must_use]
    pub fn open(&self, token: &str) -> Option<OpenedRefreshToken> {
        let encoded = token.strip_prefix(PREFIX)?;
        let mut bytes = Zeroizing::new([0_u8; WHOLE]);
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut *bytes).ok()?;
        if length != WHOLE || bytes[0] != VERSION {
            return None;
        }
        let key = KeyId(bytes[1]);
        let expected = tag(self.key(key)?, &bytes[..SIGNED]);
        verify_slices_are_equal(&expected, &bytes[SIGNED..]).ok()?;
        let mut generation = [0; 8];
        generation[2..].copy_from_slice(&bytes[18..24]);
        Some(OpenedRefreshToken {
            key,
            session: SessionId(bytes[2..18].try_into().ok()?),
            generation: Generation(u64::from_be_bytes(generation)),
            secret: SessionSecret(Zeroizing::new(bytes[24..SIGNED].try_into().ok()?)),
        })
    }
}

fn tag(key: &hmac::Key, signed: &[u8]) -> [u8; 16] {
    let mut context = hmac::Context::with_key(key);
    context.update(LABEL);
    context.update(signed);
    first(context.sign().as_ref())
}

/// What the store keeps of a session secret.
pub(crate) fn secret_hash(session: SessionId, secret: &SessionSecret) -> SecretHash {
    SecretHash(first(&hash(&[b"prolong/s/v1", &session.0, &*secret.0])))
}

/// What the store keeps of an attempt id: bound to the session and to the generation that was presented.
pub(crate) fn attempt_hash(
    session: SessionId,
    presented: Generation,
    attempt: &[u8; 16],
) -> AttemptHash {
    let generation = presented.0.to_be_bytes();
    AttemptHash(first(&hash(&[
        b"prolong/att/v1",
        &session.0,
        &generation[2..],
        attempt,
    ])))
}

/// The key of a user's row.
pub(crate) fn user_key(sub: &str) -> UserKey {
    UserKey(first(&hash(&[b"prolong/user/v1", sub.as_bytes()])))
}

/// Where a user's rows live: in the clear from the user's id, so that anybody who knows it can compute the shard.
pub(crate) fn shard(sub: &str) -> Shard {
    Shard::of_user(&hash(&[sub.as_bytes()]))
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    first(context.finish().as_ref())
}

fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    taken.copy_from_slice(&bytes[..N]);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> RefreshKeys {
        RefreshKeys::derive(&MasterKeys::parse(text).unwrap())
    }

    const OLD: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const BOTH: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const SESSION: SessionId = SessionId([9; 16]);

    fn secret() -> SessionSecret {
        SessionSecret(Zeroizing::new([3; 16]))
    }

    #[test]
    fn what_is_sealed_opens() {
        let keys = keys(OLD);
        let token = keys
            .seal(SESSION, KeyId(1), Generation(70_000), &secret())
            .unwrap();
        assert_eq!(token.len(), 80);
        let opened = keys.open(&token).unwrap();
        assert_eq!(
            (opened.session, opened.generation, opened.key),
            (SESSION, Generation(70_000), KeyId(1))
        );
        assert_eq!(*opened.secret.0, [3; 16]);
    }

    /// Computed apart from this program, with Python's hmac and hashlib.
    #[test]
    fn tokens_and_hashes_are_those_of_the_vectors() {
        const TOKEN: &str =
            "plr1_AQERERERERERERERERERERERAQIDBAUGIiIiIiIiIiIiIiIiIiIiIpFqnOT1_-77CCCCzgCIz18";
        let keys = keys("1 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE");
        let session = SessionId([0x11; 16]);
        let secret = SessionSecret(Zeroizing::new([0x22; 16]));
        let sealed = keys.seal(session, KeyId(1), Generation(0x0102_0304_0506), &secret);
        assert_eq!(sealed.as_deref(), Some(TOKEN));
        assert_eq!(
            keys.open(TOKEN).unwrap().generation,
            Generation(0x0102_0304_0506)
        );
        let hex = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let known = "1503198246e479631372cd190ef9a212baf0ff393aef41bb4d2db6ed6ff10c62";
        assert_eq!(hex(&secret_hash(session, &secret).0), known);
        assert_eq!(
            hex(&attempt_hash(session, Generation(7), &[0x33; 16]).0),
            "e9db801f39040fcc"
        );
        assert_eq!(
            hex(&user_key("maryo").0),
            "b0c6c4ddefba4c931a9895162da6d42e"
        );
        // SHA-256("maryo") begins with d2a3.
        assert_eq!(shard("maryo").number(), 0xd2a);
    }

    #[test]
    fn no_other_spelling_of_the_same_bytes_opens() {
        let keys = keys(OLD);
        let token = keys
            .seal(SESSION, KeyId(1), Generation(5), &secret())
            .unwrap();
        let last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let spellings = last.chars().map(|last| format!("{}{last}", &token[..79]));
        assert_eq!(
            spellings
                .filter(|spelling| keys.open(spelling).is_some())
                .count(),
            1
        );
    }

    /// With a tag of ours over it: such a token is of another version of this program.
    #[test]
    fn another_version_does_not_open() {
        let keys = keys(OLD);
        let token = keys
            .seal(SESSION, KeyId(1), Generation(5), &secret())
            .unwrap();
        for version in [0, 1, 2, 255] {
            let mut bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).unwrap();
            bytes[0] = version;
            let tag = tag(keys.key(KeyId(1)).unwrap(), &bytes[..SIGNED]);
            bytes[SIGNED..].copy_from_slice(&tag);
            let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
            assert_eq!(keys.open(&token).is_some(), version == 1, "{version}");
        }
    }

    #[test]
    fn a_generation_has_48_bits() {
        let keys = keys(OLD);
        let seal = |generation| keys.seal(SESSION, KeyId(1), Generation(generation), &secret());
        assert_eq!(
            keys.open(&seal((1 << 48) - 1).unwrap())
                .unwrap()
                .generation
                .0,
            (1 << 48) - 1
        );
        assert!(seal(1 << 48).is_none());
    }

    #[test]
    fn the_same_is_sealed_again() {
        let keys = keys(OLD);
        let seal = |g| keys.seal(SESSION, KeyId(1), Generation(g), &secret());
        assert_eq!(seal(5), seal(5));
        assert_ne!(seal(5), seal(6));
    }

    #[test]
    fn no_byte_can_be_changed() {
        let keys = keys(BOTH);
        let token = keys
            .seal(SESSION, KeyId(1), Generation(5), &secret())
            .unwrap();
        for position in 0..token.len() {
            for other in ['A', 'B', 'z', '_', '=', '+'] {
                let mut forged: Vec<char> = token.chars().collect();
                if forged[position] == other {
                    continue;
                }
                forged[position] = other;
                let forged: String = forged.into_iter().collect();
                assert!(keys.open(&forged).is_none(), "{position} {other}");
            }
        }
        assert!(keys.open(&token[..token.len() - 1]).is_none());
        assert!(keys.open(&format!("{token}A")).is_none());
    }

    #[test]
    fn an_old_key_still_opens_and_an_unknown_one_does_not() {
        let token = keys(OLD)
            .seal(SESSION, KeyId(1), Generation(0), &secret())
            .unwrap();
        assert!(keys(BOTH).open(&token).is_some());
        assert!(
            keys("3 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
                .open(&token)
                .is_none()
        );
        assert!(
            keys("1 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
                .open(&token)
                .is_none()
        );
    }

    #[test]
    fn attempts_are_bound_to_session_and_generation() {
        let hash = attempt_hash(SESSION, Generation(4), &[1; 16]);
        assert_eq!(hash, attempt_hash(SESSION, Generation(4), &[1; 16]));
        assert_ne!(hash, attempt_hash(SESSION, Generation(5), &[1; 16]));
        assert_ne!(
            hash,
            attempt_hash(SessionId([8; 16]), Generation(4), &[1; 16])
        );
    }
}
