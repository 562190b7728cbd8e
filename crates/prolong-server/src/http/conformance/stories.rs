//! What the policies make of tokens, over the router.

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{preset, world};

#[tokio::test]
async fn soft_expiry_says_expired_then_invalid_and_renews_in_between() {
    let w = world(preset(Preset::SoftExpiry)).await;
    let token = w.signed_in("web").await.answer.access_token;
    w.later(300);
    assert_eq!(w.verify(&token, "").await.text("code"), "EXPIRED_TOKEN");
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let renew = || w.send("POST", "/v1/sessions/current/prolong", &headers, "");
    let renewed = renew().await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
    assert!(renewed.body.get("refresh_token").is_none());
    assert_eq!(
        w.verify(renewed.text("access_token"), "").await.status,
        StatusCode::OK
    );
    w.later(1500);
    assert_eq!(w.verify(&token, "").await.text("code"), "INVALID_TOKEN");
    let late = renew().await;
    assert_eq!(
        (late.status.as_u16(), late.text("action")),
        (401, "sign_in")
    );
}

#[tokio::test]
async fn a_session_with_a_refresh_token_is_not_prolonged_by_its_access_token() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let authorization = format!("Bearer {token}");
    let answer = w
        .send(
            "POST",
            "/v1/sessions/current/prolong",
            &[("authorization", &authorization)],
            "",
        )
        .await;
    assert_eq!(
        (answer.status, answer.text("code")),
        (StatusCode::FORBIDDEN, "WRONG_CREDENTIAL")
    );
}

#[tokio::test]
async fn last_access_lives_by_ordinary_requests_and_dies_of_silence() {
    let w = world(preset(Preset::LastAccess)).await;
    let mut token = w.signed_in("web").await.answer.access_token;
    assert_eq!(
        w.verify(&token, "").await.header("prolong-access-token"),
        "",
        "not due in its first half"
    );
    for _ in 0..10 {
        w.later(20 * 60);
        let seen = w.verify(&token, "").await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        seen.header("prolong-access-token").clone_into(&mut token);
        assert_eq!(seen.header("cache-control"), "private, no-store");
    }
    w.later(30 * 60);
    let over = w.verify(&token, "").await;
    assert_eq!(
        (over.status.as_u16(), over.text("reason")),
        (401, "idle_timeout")
    );
}

#[tokio::test]
async fn pair_wants_both_tokens() {
    let w = world(preset(Preset::Pair)).await;
    let (one, two) = (
        w.signed_in("web").await.answer,
        w.signed_in("web").await.answer,
    );
    let token = one.refresh_token.unwrap();
    w.later(3600);
    assert_eq!(w.refresh(&token, "").await.text("error"), "invalid_request");
    let foreign = w
        .refresh(&token, &format!("&access_token={}", two.access_token))
        .await;
    assert_eq!(foreign.text("error"), "invalid_grant");
    let both = w
        .refresh(&token, &format!("&access_token={}", one.access_token))
        .await;
    assert_eq!(
        both.status,
        StatusCode::OK,
        "expired is fine: {}",
        both.body
    );
}

#[tokio::test]
async fn forward_auth_judges_a_session_by_its_own_policy() {
    // Under `refresh` a soft expiry is unknown; "keep me signed in" is under `soft-expiry` here, which enforces one.
    let w = world(preset(Preset::Refresh)).await;
    let plain = w.start("home", false).await.answer;
    let remembered = w.start("home", true).await.answer;
    for token in [&plain.access_token, &remembered.access_token] {
        assert_eq!(w.verify(token, "").await.status, StatusCode::OK);
    }
    w.later(300);
    assert_eq!(
        w.verify(&plain.access_token, "").await.status,
        StatusCode::OK
    );
    assert_eq!(
        w.verify(&remembered.access_token, "").await.text("code"),
        "EXPIRED_TOKEN"
    );
    let renewed = w
        .call(
            "POST",
            "/v1/sessions/current/prolong",
            &remembered.access_token,
            "",
        )
        .await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
    w.later(300);
    let soft = w.verify(renewed.text("access_token"), "").await;
    assert_eq!(
        (soft.text("code"), soft.text("action")),
        ("EXPIRED_TOKEN", "renew")
    );
    w.later(1500);
    assert_eq!(
        w.verify(&remembered.access_token, "").await.text("action"),
        "sign_in"
    );
    // Clients with one policy have tokens without the claim.
    let claims = crate::world::part(&w.start("web", true).await.answer.access_token, 1);
    assert!(claims.get("remember").is_none());
}

#[tokio::test]
async fn a_wish_for_a_shorter_life_is_heard_and_one_for_a_longer_is_not() {
    let w = world(preset(Preset::Timer)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let path = "/v1/sessions/current/prolong";
    for (wish, life) in [
        ("60", 60),
        ("59.5", 60),
        ("99999", 1800),
        ("4294967295", 1800),
    ] {
        let body = format!(r#"{{"expires_in":{wish}}}"#);
        let answer = w.call("POST", path, &token, &body).await;
        assert_eq!(
            (answer.status, &answer.body["expires_in"]),
            (StatusCode::OK, &life.into()),
            "{wish}"
        );
    }
    for bad in ["0", "-1", "1e30", "\"60\"", "true"] {
        let body = format!(r#"{{"expires_in":{bad}}}"#);
        let answer = w.call("POST", path, &token, &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
        assert!(answer.text("detail").contains("expires_in"), "{bad}");
    }
}
