//! One signing key, parsed once.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prolong_verify::{Algorithm as Verified, PublicJwk, PublicKeyBytes};
use zeroize::Zeroizing;

use crate::settings::Algorithm;

/// A private key, ready to sign.
pub(super) struct Signer {
    pub(super) kid: String,
    pub(super) public_jwk: String,
    /// base64url of the JOSE header, with the dot after it.
    head: String,
    pair: Pair,
}

enum Pair {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
    Ps256(RsaKeyPair),
}

/// Makes a private key, as PKCS#8. The library draws its own randomness: key generation takes no other.
pub(super) fn generate(algorithm: Algorithm) -> Option<Zeroizing<Vec<u8>>> {
    let random = SystemRandom::new();
    let document = match algorithm {
        Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
            .ok()?
            .as_ref()
            .to_vec(),
        Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random)
            .ok()?
            .as_ref()
            .to_vec(),
        Algorithm::Rs256 | Algorithm::Ps256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            let der: Pkcs8V1Der<'static> = pair.as_der().ok()?;
            der.as_ref().to_vec()
        }
    };
    Some(Zeroizing::new(document))
}

impl Signer {
    /// Parses a private key; `None` if it is not one of this algorithm.
    pub(super) fn parse(algorithm: Algorithm, pkcs8: &[u8]) -> Option<Self> {
        let (pair, public, verified) = match algorithm {
            Algorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).ok()?;
                let public = PublicKeyBytes::from_uncompressed_point(pair.public_key().as_ref())?;
                (Pair::Es256(pair), public, Verified::Es256)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
                let public = PublicKeyBytes::Ed25519(pair.public_key().as_ref().try_into().ok()?);
                (Pair::EdDsa(pair), public, Verified::EdDsa)
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).ok()?;
                let key = pair.public_key();
                let public = PublicKeyBytes::Rsa {
                    n: key.modulus().big_endian_without_leading_zero().to_vec(),
                    e: key.exponent().big_endian_without_leading_zero().to_vec(),
                };
                if algorithm == Algorithm::Rs256 {
                    (Pair::Rs256(pair), public, Verified::Rs256)
                } else {
                    (Pair::Ps256(pair), public, Verified::Ps256)
                }
            }
        };
        let jwk = PublicJwk::new(&public, verified)?;
        let kid = jwk.kid().to_owned();
        let head = format!(
            r#"{{"typ":"at+jwt","alg":"{}","kid":"{kid}"}}"#,
            algorithm.as_str()
        );
        let head = format!("{}.", URL_SAFE_NO_PAD.encode(head));
        Some(Self {
            public_jwk: serde_json::to_string(&jwk).ok()?,
            kid,
            head,
            pair,
        })
    }

    /// A compact JWS over the claims. `None` only if the library refuses, which it has no reason to.
    pub(super) fn sign(&self, claims: &[u8]) -> Option<String> {
        let mut token = String::with_capacity(self.head.len() + claims.len() * 4 / 3 + 360);
        token.push_str(&self.head);
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let random = SystemRandom::new();
        let message = token.as_bytes();
        let rsa = |pair: &RsaKeyPair, encoding| {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(encoding, &random, message, &mut signature).ok()?;
            Some(URL_SAFE_NO_PAD.encode(signature))
        };
        let signature = match &self.pair {
            Pair::Es256(pair) => URL_SAFE_NO_PAD.encode(pair.sign(&random, message).ok()?),
            Pair::EdDsa(pair) => URL_SAFE_NO_PAD.encode(pair.sign(message)),
            Pair::Rs256(pair) => rsa(pair, &RSA_PKCS1_SHA256)?,
            Pair::Ps256(pair) => rsa(pair, &RSA_PSS_SHA256)?,
        };
        token.push('.');
        token.push_str(&signature);
        Some(token)
    }
}
