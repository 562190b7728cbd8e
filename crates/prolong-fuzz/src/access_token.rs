//! Access tokens: what the strict verifier accepts was signed by a key of the set, says what it must, is accepted again
//! (from memory too), and `jsonwebtoken` either agrees or differs by a rule that is known.

use std::sync::LazyLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use prolong_verify::{
    Algorithm, Audience, Claims, Expected, Keys, PublicKeyBytes, Rejection, Revoked, SeenTokens,
    SoftExpiry, verify,
};
use serde_json::Value;

use crate::cut::Cut;
use crate::differences::difference;
use crate::mint::{ISSUED_BY, ISSUER, NOW, expected, keys, signed, unb64};

static KEYS: LazyLock<Keys> = LazyLock::new(keys);
static REVOKED: LazyLock<Revoked> = LazyLock::new(Revoked::default);

/// 0: a token as it is. 1: `header`, a line feed, `claims`: signed as they are written. 2: the same, then changed.
pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let (kind, algorithm, place, byte) = (cut.byte() % 3, cut.byte(), cut.bytes(), cut.byte());
    if kind == 0 {
        return look(&cut.text());
    }
    let algorithm = Algorithm::ALL[usize::from(algorithm) % Algorithm::ALL.len()];
    let rest = cut.rest();
    let (header, claims) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (rest, &[][..]),
    };
    let mut token = signed(algorithm, &String::from_utf8_lossy(header), claims);
    if kind == 2 {
        let place = usize::from(u16::from_be_bytes(place)) % token.len();
        let mut bytes = token.into_bytes();
        bytes[place] = byte;
        token = String::from_utf8_lossy(&bytes).into_owned();
    }
    look(&token);
}

fn look(token: &str) {
    let ours = verify(token, &KEYS, &expected(), &REVOKED, NOW);
    match difference(token, &ours) {
        Ok(_) => {}
        Err(theirs) => panic!("we say {ours:?}, jsonwebtoken {theirs}: {token}"),
    }
    let seen = SeenTokens::new(4, &[7; 32]);
    for _ in 0..2 {
        let again = seen.verify(token, &KEYS, &expected(), &REVOKED, NOW);
        assert_eq!(brief(&again), brief(&ours), "{token}");
    }
    match &ours {
        Ok(claims) => accepted(token, claims),
        Err(refusal) => {
            // What is not authentic is not so for whoever expects less either.
            let lenient = verify(token, &KEYS, &anything(), &REVOKED, NOW);
            if matches!(
                refusal,
                Rejection::BadSignature | Rejection::UnknownKey | Rejection::KeyAlgorithm
            ) {
                assert_eq!(lenient.err(), Some(*refusal), "{token}");
            }
        }
    }
}

fn accepted(token: &str, claims: &Claims) {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("not of three parts: {token}");
    };
    let header: Value = serde_json::from_slice(&unb64(header)).unwrap();
    let payload: Value = serde_json::from_slice(&unb64(payload)).unwrap();
    let signed = &token[..token.len() - signature.len() - 1];
    assert!(
        signed_by(&header, signed.as_bytes(), &unb64(signature)),
        "{token}"
    );
    assert_eq!(payload["iss"], ISSUER);
    assert_eq!(claims.issuer(), ISSUER);
    assert!(claims.audience().any(|one| one == "orders-api"));
    assert_eq!(payload["sub"], claims.subject());
    assert_eq!(payload["client_id"], claims.client_id());
    assert!(claims.expires_at() > NOW && claims.issued_at() <= NOW + 30);
    assert_eq!(Value::Object(claims.raw().clone()), payload);
    let later = verify(token, &KEYS, &expected(), &REVOKED, claims.expires_at());
    assert!(
        claims.expires_at() == i64::MAX || later.is_err(),
        "at its end it is over"
    );
    assert_eq!(
        verify(token, &Keys::default(), &expected(), &REVOKED, NOW).err(),
        Some(Rejection::UnknownKey)
    );
    let elsewhere = Expected::new(ISSUER, "another-api");
    assert!(
        claims.audience().any(|one| one == "another-api")
            || verify(token, &KEYS, &elsewhere, &REVOKED, NOW).is_err()
    );
}

/// Whether the key that the header names signed it, asked of the library alone.
fn signed_by(header: &Value, message: &[u8], signature: &[u8]) -> bool {
    let Some(algorithm) = header["alg"].as_str().and_then(Algorithm::parse) else {
        return false;
    };
    assert_eq!(
        header["kid"], header["alg"],
        "in this set, a key has its algorithm's name"
    );
    match ISSUED_BY.public(algorithm) {
        PublicKeyBytes::P256 { x, y } => {
            let point = [&[4][..], &x, &y].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok()
        }
        PublicKeyBytes::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key)
            .verify(message, signature)
            .is_ok(),
        PublicKeyBytes::Rsa { n, e } => {
            let rules = if algorithm == Algorithm::Rs256 {
                &RSA_PKCS1_2048_8192_SHA256
            } else {
                &RSA_PSS_2048_8192_SHA256
            };
            RsaPublicKeyComponents { n, e }
                .verify(rules, message, signature)
                .is_ok()
        }
    }
}

fn anything() -> Expected {
    Expected {
        audience: Audience::Any,
        types: vec![Some("at+jwt".to_owned()), Some("JWT".to_owned()), None],
        exp_leeway: 3600,
        expired_for: i64::MAX,
        soft_expiry: SoftExpiry::Reject,
        ..expected()
    }
}

fn brief(answer: &Result<Claims, Rejection>) -> Result<Value, Rejection> {
    answer
        .as_ref()
        .map(|claims| Value::Object(claims.raw().clone()))
        .map_err(|refusal| *refusal)
}
