//! The memory of seen tokens gives the answers that the pure function gives.

use prolong_protocol::feed::Kind;
use prolong_verify::{
    Algorithm, Audience, Claims, Expected, Keys, Rejection, Revoked, SeenTokens, SoftExpiry, verify,
};
use proptest::{option, prelude::*, sample::select};
use serde_json::{Value, json};

use crate::{
    mint::{NOW, claims, expected, header, jwk, keys, signed, token},
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
        Err(Rejection::KeyAlgorithm)
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

/// Everything that can be asked of claims.
fn told(claims: &Claims) -> Value {
    let flags = [claims.expired(), claims.renewal_due()];
    let times = json!([
        claims.expires_at(),
        claims.issued_at(),
        claims.not_before(),
        claims.auth_time(),
        claims.soft_expires_at(),
    ]);
    let words = json!([
        claims.issuer(),
        claims.subject(),
        claims.audience().collect::<Vec<_>>(),
        claims.client_id(),
        claims.token_id(),
        claims.session_id(),
        claims.scope(),
        claims.acr(),
    ]);
    let numbers = json!([claims.jwt_version(), claims.generation()]);
    json!([flags, times, words, numbers, claims.raw()])
}

/// Words with what JSON escapes, and what it does not.
fn word() -> impl Strategy<Value = String> {
    select(vec![
        "u1",
        "s1",
        "web",
        "ä€😀",
        "a\"b",
        "a\\",
        "\u{1}",
        "orders-api",
        "x",
    ])
    .prop_map(str::to_owned)
}

fn odd_claims() -> impl Strategy<Value = Value> {
    let seconds = select(vec![
        0,
        -1,
        1,
        600,
        840,
        5_000_000_000,
        -5_000_000_000,
        i64::MAX / 2,
    ]);
    let optional = (
        option::of(word()),
        option::of(word()),
        option::of(seconds.clone()),
        option::of(seconds.clone()),
        option::of(seconds.clone()),
        option::of(select(vec![0_u64, 3, 4, 1 << 32, 1 << 52])),
        option::of(select(vec![0_u64, 5, 6, 1 << 40])),
    );
    let aud = prop_oneof![
        word().prop_map(Value::from),
        prop::collection::vec(word(), 1..4).prop_map(Value::from),
    ];
    (word(), aud, optional, seconds.clone(), seconds).prop_map(
        |(sub, aud, (sid, acr, nbf, auth_time, softexp, version, generation), iat, exp)| {
            let at = |after: Option<i64>| after.map(|after| NOW.saturating_add(after));
            json!({
                "sub": sub, "aud": aud, "sid": sid, "acr": acr, "nbf": at(nbf), "auth_time": at(auth_time),
                "softexp": at(softexp), "jwt_version": version, "gen": generation, "iat": NOW + iat.min(0),
                "exp": NOW.saturating_add(exp), "n": { "sub": "inner", "sid": ["inner"] },
            })
        },
    )
}

fn odd_expectations() -> impl Strategy<Value = Expected> {
    let audience = select(vec![
        Audience::Any,
        Audience::OneOf(vec!["orders-api".into()]),
        Audience::OneOf(vec!["x".into(), "a\"b".into()]),
    ]);
    (audience, any::<bool>(), select(vec![0, i64::MAX])).prop_map(|(audience, soft, late)| {
        let mut changed = expected();
        changed.audience = audience;
        changed.expired_for = late;
        if soft {
            changed.soft_expiry = SoftExpiry::Reject;
        }
        changed
    })
}

fn odd_feeds() -> impl Strategy<Value = Revoked> {
    let one = (
        select(vec![
            Kind::SESSION,
            Kind::USER,
            Kind::GENERATION,
            Kind::CLIENT,
            Kind::SIGNING_KEY,
        ]),
        select(vec!["u1", "s1", "web", "x", "ES256", "ä€😀", "a\"b"]),
        select(vec![0, 4, 6, NOW.cast_unsigned()]),
    );
    let feed = prop::collection::vec(one, 0..4).prop_map(|all| {
        let all = all
            .into_iter()
            .map(|(kind, name, arg)| entry(kind, name, arg));
        revoked(&all.collect::<Vec<_>>())
    });
    (feed, any::<bool>()).prop_map(|(feed, restored)| {
        if !restored {
            return feed;
        }
        let mut later = Revoked::new([1; 16]);
        later.merge(&feed);
        later
    })
}

/// The issuer's keys; without the one that signs the tokens; with another under its name, of its algorithm or not.
fn odd_keys() -> impl Strategy<Value = Keys> {
    let named = |mut jwk: Value| {
        jwk["kid"] = "ES256".into();
        Keys::from_jwks(json!({ "keys": [jwk] }).to_string()).unwrap()
    };
    // The generator of P-256: its private key is 1.
    let generator = json!({
        "kty": "EC", "crv": "P-256", "alg": "ES256",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    });
    select(vec![
        keys(),
        keys(),
        Keys::default(),
        named(jwk(Algorithm::EdDsa)),
        named(generator),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// At first sight and later, under the same terms and others: the answer, and all that the claims tell, are those of
    /// the pure function.
    #[test]
    fn memory_changes_nothing(
        tokens in prop::collection::vec(odd_claims(), 1..6),
        terms in prop::collection::vec(
            (odd_keys(), odd_expectations(), odd_feeds(), select(vec![0, -100, 1, 599, 840, 100_000])), 1..6,
        ),
    ) {
        let seen = SeenTokens::new(20, &[1; 32]);
        let tokens: Vec<String> = tokens.iter().map(|claims| token(&json!({}), claims)).collect();
        for (keys, expected, revoked, later) in terms.iter().chain(&terms) {
            for token in tokens.iter().chain(&tokens) {
                let pure = verify(token, keys, expected, revoked, NOW + later);
                let remembered = seen.verify(token, keys, expected, revoked, NOW + later);
                prop_assert_eq!(pure.as_ref().map(told), remembered.as_ref().map(told));
                let cloned = remembered.clone();
                prop_assert_eq!(remembered.as_ref().map(told), cloned.as_ref().map(told));
            }
        }
    }
}

#[test]
fn it_grows_and_forgets_only_what_it_has_no_room_for() {
    let (keys, expected, clear) = (keys(), expected(), Revoked::default());
    let seen = SeenTokens::new(3000, &[1; 32]);
    let look = |number: u32| {
        let token = token(&json!({}), &json!({ "jti": number.to_string() }));
        seen.verify(&token, &keys, &expected, &clear, NOW).unwrap();
    };
    (0..3000).for_each(look);
    assert!(seen.len() > 2990, "{}", seen.len());
    (3000..6000).for_each(look);
    assert!((2990..3500).contains(&seen.len()), "{}", seen.len());
}

/// Subjects of many lengths, and scopes, which clients choose, make many kinds of tokens. All are remembered; and where
/// there are too many, the memory begins anew.
#[test]
fn many_kinds_of_tokens_are_remembered_and_too_many_do_no_harm() {
    let (keys, expected, clear) = (keys(), expected(), Revoked::default());
    let seen = SeenTokens::new(100_000, &[1; 32]);
    let header = header(Algorithm::EdDsa).to_string();
    let mut most = 0;
    for number in 0..17_000 {
        let mut claims = claims();
        claims["scope"] = format!("a{number}").into();
        let token = signed(Algorithm::EdDsa, &header, claims.to_string().as_bytes());
        let before = seen.len();
        for _ in 0..2 {
            let claims = seen.verify(&token, &keys, &expected, &clear, NOW).unwrap();
            assert_eq!(claims.scope(), claims.raw()["scope"].as_str());
        }
        assert!(seen.len() == before + 1 || seen.len() == 1, "{number}");
        most = most.max(seen.len());
    }
    assert_eq!((most, seen.len()), (16_384, 17_000 - 16_384));
}

/// A feed that was begun anew salts its names otherwise: what is remembered is of no use, and does no harm.
#[test]
fn another_salt_begins_anew() {
    let (keys, expected) = (keys(), expected());
    let seen = SeenTokens::new(10, &[1; 32]);
    let token = token(&json!({}), &json!({}));
    let look = |revoked: &Revoked| {
        seen.verify(&token, &keys, &expected, revoked, NOW)
            .map(drop)
    };
    let ended = revoked(&[entry(Kind::SESSION, "s1", 0)]);
    for _ in 0..3 {
        assert_eq!(look(&Revoked::new([1; 16])), Ok(()));
        assert_eq!(look(&ended), Err(Rejection::SessionEnded(None)));
        let mut both = Revoked::new([1; 16]);
        both.merge(&ended);
        assert_eq!(look(&both), Err(Rejection::SessionEnded(None)));
    }
    assert_eq!(seen.len(), 1);
}

/// After a restore: remembered under the new salt, and refused by what was learnt under the old one.
#[test]
fn what_was_said_under_an_earlier_salt_counts_at_later_sights() {
    let (keys, expected) = (keys(), expected());
    let seen = SeenTokens::new(10, &[1; 32]);
    let token = token(&json!({}), &json!({}));
    let look = |revoked: &Revoked| {
        seen.verify(&token, &keys, &expected, revoked, NOW)
            .map(drop)
    };
    for (kind, name, arg, refusal) in [
        (Kind::SESSION, "s1", 0, Rejection::SessionEnded(None)),
        (Kind::USER, "u1", 4, Rejection::VersionRaised),
        (Kind::GENERATION, "s1", 6, Rejection::Superseded),
        (
            Kind::CLIENT,
            "web",
            NOW.cast_unsigned(),
            Rejection::IssuedBeforeCut,
        ),
        (Kind::SIGNING_KEY, "ES256", 0, Rejection::KeyDistrusted),
    ] {
        assert_eq!(look(&Revoked::new([1; 16])), Ok(()), "remembered");
        let mut restored = Revoked::new([1; 16]);
        restored.merge(&revoked(&[entry(kind, name, arg)]));
        assert_eq!(look(&restored), Err(refusal), "{name}");
    }
    assert_eq!(seen.len(), 1);
}

/// Tokens that differ in one thing alone, nothing else moved: what tokens have in common must not be taken for theirs.
#[test]
fn tokens_that_are_nearly_alike_are_told_apart() {
    let es = |header_changes: Value, claim_changes: Value| token(&header_changes, &claim_changes);
    let same = || json!({});
    let ed = header(Algorithm::EdDsa).to_string();
    let changed = |changes| es(same(), changes);
    let pairs = [
        (changed(same()), changed(json!({ "aud": "orders-apj" }))),
        (changed(same()), changed(json!({ "client_id": "app" }))),
        (
            changed(same()),
            changed(json!({ "iss": "https://auth.example.org" })),
        ),
        (changed(same()), es(json!({ "typ": "at-jwt" }), same())),
        (
            changed(same()),
            signed(Algorithm::EdDsa, &ed, claims().to_string().as_bytes()),
        ),
        (
            changed(json!({ "softexp": NOW })),
            changed(json!({ "softexp": NOW + 10 })),
        ),
        (
            changed(json!({ "nbf": NOW })),
            changed(json!({ "nbf": NOW + 10 })),
        ),
        (
            changed(json!({ "sub": "u1", "sid": "s10" })),
            changed(json!({ "sub": "u10", "sid": "s1" })),
        ),
        (changed(same()), changed(json!({ "gen": null, "gem": 5 }))),
        (
            changed(same()),
            changed(json!({ "jwt_version": null, "jwt_versiom": 3 })),
        ),
        (
            changed(same()),
            changed(json!({ "auth_time": null, "auth_timf": NOW - 600 })),
        ),
    ];
    let open = {
        let mut open = expected();
        open.audience = Audience::Any;
        open.types.push(Some("at-jwt".into()));
        open
    };
    let mut others = vec![expected(), open.clone(), open.clone(), open.clone()];
    others[2].issuer = "https://auth.example.org".into();
    others[3].algorithms = vec![Algorithm::Es256];
    let feeds = [
        revoked(&[]),
        revoked(&[entry(Kind::CLIENT, "app", NOW.cast_unsigned())]),
    ];
    for (one, other) in pairs {
        let seen = SeenTokens::new(10, &[1; 32]);
        for expected in others.iter().chain(&others) {
            for (revoked, now) in [(&feeds[0], NOW), (&feeds[0], NOW - 25), (&feeds[1], NOW)] {
                for token in [&one, &other] {
                    let pure = verify(token, &keys(), expected, revoked, now);
                    let remembered = seen.verify(token, &keys(), expected, revoked, now);
                    assert_eq!(
                        pure.as_ref().map(told),
                        remembered.as_ref().map(told),
                        "{token}"
                    );
                }
            }
        }
        assert_eq!(seen.len(), 2);
    }
}
