//! JWT-1 … JWT-16.

use prolong_verify::{
    Action, Algorithm, Code, Key, PublicKeyBytes, Rejection, Revoked, SoftExpiry, verify,
};
use serde_json::json;

use crate::mint::{
    ISSUED_BY, NOW, b64, check, claims, expected, header, keys, signed, token, with_claims,
    with_header,
};

#[test]
fn a_sound_token_of_each_algorithm_is_accepted() {
    for algorithm in Algorithm::ALL {
        let token = signed(
            *algorithm,
            &header(*algorithm).to_string(),
            claims().to_string().as_bytes(),
        );
        let claims = check(&token).unwrap();
        assert_eq!(claims.subject(), "u1");
        assert_eq!(claims.session_id(), Some("s1"));
        assert!(
            claims.has_scope("profile") && !claims.has_scope("orders") && !claims.has_scope("")
        );
    }
}

#[test]
fn jwt_1_algorithms_outside_the_allowlist_are_never_tried() {
    let mut expected = expected();
    expected.algorithms = vec![Algorithm::EdDsa];
    let token = token(&json!({}), &json!({}));
    assert_eq!(
        verify(&token, &keys(), &expected, &Revoked::default(), NOW).unwrap_err(),
        Rejection::WrongAlgorithm
    );
    for name in ["es256", "ES384", "HS256", "noNE", "", "eddsa"] {
        assert_eq!(
            with_header(&json!({ "alg": name })).unwrap_err(),
            Rejection::WrongAlgorithm,
            "{name}"
        );
    }
}

#[test]
fn jwt_2_the_key_of_the_kid_decides_the_algorithm() {
    for (alg, kid) in [
        ("EdDSA", "Ed25519"),
        ("Ed25519", "EdDSA"),
        ("PS256", "RS256"),
        ("ES256", "RS256"),
    ] {
        let algorithm = Algorithm::parse(alg).unwrap();
        let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid }).to_string();
        let token = signed(algorithm, &header, claims().to_string().as_bytes());
        assert_eq!(
            check(&token).unwrap_err(),
            Rejection::KeyAlgorithm,
            "{alg} {kid}"
        );
    }
    assert_eq!(
        with_header(&json!({ "kid": "other" })).unwrap_err(),
        Rejection::UnknownKey
    );
    assert_eq!(
        with_header(&json!({ "kid": null })).unwrap_err(),
        Rejection::BadHeader
    );
}

