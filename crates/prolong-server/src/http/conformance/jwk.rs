//! JWK: the published keys (RFC 7517, 7638), as the authority serves them. The verifier's lines: `prolong-verify`.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use prolong_core::Preset;
use serde_json::Value;

use crate::world::{World, part, preset, world};

const PATH: &str = "/.well-known/jwks.json";

async fn keys(w: &World) -> Vec<Value> {
    let answer = w.send("GET", PATH, &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/jwk-set+json");
    answer.body["keys"].as_array().unwrap().clone()
}

#[tokio::test]
async fn jwk_1_public_members_of_distinct_keys() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:admin").await;
    w.call("POST", "/v1/admin/keys/rotate", &admin, "").await;
    let keys = keys(&w).await;
    let kids: BTreeSet<_> = keys
        .iter()
        .map(|key| key["kid"].as_str().unwrap())
        .collect();
    assert!(keys.len() >= 2 && kids.len() == keys.len());
    for key in &keys {
        let members: BTreeSet<_> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            BTreeSet::from(["alg", "crv", "kid", "kty", "use", "x", "y"])
        );
        assert_eq!(
            (&key["use"], &key["alg"]),
            (&Value::from("sig"), &Value::from("ES256"))
        );
    }
}

#[tokio::test]
async fn jwk_3_the_kid_is_the_thumbprint() {
    let w = world(preset(Preset::Refresh)).await;
    for key in keys(&w).await {
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let (x, y) = (text("x"), text("y"));
        let hashed = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let expected = URL_SAFE_NO_PAD.encode(digest(&SHA256, hashed.as_bytes()));
        assert_eq!(text("kid"), expected);
    }
}

#[tokio::test]
async fn jwk_4_a_key_is_published_as_long_as_its_tokens_live() {
    let w = world(preset(Preset::Refresh)).await;
    let old = w.signed_in("web").await.answer.access_token;
    let admin = w.token_for("prolong:admin").await;
    w.call("POST", "/v1/admin/keys/rotate", &admin, "").await;
    let new = w.signed_in("web").await.answer.access_token;
    let kid = |token: &str| part(token, 0)["kid"].as_str().unwrap().to_owned();
    assert_ne!(kid(&old), kid(&new));
    let published: BTreeSet<_> = keys(&w)
        .await
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect();
    assert!(published.contains(&kid(&old)) && published.contains(&kid(&new)));
    for token in [&old, &new] {
        assert_eq!(w.verify(token, "").await.status, StatusCode::OK);
    }
    let first = w.send("GET", PATH, &[], "").await;
    // Not for longer than a new key is published before it signs, nor than verifiers look again by themselves.
    let fresh = first.header("cache-control").split(", ");
    let fresh = fresh.filter_map(|word| word.strip_prefix("max-age="));
    assert_eq!(fresh.collect::<Vec<_>>(), ["300"]);
    let again = w
        .send("GET", PATH, &[("if-none-match", first.header("etag"))], "")
        .await;
    assert_eq!(
        (again.status, again.body),
        (StatusCode::NOT_MODIFIED, Value::Null)
    );
    w.call(
        "POST",
        "/v1/admin/keys/rotate",
        &w.token_for("prolong:admin").await,
        "",
    )
    .await;
    let changed = w
        .send("GET", PATH, &[("if-none-match", first.header("etag"))], "")
        .await;
    assert_eq!(changed.status, StatusCode::OK, "another document");
    assert_ne!(changed.header("etag"), first.header("etag"));
}

/// The feed of this authority says it at once, under the dead key's own name.
#[tokio::test]
async fn a_dead_key_is_in_the_feed_under_its_name() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:admin").await;
    let kid = part(&admin, 0)["kid"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/keys/{kid}/distrust");
    assert!(w.call("POST", &path, &admin, "").await.status.is_success());
    let reader = w.token_for("prolong:feed").await;
    let feed = w.call("GET", "/v1/feed/snapshot", &reader, "").await;
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let salt = u128::from_str_radix(feed.text("salt"), 16)
        .unwrap()
        .to_be_bytes();
    let entry = &feed.body["entries"][0];
    assert_eq!(entry["kind"], "K", "{}", feed.body);
    assert_eq!(
        entry["key"],
        hex(&prolong_verify::Revoked::key_of(&salt, &kid))
    );
}
