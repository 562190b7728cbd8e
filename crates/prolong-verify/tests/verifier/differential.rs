//! Mutated tokens, before this verifier and before `jsonwebtoken`. Whatever we accept it accepts too; whatever only it
//! accepts must be one of our stricter rules, by name.

use jsonwebtoken::{DecodingKey, Validation, decode};
use prolong_verify::{Algorithm, Rejection};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::mint::{ISSUER, NOW, check, jwk, token};

fn theirs(token: &str) -> bool {
    let mut rules = Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&["orders-api"]);
    rules.validate_exp = false; // it reads the system's clock; times have their own tests
    let jwk = serde_json::from_value(jwk(Algorithm::Es256)).unwrap();
    decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &rules).is_ok()
}

/// Refusals that `jsonwebtoken` does not know as rules.
fn stricter(refusal: Rejection) -> bool {
    matches!(
        refusal,
        Rejection::WrongType            // it does not check typ
            | Rejection::UnknownKey     // it was handed the key
            | Rejection::BadHeader      // no kid; duplicate members
            | Rejection::CriticalExtension
            | Rejection::BadClaim(_)    // RFC 9068's required claims
            | Rejection::BadClaims      // duplicate members
            | Rejection::Expired        // switched off above
            | Rejection::NotYetValid
            | Rejection::TooLarge
    )
}

fn compare(token: &str) -> Result<(), TestCaseError> {
    match (check(token), theirs(token)) {
        (Ok(_), true) | (Err(_), false) => Ok(()),
        (Ok(_), false) => Err(TestCaseError::fail(format!("only we accept {token}"))),
        (Err(refusal), true) if stricter(refusal) => Ok(()),
        (Err(refusal), true) => Err(TestCaseError::fail(format!(
            "unexplained {refusal:?}: {token}"
        ))),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!("")),
        Just(json!("orders-api")),
        Just(json!(["orders-api", "x"])),
        Just(json!(ISSUER)),
        Just(json!("ES256")),
        Just(json!("none")),
        Just(json!("at+jwt")),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        (-100..100_i64).prop_map(|n| json!(NOW + n)),
        any::<bool>().prop_map(|b| json!(b)),
        "\\PC{0,8}".prop_map(|s| json!(s)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_characters(place in any::<prop::sample::Index>(), byte in 0_u8..128) {
        let mut bytes = token(&json!({}), &json!({})).into_bytes();
        let good = bytes.clone();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let changed = String::from_utf8(bytes.clone()).unwrap();
        prop_assert_eq!(check(&changed).is_ok(), bytes == good, "no changed character passes");
        compare(&changed)?;
    }

    #[test]
    fn cut_and_stretched(place in any::<prop::sample::Index>(), more in "[A-Za-z0-9._=-]{0,3}") {
        let good = token(&json!({}), &json!({}));
        let (front, back) = good.split_at(place.index(good.len()));
        compare(front)?;
        compare(&format!("{front}{more}{back}"))?;
    }

    #[test]
    fn signed_with_other_members(
        claim in prop::sample::select(vec!["iss", "sub", "aud", "client_id", "exp", "iat", "nbf", "jti", "sid", "scope", "x"]),
        member in prop::sample::select(vec!["alg", "kid", "typ", "crit", "b64", "jku", "cty", "x"]),
        claim_value in any_value(), member_value in any_value(), both in any::<bool>(),
    ) {
        let header = if both { json!({ member: member_value }) } else { json!({}) };
        let endless = claim_value.as_f64().is_some_and(|seconds| seconds > 9e18);
        let token = token(&header, &json!({ claim: claim_value }));
        // We never look at `jku` and `cty`, so we do not mind their types either; they demand strings.
        let ignored = both && matches!(member, "jku" | "cty") && !header[member].is_string();
        // We saturate an `exp` beyond 64 bits; they take it for a missing one.
        let endless = claim == "exp" && endless;
        if !((ignored || endless) && check(&token).is_ok()) {
            compare(&token)?;
        }
    }

    #[test]
    fn nothing_panics(text in "\\PC{0,200}") {
        prop_assert!(check(&text).is_err());
    }
}