#[test]
fn jwt_3_none_is_refused() {
    let unsigned = format!(
        "{}.{}.",
        b64(r#"{"alg":"none","typ":"at+jwt","kid":"ES256"}"#),
        b64(claims().to_string())
    );
    assert_eq!(check(&unsigned).unwrap_err(), Rejection::NotCompact);
    assert_eq!(
        check(&format!("{unsigned}AAAA")).unwrap_err(),
        Rejection::WrongAlgorithm
    );
}

/// The signature of such a token holds, and it is found where it must be.
#[test]
fn jwt_4_where_a_dot_must_be_is_nothing_else() {
    let header = r#"{"typ":"at+jwt","alg":"ES256","kid":"ES256"}"#;
    let good = signed(Algorithm::Es256, header, claims().to_string().as_bytes());
    assert!(check(&good).is_ok());
    for (dot, _) in good.match_indices('.') {
        let mut bad = good.clone();
        bad.replace_range(dot..=dot, "A");
        assert_eq!(check(&bad).err(), Some(Rejection::NotCompact));
    }
}

#[test]
fn jwt_4_only_three_compact_parts() {
    let good = token(&json!({}), &json!({}));
    let parts: Vec<&str> = good.split('.').collect();
    let bad = [
        String::new(),
        "..".into(),
        parts[..2].join("."),
        format!("{good}."),
        format!(".{good}"),
        format!("{good}.a.b"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("\"{good}\""),
        good.replacen('.', "%2e", 1),
        format!("{}..{}", parts[0], parts[2]),
        json!({ "protected": parts[0], "payload": parts[1], "signature": parts[2] }).to_string(),
        good.replacen('e', "é", 1),
    ];
    for bad in bad {
        assert_eq!(check(&bad).unwrap_err(), Rejection::NotCompact, "{bad}");
    }
}

#[test]
fn jwt_5_unused_bits_must_be_zero() {
    // 64 bytes are 86 characters; the last has 4 unused bits.
    let good = token(&json!({}), &json!({}));
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = good.split_at(good.len() - 1);
    let place = alphabet.find(last).unwrap();
    for other in (place / 16 * 16)..(place / 16 * 16 + 16) {
        let twin = format!("{rest}{}", &alphabet[other..=other]);
        assert_eq!(check(&twin).is_ok(), twin == good, "{other}");
    }
}

#[test]
fn jwt_6_duplicate_members_are_refused_at_every_level() {
    let twice = |object: &serde_json::Value, more: &str| {
        object.to_string().replacen('{', &format!("{{{more},"), 1)
    };
    let header = header(Algorithm::Es256);
    let sign =
        |header: &str, claims: &str| check(&signed(Algorithm::Es256, header, claims.as_bytes()));
    let good = claims().to_string();
    assert_eq!(
        sign(&twice(&header, r#""alg":"ES256""#), &good).unwrap_err(),
        Rejection::BadHeader
    );
    assert_eq!(
        sign(&twice(&header, r#""x":{"a":1,"a":1}"#), &good).unwrap_err(),
        Rejection::BadHeader
    );
    for more in [
        r#""sub":"u2""#,
        r#""s\u0075b":"u2""#,
        r#""x":[{"a":1,"a":2}]"#,
    ] {
        assert_eq!(
            sign(&header.to_string(), &twice(&claims(), more)).unwrap_err(),
            Rejection::BadClaims,
            "{more}"
        );
    }
}

#[test]
fn jwt_7_crit_in_any_form_and_b64_are_refused() {
    for crit in [
        json!([]),
        json!(["exp"]),
        json!(["alg"]),
        json!("x"),
        json!(["b64"]),
        json!(1),
    ] {
        assert_eq!(
            with_header(&json!({ "crit": crit })).unwrap_err(),
            Rejection::CriticalExtension
        );
    }
    assert_eq!(
        with_header(&json!({ "b64": true })).unwrap_err(),
        Rejection::CriticalExtension
    );
    let null = r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","crit":null}"#;
    let token = signed(Algorithm::Es256, null, claims().to_string().as_bytes());
    assert_eq!(check(&token).unwrap_err(), Rejection::CriticalExtension);
}

#[test]
fn jwt_8_utf8_only_and_capped() {
    let mut bytes = claims().to_string().into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'u').unwrap();
    bytes[place] = 0xff;
    let token = signed(
        Algorithm::Es256,
        &header(Algorithm::Es256).to_string(),
        &bytes,
    );
    assert_eq!(check(&token).unwrap_err(), Rejection::BadClaims);

    let long = with_claims(&json!({ "x": "a".repeat(7000) })).unwrap_err();
    assert_eq!((long, long.code()), (Rejection::TooLarge, Code::TooLarge));
    assert!(with_claims(&json!({ "x": "a".repeat(5000) })).is_ok());
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let deep = claims()
        .to_string()
        .replacen('{', &format!(r#"{{"x":{deep},"#), 1);
    let deep = signed(
        Algorithm::Es256,
        &header(Algorithm::Es256).to_string(),
        deep.as_bytes(),
    );
    assert_eq!(check(&deep).unwrap_err(), Rejection::BadClaims);
}

#[test]
fn jwt_9_ecdsa_signatures_are_raw_and_in_range() {
    let key = Key::new("k", Algorithm::Es256, &ISSUED_BY.public(Algorithm::Es256)).unwrap();
    let good = ISSUED_BY.sign(Algorithm::Es256, b"m");
    assert!(key.signed(b"m", &good));
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (r, s) = good.split_at(32);
    let zero = [0_u8; 32];
    let bad = [
        [&zero[..], &zero].concat(),
        [r, &zero].concat(),
        [&zero[..], s].concat(),
        [&order[..], s].concat(),
        [r, &order].concat(),
        [r, s, &[0]].concat(),
        [&[0], r, s].concat(),
        good[..63].to_vec(),
        Vec::new(),
        [&[0x30, 0x44, 2, 32][..], r, &[2, 32], s].concat(),
    ];
    for bad in bad {
        assert!(!key.signed(b"m", &bad), "{bad:?}");
    }
}

#[test]
fn jwt_9_rsa_keys_under_2048_bits_are_refused() {
    let e = vec![1, 0, 1];
    for (n, e) in [
        (vec![0xff; 128], e.clone()),
        (vec![0x7f; 256], e.clone()),
        (vec![0xff; 1025], e),
        (vec![0xff; 256], vec![1]),
        (vec![0xff; 256], vec![4]),
        (vec![0xff; 256], vec![0, 1, 1]),
        (vec![0xfe; 256], vec![1, 0, 1]),
        ([&[0][..], &[0xff; 256]].concat(), vec![1, 0, 1]),
        ([&[0][..], &[0x7f; 256]].concat(), vec![1, 0, 1]),
        (vec![0xff; 256], vec![0xff; 6]),
        (Vec::new(), Vec::new()),
    ] {
        assert!(Key::new("k", Algorithm::Rs256, &PublicKeyBytes::Rsa { n, e }).is_err());
    }
}

#[test]
fn jwt_10_iss_is_compared_exactly() {
    for iss in [
        "https://auth.example.com/",
        "HTTPS://auth.example.com",
        "https://auth.example.com.evil",
        "x",
    ] {
        assert_eq!(
            with_claims(&json!({ "iss": iss })).unwrap_err(),
            Rejection::WrongIssuer
        );
    }
}

#[test]
fn jwt_11_aud_must_contain_us() {
    assert!(with_claims(&json!({ "aud": ["x", "orders-api"] })).is_ok());
    for aud in [
        json!("orders"),
        json!(["orders-api2"]),
        json!("orders-api "),
    ] {
        assert_eq!(
            with_claims(&json!({ "aud": aud })).unwrap_err(),
            Rejection::WrongAudience
        );
    }
    for aud in [
        json!([]),
        json!(null),
        json!(7),
        json!(["orders-api", 7]),
        json!({ "orders-api": 1 }),
    ] {
        assert_eq!(
            with_claims(&json!({ "aud": aud })).unwrap_err(),
            Rejection::BadClaim("aud")
        );
    }
}

#[test]
fn jwt_12_no_key_comes_from_the_token() {
    let forged = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "../../etc/passwd", "jwk": crate::mint::jwk(Algorithm::Es256),
        "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x", "x5c": ["AA"] });
    let token = signed(
        Algorithm::Es256,
        &forged.to_string(),
        claims().to_string().as_bytes(),
    );
    assert_eq!(check(&token).unwrap_err(), Rejection::UnknownKey);
    let other = crate::mint::jwk(Algorithm::EdDsa);
    assert!(with_header(&json!({ "jwk": other, "jku": "https://evil.example/" })).is_ok());
}

#[test]
fn jwt_14_typ_follows_the_media_type_rule() {
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        assert!(with_header(&json!({ "typ": typ })).is_ok(), "{typ}");
    }
}

#[test]
fn jwt_15_exp_is_half_open() {
    let mut expected = expected();
    let at = |expected: &_, claims, now| {
        verify(
            &token(&json!({}), &claims),
            &keys(),
            expected,
            &Revoked::default(),
            now,
        )
        .map(|claims| claims.expired())
    };
    assert_eq!(at(&expected, json!({ "exp": NOW + 1 }), NOW), Ok(false));
    let over = at(&expected, json!({ "exp": NOW }), NOW).unwrap_err();
    assert_eq!(
        (over, over.code(), over.action()),
        (Rejection::Expired, Code::ExpiredToken, Action::Renew)
    );
    assert_eq!(
        at(&expected, json!({ "exp": 1_795_435_200.5 }), NOW),
        Ok(false)
    );
    assert_eq!(
        at(&expected, json!({ "exp": 1_795_435_200.5 }), NOW + 1),
        Err(Rejection::Expired)
    );

    expected.expired_for = 60;
    assert_eq!(at(&expected, json!({ "exp": NOW }), NOW), Ok(true));
    assert_eq!(at(&expected, json!({ "exp": NOW }), NOW + 59), Ok(true));
    assert_eq!(
        at(&expected, json!({ "exp": NOW }), NOW + 60),
        Err(Rejection::Expired)
    );
    expected.exp_leeway = 5;
    assert_eq!(at(&expected, json!({ "exp": NOW }), NOW + 4), Ok(false));
}

#[test]
fn jwt_15_nbf_and_iat_may_be_30_s_ahead() {
    for name in ["nbf", "iat"] {
        assert!(with_claims(&json!({ name: NOW + 30 })).is_ok());
        assert_eq!(
            with_claims(&json!({ name: NOW + 31 })).unwrap_err(),
            Rejection::NotYetValid
        );
    }
}

#[test]
fn jwt_15_strange_numbers_do_no_harm() {
    assert!(with_claims(&json!({ "exp": 1e300 })).is_ok());
    assert!(with_claims(&json!({ "exp": u64::MAX })).is_ok());
    assert_eq!(
        with_claims(&json!({ "exp": -1e300 })).unwrap_err(),
        Rejection::Expired
    );
    assert_eq!(
        with_claims(&json!({ "exp": i64::MIN })).unwrap_err(),
        Rejection::Expired
    );
    assert_eq!(
        with_claims(&json!({ "nbf": 1e300 })).unwrap_err(),
        Rejection::NotYetValid
    );
    assert_eq!(
        with_claims(&json!({ "exp": "1e9" })).unwrap_err(),
        Rejection::BadClaim("exp")
    );
    let infinite = claims().to_string().replacen('{', r#"{"x":1e999,"#, 1);
    let infinite = signed(
        Algorithm::Es256,
        &header(Algorithm::Es256).to_string(),
        infinite.as_bytes(),
    );
    assert_eq!(check(&infinite).unwrap_err(), Rejection::BadClaims);
}

#[test]
fn jwt_16_nothing_is_decrypted_or_inflated() {
    let good = token(&json!({}), &json!({}));
    let encrypted = format!("{good}.AAAA.AAAA");
    assert_eq!(check(&encrypted).unwrap_err(), Rejection::NotCompact);
    let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "ES256", "zip": "DEF" });
    // RFC 1951: one stored block that holds the claims.
    let plain = claims().to_string().into_bytes();
    let length = u16::try_from(plain.len()).unwrap().to_le_bytes();
    let mut deflated = vec![1, length[0], length[1], !length[0], !length[1]];
    deflated.extend(&plain);
    let deflated = signed(Algorithm::Es256, &header.to_string(), &deflated);
    assert_eq!(check(&deflated).unwrap_err(), Rejection::BadClaims);
    // Without `crit`, a name that is not understood means nothing (RFC 7515 §4).
    assert!(check(&signed(Algorithm::Es256, &header.to_string(), &plain)).is_ok());
}

#[test]
fn softexp_is_a_hint_or_enforced() {
    let soft = |enforced, softexp, now| {
        let mut expected = expected();
        expected.soft_expiry = if enforced {
            SoftExpiry::Reject
        } else {
            SoftExpiry::Hint
        };
        let token = token(&json!({}), &json!({ "softexp": softexp, "exp": NOW + 10 }));
        verify(&token, &keys(), &expected, &Revoked::default(), now)
            .map(|claims| claims.renewal_due())
    };
    assert_eq!(soft(false, json!(NOW), NOW - 1), Ok(false));
    assert_eq!(soft(false, json!(NOW), NOW), Ok(true));
    assert_eq!(soft(false, json!(NOW), NOW + 10), Err(Rejection::Expired));
    assert_eq!(soft(true, json!(NOW), NOW - 1), Ok(false));
    let due = soft(true, json!(NOW), NOW).unwrap_err();
    assert_eq!(
        (due.code(), due.action()),
        (Code::ExpiredToken, Action::Renew)
    );
    let missed = soft(true, json!(NOW), NOW + 10).unwrap_err();
    assert_eq!(
        (missed.code(), missed.action()),
        (Code::InvalidToken, Action::SignIn)
    );
    assert_eq!(soft(true, json!(null), NOW + 10), Err(Rejection::Expired));
}
