//! JWK-1 … JWK-5.

use prolong_verify::{Algorithm, Key, Keys, KeysRefused, PublicJwk, PublicKeyBytes, WhyLeftOut};
use serde_json::{Value, json};

use crate::mint::{ISSUED_BY, jwk};

fn set(keys: &[Value]) -> Result<Keys, KeysRefused> {
    Keys::from_jwks(json!({ "keys": keys }).to_string())
}

fn changed(name: &str, value: Value) -> Value {
    let mut jwk = jwk(Algorithm::Es256);
    jwk[name] = value;
    jwk
}

#[test]
fn jwk_1_what_is_published_is_public_and_complete() {
    for algorithm in Algorithm::ALL {
        let key = ISSUED_BY.public(*algorithm);
        let jwk = PublicJwk::new(&key, *algorithm).unwrap();
        let json = serde_json::to_value(&jwk).unwrap();
        assert_eq!(json["use"], "sig");
        assert_eq!(json["alg"], algorithm.as_str());
        assert_eq!(json["kid"], key.thumbprint().as_str());
        assert!(json.get("d").is_none());
        assert_eq!(
            set(&[json]).unwrap().get(jwk.kid()).unwrap().algorithm(),
            *algorithm
        );
    }
    assert!(PublicJwk::new(&ISSUED_BY.public(Algorithm::Es256), Algorithm::Rs256).is_none());
}

#[test]
fn jwk_1_duplicate_kids_and_broken_sets_are_refused() {
    let key = jwk(Algorithm::Es256);
    assert_eq!(
        set(&[key.clone(), key]).unwrap_err(),
        KeysRefused::DuplicateKid("ES256".into())
    );
    for broken in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[]} x"#,
    ] {
        assert_eq!(
            Keys::from_jwks(broken).unwrap_err(),
            KeysRefused::NotAKeySet,
            "{broken}"
        );
    }
}

#[test]
fn jwk_2_unknown_keys_do_not_fail_the_set() {
    let strange = [
        changed("kty", json!("AKP")),
        changed("crv", json!("P-384")),
        changed("alg", json!("ES512")),
        changed("alg", json!("RS256")),
        changed("alg", json!(7)),
        changed("use", json!("enc")),
        changed("key_ops", json!(["sign"])),
        changed("kid", json!("")),
        changed("x", json!("AA")),
        changed("y", jwk(Algorithm::Es256)["x"].clone()),
        json!({ "kty": "oct", "kid": "h", "k": "AAAA", "alg": "HS256" }),
        json!({ "kty": "RSA", "kid": "r", "n": jwk(Algorithm::Rs256)["n"], "e": "AQAB" }),
        json!(7),
        jwk(Algorithm::Es256),
    ];
    let keys = set(&strange).unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys.get("ES256").is_some());
}

#[test]
fn jwk_1_a_key_with_its_private_half_is_left_out_and_told() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth"] {
        let keys = set(&[changed(name, json!("AA")), jwk(Algorithm::EdDsa)]).unwrap();
        assert!(keys.get("ES256").is_none() && keys.get("EdDSA").is_some());
        assert_eq!(keys.left_out()[0].why, WhyLeftOut::PrivateKey);
        assert!(keys.left_out()[0].to_string().contains("\"ES256\""));
    }
}

#[test]
fn jwk_2_small_rsa_is_left_out_and_told() {
    let small =
        json!({ "kty": "RSA", "kid": "r", "alg": "RS256", "n": "_w".repeat(64), "e": "AQAB" });
    let keys = set(&[small, jwk(Algorithm::Es256)]).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys.left_out()[0].why, WhyLeftOut::BadRsaSize);
}

#[test]
fn jwk_5_ed25519_refuses_small_order_keys_and_malleable_signatures() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    minus_one[31] = 0x7f;
    let mut non_canonical = minus_one;
    non_canonical[0] = 0xee;
    for mut key in [[0; 32], identity, minus_one, non_canonical] {
        for sign in [0, 0x80] {
            key[31] = key[31] & 0x7f | sign;
            assert!(
                Key::new("k", Algorithm::EdDsa, &PublicKeyBytes::Ed25519(key)).is_err(),
                "{key:?}"
            );
        }
    }

    let key = Key::new("k", Algorithm::EdDsa, &ISSUED_BY.public(Algorithm::EdDsa)).unwrap();
    let good = ISSUED_BY.sign(Algorithm::EdDsa, b"m");
    assert!(key.signed(b"m", &good));
    assert!(!key.signed(b"m", &good[..63]));
    assert!(!key.signed(b"m", &[&good[..], &[0]].concat()));
    // s + L is the same scalar in a second spelling.
    let order = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut twin = good;
    let mut carry = 0_u16;
    for (byte, add) in twin[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + add + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert!(!key.signed(b"m", &twin));
}
