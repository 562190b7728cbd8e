//! The keys of one issuer, from a JWKS document (RFC 7517).
//!
//! 1. A document that is ambiguous is refused whole: not a key set, a member twice, a `kid` twice.
//! 2. A key that cannot be used is left out and the others stay (RFC 7517 §5); [`Keys::left_out`] tells which and why.
//! 3. A key that is published with its private half is left out too: whoever has read the document can sign with it.

use std::{fmt, sync::Arc};

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

/// Private members of EC, OKP and RSA keys (RFC 7518 §§6.2.2, 6.3.2; RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "oth"];

/// Public keys by `kid`. Cheap to clone keys out of; made anew when the document changes.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// In the order of their `kid`s.
    keys: Vec<Arc<Key>>,
    left_out: Vec<LeftOut>,
}

/// Why a key set was refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeysRefused {
    /// Not a JSON object with an array `keys`, duplicate members, or over [`MAX_JWKS_BYTES`].
    NotAKeySet,
    /// Two usable keys have this `kid`.
    DuplicateKid(String),
}

/// A key of the document that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its `kid`, if that is a string.
    pub kid: Option<String>,
    /// Why.
    pub why: WhyLeftOut,
}

/// Why a key of a document is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhyLeftOut {
    /// Not an object, or without a `kid` of at least one character.
    NoKid,
    /// `use` is not `sig`, or `key_ops` is not a list with `verify` and without repetition (RFC 7517 §4.3).
    NotForSignatures,
    /// A `kty`, `crv` or `alg` that is not known here; symmetric keys among them.
    UnknownKind,
    /// `alg` is not one for this kind of key, or an RSA key names none: it would not have exactly one algorithm.
    WrongAlgorithm,
    /// An RSA key not of 2048 to 8192 bits, with leading zeros, or with an unsound exponent.
    BadRsaSize,
    /// Members are missing, not strict base64url, of the wrong length, not on the curve, or of small order.
    NotAKey,
    /// It carries its private half, which must be considered lost: replace the key.
    PrivateKey,
}

impl WhyLeftOut {
    /// One phrase for the operator of the issuer.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NoKid => "it has no kid",
            Self::NotForSignatures => "its use or key_ops is not for checking signatures",
            Self::UnknownKind => "its kty, crv or alg is not known",
            Self::WrongAlgorithm => "its alg is missing or not one for this kind of key",
            Self::BadRsaSize => "it is not of 2048 to 8192 bits with a sound exponent",
            Self::NotAKey => "its members are not a public key",
            Self::PrivateKey => "it is published with its private half: replace it",
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "the key {kid:?}: {}", self.why.detail()),
            None => write!(f, "a key: {}", self.why.detail()),
        }
    }
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
        }
    }
}

impl std::error::Error for KeysRefused {}

impl Keys {
    /// Reads a JWKS document. A key that cannot be used does not fail the set; see [`Keys::left_out`].
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
        for jwk in list {
            match read(jwk) {
                Ok(key) => keys.insert(key)?,
                Err(why) => keys.left_out.push(LeftOut {
                    kid: jwk.get("kid").and_then(Value::as_str).map(str::to_owned),
                    why,
                }),
            }
        }
        Ok(keys)
    }

    /// Adds one key.
    ///
    /// # Errors
    /// [`KeysRefused::DuplicateKid`] if there is one of this `kid`.
    pub fn insert(&mut self, key: Key) -> Result<(), KeysRefused> {
        match self.place(key.kid()) {
            Ok(_) => Err(KeysRefused::DuplicateKid(key.kid().to_owned())),
            Err(place) => {
                self.keys.insert(place, Arc::new(key));
                Ok(())
            }
        }
    }

    /// The key of a `kid`, compared as opaque characters.
    #[must_use]
    pub fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.keys.get(self.place(kid).ok()?)
    }

    /// The key whose tokens begin like this one, if this is how Prolong's authority begins them; and what follows.
    pub(crate) fn by_usual_beginning<'t>(&self, token: &'t str) -> Option<(&Arc<Key>, &'t str)> {
        let mut few = self.keys.iter().take(FEW);
        few.find_map(|key| Some((key, token.strip_prefix(key.usual_beginning())?)))
    }

    /// The keys of the document that are not used, in its order.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// These keys, with the objects of `old` where the key is the same: later sights compare objects first.
    #[cfg(feature = "tower")]
    pub(crate) fn keeping(mut self, old: &Self) -> Self {
        for key in &mut self.keys {
            if let Some(same) = old.get(key.kid()).filter(|before| before.is_same(key)) {
                *key = Arc::clone(same);
            }
        }
        self
    }

    /// Whether this very key is among them. Objects are compared first: it is asked on every later sight.
    pub(crate) fn holds(&self, key: &Arc<Key>) -> bool {
        self.keys.iter().take(FEW).any(|one| Arc::ptr_eq(one, key))
            || self.get(key.kid()).is_some_and(|one| one.is_same(key))
    }

    /// How many keys there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    fn place(&self, kid: &str) -> Result<usize, usize> {
        self.keys.binary_search_by(|key| key.kid().cmp(kid))
    }
}

