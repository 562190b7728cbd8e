//! One public key: parsed once, with exactly one algorithm.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};

use serde_json::Value;

use crate::{
    algorithm::Algorithm, base64url, ed25519_order, jwk::PublicKeyBytes, token::ACCESS_TOKEN,
};

/// Bytes of a signature over P-256 or Ed25519.
const CURVE_SIGNATURE: usize = 64;

/// A public key that can check signatures of its one algorithm.
#[derive(Clone)]
pub struct Key {
    kid: String,
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
    usual_beginning: String,
    signature_characters: usize,
}

/// Why a public key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyRefused {
    /// The algorithm is not one for this kind of key.
    WrongAlgorithm,
    /// An RSA modulus under 2048 or over 8192 bits (RFC 7518 §3.3), even, or with leading zeros (§6.3.1.1), or an
    /// exponent under 3, even, over 33 bits, or with leading zeros.
    BadRsaSize,
    /// The bytes are not a key, not on the curve, or of small order.
    NotAKey,
}

impl Key {
    /// A key by its bytes.
    ///
    /// # Errors
    /// [`KeyRefused`], as its members say.
    pub fn new(
        kid: impl Into<String>,
        algorithm: Algorithm,
        bytes: &PublicKeyBytes,
    ) -> Result<Self, KeyRefused> {
        let not_a_key = |_| KeyRefused::NotAKey;
        let parsed = match (bytes, algorithm) {
            (PublicKeyBytes::P256 { x, y }, Algorithm::Es256) => {
                let point = [&[4][..], x, y].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(not_a_key)?
            }
            (PublicKeyBytes::Ed25519(x), Algorithm::EdDsa | Algorithm::Ed25519) => {
                if ed25519_order::is_small_or_non_canonical(x) {
                    return Err(KeyRefused::NotAKey);
                }
                ParsedPublicKey::new(&ED25519, x).map_err(not_a_key)?
            }
            (PublicKeyBytes::Rsa { n, e }, Algorithm::Rs256 | Algorithm::Ps256) => {
                check_rsa(n, e)?;
                let parameters = if algorithm == Algorithm::Rs256 {
                    &RSA_PKCS1_2048_8192_SHA256
                } else {
                    &RSA_PSS_2048_8192_SHA256
                };
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(parameters)
                    .map_err(not_a_key)?
            }
            _ => return Err(KeyRefused::WrongAlgorithm),
        };
        let kid = kid.into();
        let signature_bytes = match bytes {
            PublicKeyBytes::P256 { .. } | PublicKeyBytes::Ed25519(_) => CURVE_SIGNATURE,
            PublicKeyBytes::Rsa { n, .. } => n.len(),
        };
        Ok(Self {
            usual_beginning: usual_beginning(algorithm, &kid),
            signature_characters: base64url::encoded_length(signature_bytes),
            kid,
            algorithm,
            parsed,
        })
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's only algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// How an access token of this key begins if it is as Prolong's authority writes it: its first part, and a dot.
    pub(crate) fn usual_beginning(&self) -> &str {
        &self.usual_beginning
    }

    /// How long the last part of its tokens is.
    pub(crate) const fn signature_characters(&self) -> usize {
        self.signature_characters
    }

    /// The public key itself, in some form of its own.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.parsed.as_ref()
    }

    /// Whether both are the same public key under the same name and algorithm.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.kid == other.kid && self.algorithm == other.algorithm && self.bytes() == other.bytes()
    }

    /// Whether `signature` is this key's over `message`. ECDSA signatures are raw `r ‖ s` of 64 bytes (RFC 7518 §3.4).
    #[must_use]
    pub fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let right_length = match self.algorithm {
            Algorithm::Es256 | Algorithm::EdDsa | Algorithm::Ed25519 => {
                signature.len() == CURVE_SIGNATURE
            }
            Algorithm::Rs256 | Algorithm::Ps256 => true, // aws-lc demands the modulus's length
        };
        right_length && self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

fn usual_beginning(algorithm: Algorithm, kid: &str) -> String {
    let (alg, kid) = (algorithm.as_str(), Value::from(kid));
    let header = format!(r#"{{"typ":"{ACCESS_TOKEN}","alg":"{alg}","kid":{kid}}}"#);
    base64url::encode(header.as_bytes()) + "."
}

/// What aws-lc would let pass, or would refuse only when a signature comes.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), KeyRefused> {
    let bits = match n {
        [top @ 1..=255, ..] => n.len() * 8 - top.leading_zeros() as usize,
        _ => 0,
    };
    let exponent = match e {
        [1..=255, ..] if e.len() <= 5 => e
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte)),
        _ => 0,
    };
    let odd = n.last().is_some_and(|last| last % 2 == 1);
    let good = odd
        && (2048..=8192).contains(&bits)
        && exponent >= 3
        && exponent % 2 == 1
        && exponent < 1 << 33;
    if good {
        Ok(())
    } else {
        Err(KeyRefused::BadRsaSize)
    }
}
