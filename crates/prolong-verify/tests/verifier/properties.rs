//! What holds of any text: nothing panics, and what is accepted has exactly one spelling.

use prolong_verify::{Algorithm, Keys, MAX_TOKEN_BYTES};
use proptest::prelude::*;
use serde_json::Value;

use crate::{
    corpus::{Signer, mutate::Mutations},
    mint::{b64, check, jwk, unb64},
};

/// JSON, as often sound as not.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("1e999".to_owned()),
        "-?[0-9]{1,30}(\\.[0-9]{1,3})?([eE][-+]?[0-9]{1,3})?",
        "\"(\\PC|\\\\u[0-9a-fA-F]{4}|\\\\.){0,8}\"",
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let name = prop::sample::select(vec![
            "keys", "kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops", "d", "iss",
            "exp", "aud",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec((name, inner), 0..6).prop_map(|all| {
                let members: Vec<_> = all
                    .iter()
                    .map(|(name, value)| format!("\"{name}\":{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}", dotted in "[A-Za-z0-9_.-]{0,300}") {
        prop_assert!(check(&text).is_err());
        prop_assert!(check(&dotted).is_err());
    }

    #[test]
    fn no_json_panics(header in json_text(), claims in json_text()) {
        let signer = Signer::fresh();
        prop_assert!(check(&signer.token(Algorithm::EdDsa, &header, &claims)).is_err());
        let good = crate::corpus::header(Algorithm::EdDsa).to_string();
        prop_assert!(check(&signer.token(Algorithm::EdDsa, &good, &claims)).is_err());
    }

    #[test]
    fn no_key_set_panics(text in json_text(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Keys::from_jwks(&text);
        let _ = Keys::from_jwks(&bytes);
        let _ = Keys::from_jwks(format!("{{\"keys\":[{text}]}}"));
    }

    #[test]
    fn a_changed_key_is_the_same_key_or_none(
        place in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f,
        algorithm in prop::sample::select(Algorithm::ALL.to_vec()),
    ) {
        let good = format!("{{\"keys\":[{}]}}", jwk(algorithm));
        let mut changed = good.clone().into_bytes();
        let place = place.index(changed.len());
        changed[place] = byte;
        let one = Keys::from_jwks(&good).unwrap();
        if let Ok(other) = Keys::from_jwks(&changed)
            && let Some(key) = other.get(algorithm.as_str())
        {
            let signer = Signer::fresh();
            let token = signer.sound(algorithm);
            let (message, signature) = token.rsplit_once('.').unwrap();
            let same = key.signed(message.as_bytes(), &unb64(signature));
            let text = String::from_utf8(changed).unwrap();
            let value: Value = serde_json::from_str(&text).unwrap();
            let published = serde_json::from_str::<Value>(&good).unwrap();
            let bytes = |set: &Value| ["x", "y", "n", "e"].map(|name| set["keys"][0].get(name).cloned());
            prop_assert_eq!(same && key.algorithm() == algorithm, bytes(&value) == bytes(&published) && key.algorithm() == algorithm);
        }
        prop_assert_eq!(one.len(), 1);
    }
}

#[test]
fn what_is_accepted_has_one_spelling() {
    let signer = Signer::fresh();
    let mut mutations = Mutations::new(7, &signer);
    let mut accepted = 0;
    for _ in 0..4000 {
        let (_, token) = mutations.next();
        let Ok(claims) = check(&token) else { continue };
        accepted += 1;
        assert!(token.len() <= MAX_TOKEN_BYTES);
        let parts: Vec<&str> = token.split('.').collect();
        let again: Vec<String> = parts.iter().map(|part| b64(unb64(part))).collect();
        assert_eq!(again.join("."), token);
        let read: Value = serde_json::from_slice(&unb64(parts[1])).unwrap();
        assert_eq!(read.as_object().unwrap(), claims.raw());
        assert_eq!(read["sub"], claims.subject());
    }
    assert!(accepted > 200, "{accepted}");
}
