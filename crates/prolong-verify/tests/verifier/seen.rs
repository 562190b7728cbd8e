//! The memory of seen tokens gives the answers that the pure function gives.

use prolong_protocol::feed::Kind;
use prolong_verify::{Algorithm, Keys, Rejection, Revoked, SeenTokens};
use serde_json::json;

use crate::{
    mint::{NOW, expected, jwk, keys, token},
    revocation::{entry, revoked},
};

#[test]
fn everything_but_the_signature_is_asked_on_every_sight() {
    let seen = SeenTokens::new(100, &[1; 32]);
    let token = token(&json!({}), &json!({}));
    let (keys, clear) = (keys(), Revoked::default());
    let look = |keys: &_, expected: &_, revoked: &_, now| {
        seen.verify(&token, keys, expected, revoked, now)
            .map(|_| ())
    };
    assert_eq!(look(&keys, &expected(), &clear, NOW), Ok(()));
    assert_eq!(seen.len(), 1);

    assert_eq!(
        look(&keys, &expected(), &clear, NOW + 840),
        Err(Rejection::Expired)
    );
    assert_eq!(
        look(
            &keys,
            &expected(),
            &revoked(&[entry(Kind::SESSION, "s1", 0)]),
            NOW
        ),
        Err(Rejection::SessionEnded(None))
    );
    assert_eq!(
        look(&Keys::default(), &expected(), &clear, NOW),
        Err(Rejection::UnknownKey)
    );
    let mut other_key = jwk(Algorithm::EdDsa);
    other_key["kid"] = "ES256".into();
    let replaced = Keys::from_jwks(json!({ "keys": [other_key] }).to_string()).unwrap();
    assert_eq!(
        look(&replaced, &expected(), &clear, NOW),
        Err(Rejection::UnknownKey)
    );
    let mut changed = expected();
    changed.issuer.push('/');
    assert_eq!(
        look(&keys, &changed, &clear, NOW),
        Err(Rejection::WrongIssuer)
    );
    changed = expected();
    changed.audience = prolong_verify::Audience::OneOf(vec!["else".into()]);
    assert_eq!(
        look(&keys, &changed, &clear, NOW),
        Err(Rejection::WrongAudience)
    );
    changed = expected();
    changed.algorithms = vec![Algorithm::EdDsa];
    assert_eq!(
        look(&keys, &changed, &clear, NOW),
        Err(Rejection::WrongAlgorithm)
    );
    changed = expected();
    changed.types = vec![Some("JWT".into())];
    assert_eq!(
        look(&keys, &changed, &clear, NOW),
        Err(Rejection::WrongType)
    );
    assert_eq!(
        look(&crate::mint::keys(), &expected(), &clear, NOW),
        Ok(()),
        "the same key, read again"
    );
}

#[test]
fn refusals_are_not_remembered() {
    let seen = SeenTokens::new(100, &[1; 32]);
    let good = token(&json!({}), &json!({}));
    let bad = token(&json!({}), &json!({ "exp": NOW }));
    assert!(
        seen.verify(&bad, &keys(), &expected(), &Revoked::default(), NOW)
            .is_err()
    );
    assert!(seen.is_empty());
    assert!(
        seen.verify(&good, &keys(), &expected(), &Revoked::default(), NOW)
            .is_ok()
    );
    let forged = format!("{}A", &good[..good.len() - 1]);
    assert!(
        forged == good
            || seen
                .verify(&forged, &keys(), &expected(), &Revoked::default(), NOW)
                .is_err()
    );
}
