//! Public JSON Web Keys: rendering, and thumbprints (RFC 7638; for OKP keys RFC 8037 §2).

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;

use crate::{algorithm::Algorithm, base64url};

/// The public half of a signing key, as its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKeyBytes {
    /// A point on P-256: the two coordinates, big-endian.
    P256 {
        /// The x coordinate.
        x: [u8; 32],
        /// The y coordinate.
        y: [u8; 32],
    },
    /// An Ed25519 key.
    Ed25519([u8; 32]),
    /// An RSA key: big-endian, without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
}

impl PublicKeyBytes {
    /// From an uncompressed P-256 point: `0x04 ‖ x ‖ y`, 65 bytes.
    #[must_use]
    pub fn from_uncompressed_point(point: &[u8]) -> Option<Self> {
        let (tag, coordinates) = point.split_first()?;
        let x = coordinates.get(..32)?.try_into().ok()?;
        let y = coordinates.get(32..)?.try_into().ok()?;
        (*tag == 4).then_some(Self::P256 { x, y })
    }

    /// The RFC 7638 SHA-256 thumbprint, base64url: Prolong's `kid`.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let b64 = |bytes: &[u8]| base64url::encode(bytes);
        // Required members only, in lexicographic order, without white space; all values are base64url.
        let canonical = match self {
            Self::P256 { x, y } => {
                format!(
                    r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                    b64(x),
                    b64(y)
                )
            }
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64(x)),
            Self::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, b64(e), b64(n)),
        };
        b64(digest(&SHA256, canonical.as_bytes()).as_ref())
    }
}

/// A public JWK as it is published: `use` is `sig`, and `alg` is the key's only algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublicJwk {
    kty: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    alg: &'static str,
    r#use: &'static str,
    kid: String,
}

impl PublicJwk {
    /// Renders a key; `None` if the algorithm is not one for this kind of key. The `kid` is the thumbprint.
    #[must_use]
    pub fn new(key: &PublicKeyBytes, algorithm: Algorithm) -> Option<Self> {
        let encoded = |bytes: &[u8]| Some(base64url::encode(bytes));
        let kid = key.thumbprint();
        let empty = Self {
            kty: "",
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
            alg: algorithm.as_str(),
            r#use: "sig",
            kid,
        };
        Some(match (key, algorithm) {
            (PublicKeyBytes::P256 { x, y }, Algorithm::Es256) => Self {
                kty: "EC",
                crv: Some("P-256"),
                x: encoded(x),
                y: encoded(y),
                ..empty
            },
            (PublicKeyBytes::Ed25519(x), Algorithm::EdDsa | Algorithm::Ed25519) => Self {
                kty: "OKP",
                crv: Some("Ed25519"),
                x: encoded(x),
                ..empty
            },
            (PublicKeyBytes::Rsa { n, e }, Algorithm::Rs256 | Algorithm::Ps256) => Self {
                kty: "RSA",
                n: encoded(n),
                e: encoded(e),
                ..empty
            },
            _ => return None,
        })
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }
}
