//! A small issuer for tests. Its private keys are those that RFC 7515 (A.2.1, A.3.1) and RFC 8037 (A.1) print: nobody's
//! secret, and the same in every run.

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prolong_verify::{
    Algorithm, Claims, Expected, Keys, PublicJwk, PublicKeyBytes, Rejection, Revoked, verify,
};
use serde_json::{Value, json};

pub(crate) const NOW: i64 = 1_795_435_200;
pub(crate) const ISSUER: &str = "https://auth.example.com";

pub(crate) struct Issuer {
    es: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    rsa: RsaKeyPair,
}

pub(crate) static ISSUED_BY: LazyLock<Issuer> = LazyLock::new(|| {
    let public = [
        &[4][..],
        &unb64("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        &unb64("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    ]
    .concat();
    Issuer {
        es: EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &unb64("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"),
            &public,
        )
        .unwrap(),
        ed: Ed25519KeyPair::from_seed_unchecked(&unb64(
            "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        ))
        .unwrap(),
        rsa: RsaKeyPair::from_der(&unb64(include_str!("rfc_7515_a_2.der.txt").trim())).unwrap(),
    }
});

impl Issuer {
    pub(crate) fn public(&self, algorithm: Algorithm) -> PublicKeyBytes {
        match algorithm {
            Algorithm::Es256 => {
                PublicKeyBytes::from_uncompressed_point(self.es.public_key().as_ref()).unwrap()
            }
            Algorithm::EdDsa | Algorithm::Ed25519 => {
                PublicKeyBytes::Ed25519(self.ed.public_key().as_ref().try_into().unwrap())
            }
            Algorithm::Rs256 | Algorithm::Ps256 => PublicKeyBytes::Rsa {
                n: self
                    .rsa
                    .public_key()
                    .modulus()
                    .big_endian_without_leading_zero()
                    .to_vec(),
                e: self
                    .rsa
                    .public_key()
                    .exponent()
                    .big_endian_without_leading_zero()
                    .to_vec(),
            },
        }
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match algorithm {
            Algorithm::Es256 => self.es.sign(&random, message).unwrap().as_ref().to_vec(),
            Algorithm::EdDsa | Algorithm::Ed25519 => self.ed.sign(message).as_ref().to_vec(),
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let mut signature = vec![0; self.rsa.public_modulus_len()];
                let padding = if algorithm == Algorithm::Rs256 {
                    &RSA_PKCS1_SHA256
                } else {
                    &RSA_PSS_SHA256
                };
                self.rsa
                    .sign(padding, &random, message, &mut signature)
                    .unwrap();
                signature
            }
        }
    }
}

/// A document with one key of this algorithm, `kid` = its name.
pub(crate) fn jwk(algorithm: Algorithm) -> Value {
    let mut jwk =
        serde_json::to_value(PublicJwk::new(&ISSUED_BY.public(algorithm), algorithm).unwrap())
            .unwrap();
    jwk["kid"] = algorithm.as_str().into();
    jwk
}

pub(crate) fn keys() -> Keys {
    let all: Vec<Value> = Algorithm::ALL
        .iter()
        .map(|algorithm| jwk(*algorithm))
        .collect();
    Keys::from_jwks(json!({ "keys": all }).to_string()).unwrap()
}

pub(crate) fn header(algorithm: Algorithm) -> Value {
    json!({ "typ": "at+jwt", "alg": algorithm.as_str(), "kid": algorithm.as_str() })
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "u1", "aud": "orders-api", "client_id": "web", "iat": NOW - 60, "exp": NOW + 840,
        "jti": "j1", "auth_time": NOW - 600, "sid": "s1", "jwt_version": 3, "gen": 5, "scope": "orders:read profile",
    })
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn unb64(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// Signs exactly these characters.
pub(crate) fn signed(algorithm: Algorithm, header: &str, claims: &[u8]) -> String {
    let message = format!("{}.{}", b64(header), b64(claims));
    let signature = ISSUED_BY.sign(algorithm, message.as_bytes());
    format!("{message}.{}", b64(signature))
}

/// An ES256 token with some members changed; `null` removes one.
pub(crate) fn token(header_changes: &Value, claim_changes: &Value) -> String {
    let change = |mut object: Value, changes: &Value| {
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
        object
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        object.to_string()
    };
    let header = change(header(Algorithm::Es256), header_changes);
    signed(
        Algorithm::Es256,
        &header,
        change(claims(), claim_changes).as_bytes(),
    )
}

pub(crate) fn with_header(changes: &Value) -> Result<Claims, Rejection> {
    check(&token(changes, &json!({})))
}

pub(crate) fn with_claims(changes: &Value) -> Result<Claims, Rejection> {
    check(&token(&json!({}), changes))
}

pub(crate) fn expected() -> Expected {
    Expected::new(ISSUER, "orders-api")
}

pub(crate) fn check(token: &str) -> Result<Claims, Rejection> {
    verify(token, &keys(), &expected(), &Revoked::default(), NOW)
}
