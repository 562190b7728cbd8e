//! ATJ: access tokens as JWTs (RFC 9068), as the authority mints them and as its own endpoints read them. The verifier's
//! lines: `prolong-verify`.

use http::StatusCode;
use prolong_core::Preset;
use serde_json::{Value, json};

use crate::settings::Algorithm;
use crate::world::{World, part, preset, world, world_with};

/// A token of the authority's own key with these claims changed; `null` takes one away.
async fn minted(w: &World, change: &Value) -> String {
    let token = w.signed_in("web").await.answer.access_token;
    let mut claims = part(&token, 1);
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        }
    }
    w.authority
        .signing
        .sign(claims.to_string().as_bytes())
        .unwrap()
}

#[tokio::test]
async fn atj_1_the_type_says_what_it_is() {
    let w = world(preset(Preset::Refresh)).await;
    for token in [
        w.signed_in("web").await.answer.access_token,
        w.token_for("prolong:admin").await,
    ] {
        let header = part(&token, 0);
        assert_eq!(
            (&header["typ"], &header["alg"]),
            (&json!("at+jwt"), &json!("ES256"))
        );
        assert!(header["kid"].is_string());
    }
}

#[tokio::test]
async fn atj_2_every_token_has_the_seven_claims() {
    let w = world(preset(Preset::Refresh)).await;
    let user = part(&w.signed_in("web").await.answer.access_token, 1);
    let machine = part(&w.token_for("prolong:admin").await, 1);
    for claims in [&user, &machine] {
        for name in ["iss", "sub", "aud", "client_id", "jti"] {
            assert!(claims[name].is_string(), "{name}: {claims}");
        }
        assert!(claims["iat"].is_i64() && claims["exp"].is_i64());
    }
    assert!(user["sid"].is_string() && user["jwt_version"].is_u64() && user["auth_time"].is_i64());
}

#[tokio::test]
async fn atj_3_renewing_moves_neither_auth_time_nor_acr() {
    let w = world(preset(Preset::Refresh)).await;
    let backend = w.token_for("prolong:sign-in").await;
    let wish = r#"{"client_id":"web","auth_time":1799999000,"acr":"aal2"}"#;
    let started = w
        .call("POST", "/v1/admin/users/maryo/sessions", &backend, wish)
        .await;
    let first = part(started.text("access_token"), 1);
    assert_eq!(
        (&first["auth_time"], &first["acr"]),
        (&json!(1_799_999_000), &json!("aal2"))
    );
    w.later(3600);
    let renewed = w.refresh(started.text("refresh_token"), "").await;
    let second = part(renewed.text("access_token"), 1);
    for name in ["auth_time", "acr", "sid", "sub", "client_id"] {
        assert_eq!(first[name], second[name], "{name}");
    }
    assert_ne!(first["jti"], second["jti"]);
}

#[tokio::test]
async fn atj_4_the_scope_is_in_the_token() {
    let w = world(preset(Preset::Refresh)).await;
    let answer = w.signed_in("web").await.answer;
    assert_eq!(part(&answer.access_token, 1)["scope"], "read write");
    let narrow = w
        .refresh(&answer.refresh_token.unwrap(), "&scope=write")
        .await;
    assert_eq!(part(narrow.text("access_token"), 1)["scope"], "write");
}

#[tokio::test]
async fn atj_5_the_audience_is_the_clients_own() {
    let w = world(preset(Preset::Refresh)).await;
    assert_eq!(
        part(&w.signed_in("web").await.answer.access_token, 1)["aud"],
        "api"
    );
    let machine = part(&w.token_for("prolong:admin").await, 1);
    assert_eq!(machine["aud"], machine["iss"]);
}

#[tokio::test]
async fn atj_7_the_issuer_is_compared_as_it_is_written() {
    let w = world(preset(Preset::Refresh)).await;
    for issuer in [
        "https://auth.example.com/",
        "https://AUTH.example.com",
        "https://evil.example",
    ] {
        let token = minted(&w, &json!({ "iss": issuer })).await;
        assert_eq!(
            w.verify(&token, "").await.text("code"),
            "INVALID_TOKEN",
            "{issuer}"
        );
    }
    let good = minted(&w, &json!({ "jti": "x" })).await;
    assert_eq!(w.verify(&good, "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn atj_8_the_audience_must_be_among_those_asked_for() {
    let w = world(preset(Preset::Refresh)).await;
    let foreign = minted(&w, &json!({ "aud": "elsewhere" })).await;
    assert_eq!(
        w.verify(&foreign, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    let both = minted(&w, &json!({ "aud": ["elsewhere", "api"] })).await;
    assert_eq!(
        w.verify(&both, "?audience=api").await.status,
        StatusCode::OK
    );
    assert_eq!(
        w.verify(&both, "?audience=other").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn atj_10_at_exp_it_is_over() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    w.later(899);
    assert_eq!(w.verify(&token, "").await.status, StatusCode::OK);
    w.later(1);
    assert_eq!(w.verify(&token, "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        w.call("GET", "/v1/sessions", &token, "").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn atj_11_a_refusal_says_invalid_token() {
    let w = world(preset(Preset::Refresh)).await;
    for change in [
        json!({ "iss": "x" }),
        json!({ "aud": "x" }),
        json!({ "exp": 1 }),
        json!({ "sub": null }),
    ] {
        let token = minted(&w, &change).await;
        let refused = w.verify(&token, "").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{change}");
        assert!(
            refused
                .header("www-authenticate")
                .contains("error=\"invalid_token\""),
            "{change}"
        );
    }
}

#[tokio::test]
async fn atj_12_rs256_is_signed_and_understood() {
    for algorithm in [Algorithm::Rs256, Algorithm::EdDsa] {
        let w = world_with(preset(Preset::Refresh), |settings| {
            settings.algorithm = algorithm;
        })
        .await;
        let token = w.signed_in("web").await.answer.access_token;
        assert_eq!(part(&token, 0)["alg"], algorithm.as_str());
        assert_eq!(w.verify(&token, "").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn atj_13_a_machines_subject_is_its_client_and_never_a_user() {
    let w = world(preset(Preset::Refresh)).await;
    let machine = w.token_for("prolong:admin").await;
    let claims = part(&machine, 1);
    assert_eq!(
        (&claims["sub"], &claims["client_id"]),
        (&json!("ops"), &json!("ops"))
    );
    assert!(claims.get("sid").is_none() && claims.get("auth_time").is_none());
    for path in ["/v1/sessions", "/v1/sessions/current"] {
        assert_eq!(
            w.call("GET", path, &machine, "").await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    let wish = r#"{"client_id":"web"}"#;
    let taken = w
        .call("POST", "/v1/admin/users/ops/sessions", &machine, wish)
        .await;
    assert_eq!(
        taken.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        taken.body
    );
}
