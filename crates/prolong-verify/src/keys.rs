//! The keys of one issuer, from a JWKS document (RFC 7517).

use std::{collections::HashMap, fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    algorithm::Algorithm,
    base64url, json,
    jwk::PublicKeyBytes,
    key::{Key, KeyRefused},
};

/// The longest JWKS document that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;

/// So many keys are compared faster than one is looked up.
const FEW: usize = 4;

/// Public keys by `kid`. Cheap to clone keys out of; made anew when the document changes.
#[derive(Clone, Debug, Default)]
pub struct Keys(HashMap<String, Arc<Key>>);

/// Why a key set was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysRefused {
    /// Not a JSON object with an array `keys`, duplicate members, or over [`MAX_JWKS_BYTES`].
    NotAKeySet,
    /// Two usable keys have this `kid`.
    DuplicateKid(String),
    /// The RSA key of this `kid` is under 2048 or over 8192 bits, or its exponent is bad.
    BadRsaSize(String),
    /// The key of this `kid` carries its private half, which must be considered lost.
    PrivateKey(String),
}

impl fmt::Display for KeysRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAKeySet => write!(
                f,
                "the document is not a JWK set: expected {{\"keys\": […]}} of at most 256 KiB"
            ),
            Self::DuplicateKid(kid) => {
                write!(f, "two keys have the kid {kid:?}: give each key its own")
            }
            Self::BadRsaSize(kid) => write!(
                f,
                "the RSA key {kid:?} is not of 2048 to 8192 bits with a sound exponent"
            ),
            Self::PrivateKey(kid) => write!(
                f,
                "the key {kid:?} is published with its private half: replace it"
            ),
        }
    }
}

impl std::error::Error for KeysRefused {}

impl Keys {
    /// Reads a JWKS document.
    ///
    /// Left out without failing the set (RFC 7517 §5): keys of unknown `kty`, `crv` or `alg`, of a `use` other than
    /// `sig`, with `key_ops` that lack `verify`, without a `kid`, symmetric keys, and keys that are not on their curve.
    /// An RSA key without `alg` is left out too, since it would not have exactly one algorithm.
    ///
    /// # Errors
    /// [`KeysRefused`], as its members say.
    pub fn from_jwks(document: impl AsRef<[u8]>) -> Result<Self, KeysRefused> {
        let document = document.as_ref();
        if document.len() > MAX_JWKS_BYTES {
            return Err(KeysRefused::NotAKeySet);
        }
        let members = json::object(document).ok_or(KeysRefused::NotAKeySet)?;
        let list = members
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeysRefused::NotAKeySet)?;
        let mut keys = Self::default();
        for jwk in list.iter().filter_map(Value::as_object) {
            if let Some(key) = read(jwk)? {
                keys.insert(key)?;
            }
        }
        Ok(keys)
    }

    /// Adds one key.
    ///
    /// # Errors
    /// [`KeysRefused::DuplicateKid`] if there is one of this `kid`.
    pub fn insert(&mut self, key: Key) -> Result<(), KeysRefused> {
        if self.0.contains_key(key.kid()) {
            return Err(KeysRefused::DuplicateKid(key.kid().to_owned()));
        }
        self.0.insert(key.kid().to_owned(), Arc::new(key));
        Ok(())
    }

    /// The key of a `kid`, compared as opaque characters.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.get(kid)
    }

    /// These keys, with the objects of `old` where the key is the same: later sights compare objects first.
    #[cfg(feature = "tower")]
    pub(crate) fn keeping(mut self, old: &Self) -> Self {
        for (kid, key) in &mut self.0 {
            if let Some(same) = old.get(kid).filter(|before| before.is_same(key)) {
                *key = Arc::clone(same);
            }
        }
        self
    }

    /// Whether this very key is among them. Objects are compared first: it is asked on every later sight.
    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        self.0.values().take(FEW).any(|one| Arc::ptr_eq(one, key))
            || self.get(key.kid()).is_some_and(|one| one.is_same(key))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn read(jwk: &Map<String, Value>) -> Result<Option<Key>, KeysRefused> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let Some(kid) = text("kid").filter(|kid| !kid.is_empty()) else {
        return Ok(None);
    };
    let for_signatures = jwk.get("use").is_none_or(|value| value == "sig")
        && jwk.get("key_ops").is_none_or(|ops| {
            ops.as_array()
                .is_some_and(|ops| ops.iter().any(|op| op == "verify"))
        });
    let known = text("kty").is_some_and(|kty| matches!(kty, "EC" | "OKP" | "RSA"));
    if !for_signatures || !known {
        return Ok(None);
    }
    if jwk.contains_key("d") {
        return Err(KeysRefused::PrivateKey(kid.to_owned()));
    }
    let Some((bytes, algorithm)) = public_half(jwk) else {
        return Ok(None);
    };
    match Key::new(kid, algorithm, &bytes) {
        Ok(key) => Ok(Some(key)),
        Err(KeyRefused::BadRsaSize) => Err(KeysRefused::BadRsaSize(kid.to_owned())),
        Err(KeyRefused::WrongAlgorithm | KeyRefused::NotAKey) => Ok(None),
    }
}

fn public_half(jwk: &Map<String, Value>) -> Option<(PublicKeyBytes, Algorithm)> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let bytes = |name| text(name).and_then(base64url::decode);
    let fixed = |name| bytes(name).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let named = match jwk.get("alg") {
        Some(name) => Some(name.as_str().and_then(Algorithm::parse)?),
        None => None,
    };
    match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => Some((
            PublicKeyBytes::P256 {
                x: fixed("x")?,
                y: fixed("y")?,
            },
            named.unwrap_or(Algorithm::Es256),
        )),
        ("OKP", Some("Ed25519")) => Some((
            PublicKeyBytes::Ed25519(fixed("x")?),
            named.unwrap_or(Algorithm::EdDsa),
        )),
        ("RSA", _) => Some((
            PublicKeyBytes::Rsa {
                n: bytes("n")?,
                e: bytes("e")?,
            },
            named?,
        )),
        _ => None,
    }
}
