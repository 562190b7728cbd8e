//! From characters to an authentic body: form, header, key, signature. No clock, no revocation.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    algorithm::Algorithm, base64url, claims::Body, expected::Expected, json, key::Key, keys::Keys,
    rejection::Rejection,
};

/// The longest token that is read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token whose signature was checked.
#[derive(Clone, Debug)]
pub(crate) struct Authentic {
    pub(crate) key: Arc<Key>,
    pub(crate) typ: Option<String>,
    pub(crate) body: Arc<Body>,
}

impl Authentic {
    /// Reads a token and checks its signature. The claims are not parsed before the signature holds.
    pub(crate) fn read(token: &str, keys: &Keys, expected: &Expected) -> Result<Self, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLarge);
        }
        let (signed, [header, claims, signature]) = split(token)?;
        let header = Header::parse(&base64url::decode(header).ok_or(Rejection::BadEncoding)?)?;
        let claims = base64url::decode(claims).ok_or(Rejection::BadEncoding)?;
        let signature = base64url::decode(signature).ok_or(Rejection::BadEncoding)?;
        let key = header.key(keys, expected)?;
        if !key.signed(signed.as_bytes(), &signature) {
            return Err(Rejection::BadSignature);
        }
        let body = Arc::new(Body::parse(&claims)?);
        Ok(Self {
            key: Arc::clone(key),
            typ: header.typ,
            body,
        })
    }

    /// Whether the token would still be authentic under these keys and expectations: for later sights.
    pub(crate) fn recheck(&self, keys: &Keys, expected: &Expected) -> Result<(), Rejection> {
        let present = keys
            .get(self.key.kid())
            .is_some_and(|key| Arc::ptr_eq(key, &self.key) || key.is_same(&self.key));
        if !expected.accepts_type(self.typ.as_deref()) {
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

/// Exactly three non-empty parts of base64url characters: no JSON serialization, no JWE, no detached payload.
fn split(token: &str) -> Result<(&str, [&str; 3]), Rejection> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !token.bytes().all(allowed) {
        return Err(Rejection::NotCompact);
    }
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
struct Header {
    alg: String,
    kid: String,
    typ: Option<String>,
}

impl Header {
    fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        let members = json::object(bytes).ok_or(Rejection::BadHeader)?;
        if members.contains_key("crit") || members.contains_key("b64") {
            return Err(Rejection::CriticalExtension);
        }
        let text = |name| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Rejection::BadHeader),
        };
        let alg = text("alg")?.ok_or(Rejection::BadHeader)?;
        let kid = text("kid")?.ok_or(Rejection::BadHeader)?;
        Ok(Self {
            alg,
            kid,
            typ: text("typ")?,
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
