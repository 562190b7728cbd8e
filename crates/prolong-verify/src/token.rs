//! From characters to an authentic body: form, header, key, signature. No clock, no revocation.

use std::{borrow::Cow, cell::OnceCell, sync::Arc};

use crate::{
    algorithm::Algorithm,
    base64url,
    claims::{Body, Claims},
    expected::{Audience, Expected},
    facts::{Asked, Facts, Said, SaltedKey},
    json::{self, Known, Scanned},
    key::Key,
    keys::Keys,
    rejection::Rejection,
    revoked::{Revoked, salted},
    verify::Times,
    wording::Parts,
};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Of an RSA key of 2048 bits.
const SHORT_SIGNATURE: usize = 256;

/// A token's `typ`; the usual one is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typ {
    AccessToken,
    Other(Box<str>),
    Absent,
}

pub(crate) const ACCESS_TOKEN: &str = "at+jwt";

impl Typ {
    fn of(typ: Option<Cow<'_, str>>) -> Self {
        match typ {
            Some(typ) if typ == ACCESS_TOKEN => Self::AccessToken,
            Some(typ) => Self::Other(typ.into()),
            None => Self::Absent,
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
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
    names: OnceCell<Names>,
}

/// What the feed calls user and session under the salt that was asked for first: who remembers the token asks once more.
#[derive(Debug)]
struct Names {
    salt: [u8; 16],
    user: OnceCell<SaltedKey>,
    session: OnceCell<Option<SaltedKey>>,
}

impl Authentic {
    /// Reads a token and checks its signature. The claims are not parsed before the signature holds.
    pub(crate) fn read(token: &str, keys: &Keys, expected: &Expected) -> Result<Self, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLarge);
        }
        Self::read_parts(token, keys, expected).map_err(|rejection| {
            // Decoding has refused such characters already; this only gives the refusal its first name.
            if is_compact(token) {
                rejection
            } else {
                Rejection::NotCompact
            }
        })
    }

    fn read_parts(token: &str, keys: &Keys, expected: &Expected) -> Result<Self, Rejection> {
        if let Some((key, rest)) = keys.by_usual_beginning(token) {
            let parts = split_usual(key, rest).ok_or(Rejection::NotCompact)?;
            return Self::of_parts(token, parts, || {
                check_header(Some(ACCESS_TOKEN), Some(key.algorithm()), expected)?;
                Ok((key, Typ::AccessToken))
            });
        }
        let (header, parts) = split(token).ok_or(Rejection::NotCompact)?;
        let header = base64url::decode(header).ok_or(Rejection::BadEncoding)?;
        let header = Header::parse(&header)?;
        Self::of_parts(token, parts, || {
            let key = header.key(keys, expected)?;
            Ok((key, Typ::of(header.typ)))
        })
    }

    /// The last two parts of a token, and the key that its first one names.
    fn of_parts<'k>(
        token: &str,
        (claims, signature): (&str, &str),
        key: impl FnOnce() -> Result<(&'k Arc<Key>, Typ), Rejection>,
    ) -> Result<Self, Rejection> {
        let parts = Parts::of(token, claims, signature).ok_or(Rejection::TooLarge)?;
        let end = token.len().checked_sub(signature.len() + 1);
        let signed = end.and_then(|end| token.as_bytes().get(..end));
        let signed = signed.ok_or(Rejection::NotCompact)?;
        let claims = base64url::decode(claims).ok_or(Rejection::BadEncoding)?;
        let mut short = [0; SHORT_SIGNATURE];
        let signature = base64url::decode_short(signature, &mut short);
        let signature = signature.ok_or(Rejection::BadEncoding)?;
        let (key, typ) = key()?;
        if !key.signed(signed, &signature) {
            return Err(Rejection::BadSignature);
        }
        Ok(Self {
            key: Arc::clone(key),
            typ,
            body: Body::parse(claims, parts)?,
            names: OnceCell::new(),
        })
    }

    /// `None`: under another salt than before.
    fn names(&self, salt: &[u8; 16]) -> Option<&Names> {
        let names = self.names.get_or_init(|| Names {
            salt: *salt,
            user: OnceCell::new(),
            session: OnceCell::new(),
        });
        (names.salt == *salt).then_some(names)
    }

    pub(crate) fn into_claims(self, times: Times) -> Claims {
        Claims::new(self.body.facts, self.body.wording, times)
    }
}

impl Asked for Authentic {
    fn facts(&self) -> &Facts {
        &self.body.facts
    }