fn read(jwk: &Value) -> Result<Key, WhyLeftOut> {
    let jwk = jwk.as_object().ok_or(WhyLeftOut::NoKid)?;
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let kid = text("kid")
        .filter(|kid| !kid.is_empty())
        .ok_or(WhyLeftOut::NoKid)?;
    if !matches!(text("kty"), Some("EC" | "OKP" | "RSA")) {
        return Err(WhyLeftOut::UnknownKind);
    }
    if PRIVATE.iter().any(|name| jwk.contains_key(*name)) {
        return Err(WhyLeftOut::PrivateKey);
    }
    if !jwk.get("use").is_none_or(|value| value == "sig")
        || !jwk.get("key_ops").is_none_or(may_verify)
    {
        return Err(WhyLeftOut::NotForSignatures);
    }
    let (bytes, algorithm) = public_half(jwk)?;
    Key::new(kid, algorithm, &bytes).map_err(|refused| match refused {
        KeyRefused::BadRsaSize => WhyLeftOut::BadRsaSize,
        KeyRefused::WrongAlgorithm => WhyLeftOut::WrongAlgorithm,
        KeyRefused::NotAKey => WhyLeftOut::NotAKey,
    })
}

fn may_verify(key_ops: &Value) -> bool {
    let Some(ops) = key_ops.as_array() else {
        return false;
    };
    let repeated = |at: usize, op| ops[..at].contains(op);
    ops.contains(&Value::from("verify"))
        && ops
            .iter()
            .enumerate()
            .all(|(at, op)| op.is_string() && !repeated(at, op))
}

fn public_half(jwk: &Map<String, Value>) -> Result<(PublicKeyBytes, Algorithm), WhyLeftOut> {
    let text = |name| jwk.get(name).and_then(Value::as_str);
    let bytes = |name| {
        text(name)
            .and_then(base64url::decode)
            .ok_or(WhyLeftOut::NotAKey)
    };
    let fixed = |name| <[u8; 32]>::try_from(bytes(name)?).map_err(|_| WhyLeftOut::NotAKey);
    let named = jwk
        .get("alg")
        .map(|name| {
            name.as_str()
                .and_then(Algorithm::parse)
                .ok_or(WhyLeftOut::UnknownKind)
        })
        .transpose()?;
    match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => Ok((
            PublicKeyBytes::P256 {
                x: fixed("x")?,
                y: fixed("y")?,
            },
            named.unwrap_or(Algorithm::Es256),
        )),
        (Some("OKP"), Some("Ed25519")) => Ok((
            PublicKeyBytes::Ed25519(fixed("x")?),
            named.unwrap_or(Algorithm::EdDsa),
        )),
        (Some("RSA"), _) => Ok((
            PublicKeyBytes::Rsa {
                n: bytes("n")?,
                e: bytes("e")?,
            },
            named.ok_or(WhyLeftOut::WrongAlgorithm)?,
        )),
        _ => Err(WhyLeftOut::UnknownKind),
    }
}
