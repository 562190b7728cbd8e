//! INT: introspection (RFC 7662).

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};
use serde_json::json;

use crate::world::{Answer, FORM, World, preset, world};

pub(super) async fn ask(w: &World, who: &str, token: &str) -> Answer {
    let body = format!("client_id={who}&client_secret=s3cret&token={token}");
    w.form("/oauth/introspect", &body).await
}

#[tokio::test]
async fn int_1_only_who_may_ask_is_answered() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    for who in [
        "",
        "&client_id=web",
        "&client_id=ops",
        "&client_id=ops&client_secret=wrong",
    ] {
        let refused = w
            .form("/oauth/introspect", &format!("token={token}{who}"))
            .await;
        assert_eq!(
            (refused.status, refused.text("error")),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{who}"
        );
        assert!(!refused.header("www-authenticate").is_empty(), "{who}");
    }
    // A token of its own does as well as the secret; a user's does not.
    let bearer = |token: String| format!("Bearer {token}");
    let body = format!("token={token}");
    let good = bearer(w.token_for("prolong:introspect").await);
    let good = w
        .send(
            "POST",
            "/oauth/introspect",
            &[FORM, ("authorization", &good)],
            &body,
        )
        .await;
    assert_eq!(
        (good.status, &good.body["active"]),
        (StatusCode::OK, &json!(true))
    );
    for (wrong, status, error) in [
        (
            w.token_for("prolong:support").await,
            403,
            "insufficient_scope",
        ),
        (token.clone(), 403, "insufficient_scope"),
        ("nonsense".to_owned(), 401, "invalid_token"),
    ] {
        let wrong = bearer(wrong);
        let refused = w
            .send(
                "POST",
                "/oauth/introspect",
                &[FORM, ("authorization", &wrong)],
                &body,
            )
            .await;
        assert_eq!(
            (refused.status.as_u16(), refused.text("error")),
            (status, error)
        );
        assert_eq!(refused.header("content-type"), "application/json");
        let challenge = refused.header("www-authenticate");
        assert!(challenge.starts_with("Bearer ") && challenge.contains(error));
    }
}

#[tokio::test]
async fn int_2_of_what_is_not_active_nothing_more_is_said() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let refresh = one.refresh_token.unwrap();
    let inactive = json!({ "active": false });
    for token in ["unknown", "plr1_x", "a.b.c"] {
        let answer = ask(&w, "ops", token).await;
        assert_eq!(
            (answer.status, answer.body),
            (StatusCode::OK, inactive.clone()),
            "{token}"
        );
    }
    for token in [&refresh, &one.access_token] {
        assert_eq!(
            ask(&w, "server", token).await.body,
            inactive,
            "another client's"
        );
        assert_eq!(ask(&w, "ops", token).await.body["active"], true);
    }
    w.form("/oauth/revoke", &format!("token={refresh}")).await;
    for token in [&refresh, &one.access_token] {
        assert_eq!(ask(&w, "ops", token).await.body, inactive, "revoked");
    }
}

#[tokio::test]
async fn int_3_an_active_token_tells_its_claims() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("server").await.answer;
    let known = ask(&w, "server", &one.access_token).await;
    assert_eq!(known.header("content-type"), "application/json");
    for (name, value) in [
        ("active", json!(true)),
        ("scope", json!("read write")),
        ("client_id", json!("server")),
        ("token_type", json!("Bearer")),
        ("exp", json!(1_800_000_900)),
        ("iat", json!(1_800_000_000)),
        ("auth_time", json!(1_800_000_000)),
        ("sub", json!("maryo")),
        ("aud", json!("api")),
        ("iss", json!("https://auth.example.com")),
    ] {
        assert_eq!(known.body[name], value, "{name}");
    }
    assert!(known.body["jti"].is_string() && known.body["sid"].is_string());
    let refresh = ask(&w, "server", &one.refresh_token.unwrap()).await;
    assert_eq!(refresh.body["exp"], 1_800_000_000 + 7 * 86_400);
    assert_eq!(
        (refresh.text("sub"), refresh.text("client_id")),
        ("maryo", "server")
    );
}

#[tokio::test]
async fn int_4_time_and_revocation_are_looked_at() {
    let w = world(PolicyDraft {
        supersede: Some(true),
        ..preset(Preset::Refresh)
    })
    .await;
    let one = w.signed_in("web").await.answer;
    let first = one.refresh_token.unwrap();
    w.later(60);
    let second = w.refresh(&first, "").await;
    let active = |answer: Answer| answer.body["active"] == true;
    assert!(
        !active(ask(&w, "ops", &one.access_token).await),
        "superseded"
    );
    assert!(!active(ask(&w, "ops", &first).await), "spent");
    assert!(active(ask(&w, "ops", second.text("access_token")).await));
    assert!(active(ask(&w, "ops", second.text("refresh_token")).await));
    w.later(900);
    assert!(
        !active(ask(&w, "ops", second.text("access_token")).await),
        "expired"
    );
    let admin = w.token_for("prolong:admin").await;
    w.call("POST", "/v1/admin/users/maryo/disable", &admin, "")
        .await;
    assert!(
        !active(ask(&w, "ops", second.text("refresh_token")).await),
        "banned"
    );
}

#[tokio::test]
async fn int_5_by_post_alone_and_kept_by_nobody() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let path = format!("/oauth/introspect?token={token}");
    let get = w.send("GET", &path, &[], "").await;
    assert_eq!(
        (get.status, get.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
    let in_query = w.form(&path, "client_id=ops&client_secret=s3cret").await;
    assert_eq!(in_query.text("error"), "invalid_request");
    assert_eq!(
        ask(&w, "ops", &token).await.header("cache-control"),
        "no-store"
    );
}