    fn scope(&self) -> Option<&str> {
        self.body.wording.scope()
    }

    fn acr(&self) -> Option<&str> {
        self.body.wording.acr()
    }

    fn has_session(&self) -> bool {
        self.body.wording.places.has_session()
    }
}

impl Said for Authentic {
    fn key(&self) -> &Arc<Key> {
        &self.key
    }

    fn typ(&self) -> Option<&str> {
        self.typ.as_str()
    }

    fn issuer(&self) -> &str {
        self.body.wording.iss()
    }

    fn is_for(&self, audience: &Audience) -> bool {
        audience.accepts(self.body.audience())
    }

    fn salted_kid(&self, salt: &[u8; 16]) -> SaltedKey {
        salted(salt, self.key.kid())
    }

    fn salted_client(&self, salt: &[u8; 16]) -> SaltedKey {
        salted(salt, self.body.wording.client_id())
    }

    fn salted_user(&self, salt: &[u8; 16]) -> SaltedKey {
        let name = || salted(salt, self.body.wording.sub());
        self.names(salt)
            .map_or_else(name, |names| *names.user.get_or_init(name))
    }

    fn salted_session(&self, salt: &[u8; 16]) -> Option<SaltedKey> {
        let name = || self.body.wording.sid().map(|sid| salted(salt, sid));
        self.names(salt)
            .map_or_else(name, |names| *names.session.get_or_init(name))
    }
}

/// Why a token whose key is not among the keys is refused: a key that was declared unsafe leaves them, and yet its tokens
/// are renewed and nobody signs in again.
pub(crate) fn without_key(token: &str, rejection: Rejection, revoked: &Revoked) -> Rejection {
    if rejection == Rejection::UnknownKey && revoked.kills_key_of(token) {
        Rejection::KeyDistrusted
    } else {
        rejection
    }
}

/// The `kid` that a token names, authentic or not.
pub(crate) fn named_key(token: &str) -> Option<String> {
    let header = base64url::decode(token.split('.').next()?)?;
    let header = Header::parse(&header).ok()?;
    Some(header.kid.into_owned())
}

/// Exactly three non-empty parts of base64url characters: no JSON serialization, no JWE, no detached payload.
fn is_compact(token: &str) -> bool {
    let parts = || token.split('.');
    let mut characters = token.bytes();
    parts().count() == 3
        && parts().all(|part| !part.is_empty())
        && characters.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

/// The first part, and the other two. A fourth would be in the second, where no decoder lets its dot pass.
fn split(token: &str) -> Option<(&str, (&str, &str))> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    Some((header, (claims, signature)))
}

/// Claims and signature, which is as long as the key's are: no dot is looked for where it must be.
fn split_usual<'t>(key: &Key, rest: &'t str) -> Option<(&'t str, &'t str)> {
    let end = rest.len().checked_sub(key.signature_characters() + 1);
    let parts = end.and_then(|end| rest.split_at_checked(end));
    let parts = parts.and_then(|(claims, rest)| Some((claims, rest.strip_prefix('.')?)));
    parts.or_else(|| rest.rsplit_once('.'))
}

fn check_header(
    typ: Option<&str>,
    algorithm: Option<Algorithm>,
    expected: &Expected,
) -> Result<Algorithm, Rejection> {
    if !expected.accepts_type(typ) {
        return Err(Rejection::WrongType);
    }
    algorithm
        .filter(|algorithm| expected.algorithms.contains(algorithm))
        .ok_or(Rejection::WrongAlgorithm)
}

const NAMES: Known<5> = Known::new(["typ", "alg", "kid", "crit", "b64"]);

/// The three members that count. `jku`, `x5u`, `jwk`, `x5c` are never looked at.
struct Header<'a> {
    alg: Cow<'a, str>,
    kid: Cow<'a, str>,
    typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Rejection> {
        let text = str::from_utf8(bytes).map_err(|_| Rejection::BadHeader)?;
        let [typ, alg, kid, crit, b64] = json::members(text, &NAMES).ok_or(Rejection::BadHeader)?;
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
        let named = Algorithm::parse(&self.alg);
        let algorithm = check_header(self.typ.as_deref(), named, expected)?;
        let key = keys.get(&self.kid).ok_or(Rejection::UnknownKey)?;
        if key.algorithm() == algorithm {
            Ok(key)
        } else {
            Err(Rejection::KeyAlgorithm)
        }
    }
}
