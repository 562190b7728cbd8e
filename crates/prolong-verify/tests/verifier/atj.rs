//! ATJ-1 … ATJ-13 (RFC 9068), and what routes ask (BEA-5, STP-1, STP-5).

use prolong_verify::{Audience, Caller, Code, Rejection, Requirement, Revoked, verify};
use serde_json::json;

use crate::mint::{NOW, expected, keys, token, with_claims, with_header};

#[test]
fn atj_2_the_seven_claims_are_required_and_typed() {
    for name in ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"] {
        for bad in [json!(null), json!(true), json!({}), json!("")] {
            assert_eq!(
                with_claims(&json!({ name: bad })).unwrap_err(),
                Rejection::BadClaim(name),
                "{bad}"
            );
        }
    }
}

#[test]
fn atj_3_the_other_claims_are_typed() {
    for (name, bad) in [
        ("auth_time", json!("x")),
        ("sid", json!(7)),
        ("jwt_version", json!(-1)),
        ("gen", json!(1.5)),
        ("scope", json!(["a"])),
        ("acr", json!(1)),
        ("softexp", json!("1")),
        ("nbf", json!(false)),
    ] {
        assert_eq!(
            with_claims(&json!({ name: bad })).unwrap_err(),
            Rejection::BadClaim(name)
        );
    }
}

#[test]
fn atj_6_other_types_are_refused_unless_listed() {
    for typ in [
        json!("JWT"),
        json!(null),
        json!("at"),
        json!("logout+jwt"),
        json!("x/at+jwt"),
        json!("application/x/at+jwt"),
    ] {
        assert_eq!(
            with_header(&json!({ "typ": typ })).unwrap_err(),
            Rejection::WrongType,
            "{typ}"
        );
    }
    assert_eq!(
        with_header(&json!({ "typ": 7 })).unwrap_err(),
        Rejection::BadHeader
    );
    let mut foreign = expected();
    foreign.types = vec![Some("JWT".into()), None];
    for (typ, good) in [
        (json!("jwt"), true),
        (json!(null), true),
        (json!("at+jwt"), false),
    ] {
        let token = token(&json!({ "typ": typ }), &json!({}));
        assert_eq!(
            verify(&token, &keys(), &foreign, &Revoked::default(), NOW).is_ok(),
            good,
            "{typ}"
        );
    }
}

#[test]
fn atj_8_the_authority_may_take_any_audience() {
    let mut any = expected();
    any.audience = Audience::Any;
    let of = |aud| {
        verify(
            &token(&json!({}), &json!({ "aud": aud })),
            &keys(),
            &any,
            &Revoked::default(),
            NOW,
        )
    };
    assert!(of(json!("else")).is_ok());
    assert_eq!(of(json!(null)).unwrap_err(), Rejection::BadClaim("aud"));
}

#[test]
fn atj_9_a_changed_token_is_refused() {
    let good = token(&json!({}), &json!({}));
    let other = token(&json!({}), &json!({ "sub": "u2" }));
    let swapped: Vec<&str> = vec![
        good.split('.').next().unwrap(),
        other.split('.').nth(1).unwrap(),
        good.split('.').nth(2).unwrap(),
    ];
    assert_eq!(
        crate::mint::check(&swapped.join(".")).unwrap_err(),
        Rejection::BadSignature
    );
}

#[test]
fn atj_13_machines_and_users_are_told_apart() {
    let user = with_claims(&json!({})).unwrap();
    let machine = with_claims(&json!({ "sid": null })).unwrap();
    let of = |caller| Requirement {
        caller,
        ..Requirement::default()
    };
    assert!(
        of(Caller::User).check(&user, NOW).is_ok()
            && of(Caller::Machine).check(&machine, NOW).is_ok()
    );
    assert_eq!(
        of(Caller::User).check(&machine, NOW),
        Err(Rejection::WrongSubjectKind)
    );
    assert_eq!(
        of(Caller::Machine).check(&user, NOW),
        Err(Rejection::WrongSubjectKind)
    );
    assert!(of(Caller::Any).check(&user, NOW).is_ok());
    assert!(of(Caller::Any).check(&machine, NOW).is_ok());
    assert_eq!(
        Requirement::default().check(&machine, NOW),
        Err(Rejection::WrongSubjectKind),
        "who did not think of machines lets none in"
    );
}

#[test]
fn bea_5_a_missing_scope_is_told() {
    let needs = |scope: &str| Requirement {
        scopes: vec![scope.into()],
        ..Requirement::default()
    };
    let claims = with_claims(&json!({})).unwrap();
    assert!(needs("orders:read").check(&claims, NOW).is_ok());
    let refused = needs("orders").check(&claims, NOW).unwrap_err();
    assert_eq!(
        (refused.code(), refused.code().status()),
        (Code::InsufficientScope, 403)
    );
}

#[test]
fn stp_5_age_and_strength_of_the_sign_in_are_checked() {
    let claims = with_claims(&json!({ "acr": "aal2" })).unwrap();
    let age = |limit| Requirement {
        max_age: Some(limit),
        ..Requirement::default()
    };
    assert!(age(601).check(&claims, NOW).is_ok());
    assert_eq!(
        age(600).check(&claims, NOW),
        Err(Rejection::InsufficientAuthentication)
    );
    let never = with_claims(&json!({ "auth_time": null })).unwrap();
    assert_eq!(
        age(9999).check(&never, NOW),
        Err(Rejection::InsufficientAuthentication)
    );
    let acr = |value: &str| Requirement {
        acr_values: vec![value.into()],
        ..Requirement::default()
    };
    assert!(acr("aal2").check(&claims, NOW).is_ok());
    assert_eq!(
        acr("aal3").check(&claims, NOW),
        Err(Rejection::InsufficientAuthentication)
    );
}
