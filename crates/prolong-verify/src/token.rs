//! From characters to an authentic body: form, header, key, signature. No clock, no revocation.

use std::{borrow::Cow, sync::Arc};

use crate::{
    algorithm::Algorithm,
    base64url,
    claims::Body,
    expected::Expected,
    json::{self, Scanned},
    key::Key,
    keys::Keys,
    rejection::Rejection,
    revoked::{Revoked, Subjects},
};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Headers and signatures of up to so many bytes are decoded on the stack: ours, and RSA signatures of 4096 bits.
const SHORT_HEADER: usize = 256;
const SHORT_SIGNATURE: usize = 516;

/// A token's `typ`; the usual one is not copied.
#[derive(Debug)]
pub(crate) enum Typ {
    AccessToken,
    Other(Box<str>),
    Absent,
}

const ACCESS_TOKEN: &str = "at+jwt";

impl Typ {
    fn of(typ: Option<Cow<'_, str>>) -> Self {
        match typ {
            Some(typ) if typ == ACCESS_TOKEN => Self::AccessToken,
            Some(typ) => Self::Other(typ.into()),
            None => Self::Absent,
        }
    }

    fn as_str(&self) -> Option<&str> {
        match self {
            Self::AccessToken => Some(ACCESS_TOKEN),
            Self::Other(typ) => Some(typ),
            Self::Absent => None,
        }
    }
}

/// A token whose signature was checked.
#[derive(Debug)]
pub(crate) struct Authentic {
    pub(crate) key: Arc<Key>,
    pub(crate) typ: Typ,
    pub(crate) body: Body,
    /// Only for tokens that will be remembered.
    pub(crate) subjects: Option<Subjects>,
}

impl Authentic {
    /// Reads a token and checks its signature. The claims are not parsed before the signature holds.
    pub(crate) fn read(token: &str, keys: &Keys, expected: &Expected) -> Result<Self, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLarge);
        }
        Self::read_parts(token, keys, expected).map_err(|rejection| {
            // Decoding has refused such characters already; this only gives the refusal its first name.
            if token.bytes().all(is_compact) {
                rejection
            } else {
                Rejection::NotCompact
            }
        })
    }

    fn read_parts(token: &str, keys: &Keys, expected: &Expected) -> Result<Self, Rejection> {
        let (signed, [header, claims, signature]) = split(token)?;
        let (mut header_bytes, mut signature_bytes) = ([0; SHORT_HEADER], [0; SHORT_SIGNATURE]);
        let header = base64url::decode_short(header, &mut header_bytes);
        let header = header.ok_or(Rejection::BadEncoding)?;
        let header = Header::parse(&header)?;
        let claims = base64url::decode(claims).ok_or(Rejection::BadEncoding)?;
        let signature = base64url::decode_short(signature, &mut signature_bytes);
        let signature = signature.ok_or(Rejection::BadEncoding)?;
        let key = header.key(keys, expected)?;
        if !key.signed(signed.as_bytes(), &signature) {
            return Err(Rejection::BadSignature);
        }
        Ok(Self {
            key: Arc::clone(key),
            typ: Typ::of(header.typ),
            body: Body::parse(claims)?,
            subjects: None,
        })
    }

    /// Why a token whose key is not among the keys is refused: a key that was declared unsafe leaves them, and yet its
    /// tokens are renewed and nobody signs in again.
    pub(crate) fn without_key(token: &str, rejection: Rejection, revoked: &Revoked) -> Rejection {
        if rejection == Rejection::UnknownKey && revoked.kills_key_of(token) {
            Rejection::KeyDistrusted
        } else {
            rejection
        }
    }

    /// With the salted keys that later sights will need.
    pub(crate) fn remembering(mut self, revoked: &Revoked) -> Self {
        self.subjects = Some(revoked.subjects(self.key.kid(), &self.body));
        self
    }

    /// Whether the token would still be authentic under these keys and expectations: for later sights.
    pub(crate) fn recheck(&self, keys: &Keys, expected: &Expected) -> Result<(), Rejection> {
        let present = keys.holds(&self.key);
        if !expected.accepts_type(self.typ.as_str()) {
            Err(Rejection::WrongType)
        } else if !expected.algorithms.contains(&self.key.algorithm()) {
            Err(Rejection::WrongAlgorithm)
        } else if !present {
            Err(Rejection::UnknownKey)
        } else {
            Ok(())
        }
    }
}

/// The `kid` that a token names, authentic or not.
pub(crate) fn named_key(token: &str) -> Option<String> {
    let header = base64url::decode(token.split('.').next()?)?;
    let header = Header::parse(&header).ok()?;
    Some(header.kid.into_owned())
}

const fn is_compact(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Exactly three non-empty parts of base64url characters: no JSON serialization, no JWE, no detached payload.
fn split(token: &str) -> Result<(&str, [&str; 3]), Rejection> {
    let mut parts = token.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Rejection::NotCompact);
    };
    if header.is_empty() || claims.is_empty() || signature.is_empty() {
        return Err(Rejection::NotCompact);
    }
    let signed = &token[..=header.len() + claims.len()];
    Ok((signed, [header, claims, signature]))
}

/// The three members that count. `jku`, `x5u`, `jwk`, `x5c` are never looked at.
struct Header<'a> {
    alg: Cow<'a, str>,
    kid: Cow<'a, str>,
    typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Rejection> {
        let text = str::from_utf8(bytes).map_err(|_| Rejection::BadHeader)?;
        let [alg, kid, typ, crit, b64] = json::members(text, &["alg", "kid", "typ", "crit", "b64"])
            .ok_or(Rejection::BadHeader)?;
        if crit.is_some() || b64.is_some() {
            return Err(Rejection::CriticalExtension);
        }
        let text = |member| match member {
            None => Ok(None),
            Some(Scanned::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Rejection::BadHeader),
        };
        Ok(Self {
            alg: text(alg)?.ok_or(Rejection::BadHeader)?,
            kid: text(kid)?.ok_or(Rejection::BadHeader)?,
            typ: text(typ)?,
        })
    }

    fn key<'k>(&self, keys: &'k Keys, expected: &Expected) -> Result<&'k Arc<Key>, Rejection> {
        if !expected.accepts_type(self.typ.as_deref()) {
            return Err(Rejection::WrongType);
        }
        let algorithm = Algorithm::parse(&self.alg)
            .filter(|algorithm| expected.algorithms.contains(algorithm))
            .ok_or(Rejection::WrongAlgorithm)?;
        let key = keys.get(&self.kid).ok_or(Rejection::UnknownKey)?;
        if key.algorithm() == algorithm {
            Ok(key)
        } else {
            Err(Rejection::KeyAlgorithm)
        }
    }
}
