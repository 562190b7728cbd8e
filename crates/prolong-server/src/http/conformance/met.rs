//! MET: metadata (RFC 8414).

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{preset, world, world_at};

#[tokio::test]
async fn met_1_where_it_is_and_what_it_looks_like() {
    let w = world_at("https://auth.example.com/a/b", preset(Preset::Refresh)).await;
    let inserted = "/.well-known/oauth-authorization-server/a/b";
    let appended = "/a/b/.well-known/openid-configuration";
    for path in [inserted, appended] {
        let answer = w.send("GET", path, &[], "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        for (name, value) in answer.body.as_object().unwrap() {
            assert!(
                !value.is_null() && value != "" && value.as_array() != Some(&Vec::new()),
                "{name}"
            );
        }
        assert_eq!(w.send("HEAD", path, &[], "").await.status, StatusCode::OK);
    }
    let plain = world(preset(Preset::Refresh)).await;
    let path = "/.well-known/oauth-authorization-server";
    assert_eq!(
        plain.send("GET", path, &[], "").await.status,
        StatusCode::OK
    );
    assert_eq!(
        w.send("GET", path, &[], "").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn met_2_the_issuer_is_the_one_that_was_asked() {
    for issuer in ["https://auth.example.com", "https://auth.example.com/a/b"] {
        let w = world_at(issuer, preset(Preset::Refresh)).await;
        let path = issuer.strip_prefix("https://auth.example.com").unwrap();
        let path = format!("/.well-known/oauth-authorization-server{path}");
        let answer = w.send("GET", &path, &[], "").await;
        assert_eq!(answer.text("issuer"), issuer);
        let token = w.signed_in("web").await.answer.access_token;
        assert_eq!(crate::world::part(&token, 1)["iss"], issuer);
    }
}

#[tokio::test]
async fn met_3_every_endpoint_that_it_names_is_there() {
    let w = world_at("https://auth.example.com/a", preset(Preset::Refresh)).await;
    let path = "/.well-known/oauth-authorization-server/a";
    let document = w.send("GET", path, &[], "").await;
    for (name, method) in [
        ("token_endpoint", "POST"),
        ("revocation_endpoint", "POST"),
        ("introspection_endpoint", "POST"),
        ("jwks_uri", "GET"),
        ("service_documentation", "GET"),
    ] {
        let url = document.text(name).to_owned();
        let path = url.strip_prefix("https://auth.example.com").unwrap();
        let asked = w.send("OPTIONS", path, &[], "").await;
        assert!(asked.header("allow").contains(method), "{name}: {url}");
    }
    for (name, word) in [
        ("grant_types_supported", "refresh_token"),
        ("grant_types_supported", "client_credentials"),
        ("token_endpoint_auth_methods_supported", "none"),
        (
            "token_endpoint_auth_methods_supported",
            "client_secret_basic",
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            "client_secret_post",
        ),
        ("refresh_token_expiration_types_supported", "token_timeout"),
        ("refresh_token_expiration_types_supported", "authorization"),
        ("scopes_supported", "read"),
    ] {
        let list = document.body[name].as_array().unwrap();
        assert!(list.iter().any(|one| one == word), "{name}: {word}");
    }
}
