//! Bearer tokens, cookies and cross-origin calls over the router, named by the lines of the checklist that they hold.

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};

use super::oauth_world::{FORM, world};

fn preset(preset: Preset) -> PolicyDraft {
    PolicyDraft {
        preset: Some(preset),
        ..PolicyDraft::default()
    }
}

#[tokio::test]
async fn bea_1_to_5_where_the_token_comes_and_what_is_wrong_with_it() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let with = |value: String| {
        let w = &w;
        async move {
            w.send("GET", "/v1/verify", &[("authorization", &value)], "")
                .await
        }
    };
    let good = with(format!("bEaReR {token}")).await;
    assert_eq!(
        (good.status, good.header("prolong-subject")),
        (StatusCode::OK, "maryo")
    );
    assert_eq!(good.header("prolong-client"), "web");
    let in_url = w
        .send("GET", &format!("/v1/verify?access_token={token}"), &[], "")
        .await;
    assert_eq!(in_url.status, StatusCode::BAD_REQUEST);
    let none = w.send("GET", "/v1/verify", &[], "").await;
    assert_eq!(
        (none.status, none.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let bad = with("Bearer nonsense".to_owned()).await;
    assert!(
        bad.header("www-authenticate")
            .contains("error=\"invalid_token\"")
    );
    let scope = w.verify(&token, "?scope=read+delete").await;
    assert_eq!(scope.status, StatusCode::FORBIDDEN);
    assert!(
        scope
            .header("www-authenticate")
            .contains("error=\"insufficient_scope\"")
    );
    assert!(
        scope
            .header("www-authenticate")
            .contains("scope=\"read delete\"")
    );
    assert_eq!(
        w.verify(&token, "?audience=elsewhere").await.status,
        StatusCode::UNAUTHORIZED
    );
    w.later(899);
    assert_eq!(w.verify(&token, "").await.status, StatusCode::OK);
    w.later(1);
    let expired = w.verify(&token, "").await;
    assert_eq!(
        (expired.text("code"), expired.text("action")),
        ("EXPIRED_TOKEN", "renew")
    );
}

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
async fn cke_1_to_4_the_refresh_token_in_two_slots_with_a_guard() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("spa").await.answer.refresh_token.unwrap();
    w.later(60);
    let cookie = format!("__Host-prolong-spa-0={token}");
    let call = |headers: Vec<(&'static str, String)>, body: &'static str| {
        let w = &w;
        async move {
            let mut all = vec![FORM];
            all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
            w.send("POST", "/oauth/token", &all, body).await
        }
    };
    let guard = ("prolong-request", "1".to_owned());
    let origin = ("origin", "https://app.example.com".to_owned());
    let body = "grant_type=refresh_token&client_id=spa";
    let without = call(vec![("cookie", cookie.clone()), origin.clone()], body).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN);
    let foreign = ("origin", "https://evil.example".to_owned());
    let foreign = call(
        vec![("cookie", cookie.clone()), guard.clone(), foreign],
        body,
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let good = call(
        vec![("cookie", cookie.clone()), guard.clone(), origin.clone()],
        body,
    )
    .await;
    assert_eq!(good.status, StatusCode::OK, "{}", good.body);
    assert!(
        good.body.get("refresh_token").is_none(),
        "no script can read it"
    );
    let set = good.header("set-cookie");
    assert!(set.starts_with("__Host-prolong-spa-1=plr1_"), "{set}");
    assert!(
        set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert_eq!(
        good.header("access-control-allow-origin"),
        "https://app.example.com"
    );

    // A late answer left the older token in its slot: the newer one counts.
    let newer = set.split(';').next().unwrap().to_owned();
    w.later(60);
    let both = call(
        vec![
            ("cookie", format!("{cookie}; {newer}")),
            guard.clone(),
            origin.clone(),
        ],
        body,
    )
    .await;
    assert_eq!(both.body["session"]["generation"], 2, "{}", both.body);
    let double = "grant_type=refresh_token&client_id=spa&refresh_token=plr1_x";
    let double = call(vec![("cookie", cookie), guard, origin], double).await;
    assert_eq!(double.text("error"), "invalid_request");
}

#[tokio::test]
async fn cke_6_preflights_by_the_union_and_answers_per_client() {
    let w = world(preset(Preset::Refresh)).await;
    let ask = [
        ("origin", "https://other.example.com"),
        ("access-control-request-method", "POST"),
    ];
    let preflight = w.send("OPTIONS", "/oauth/token", &ask, "").await;
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        "https://other.example.com"
    );
    let ask = [
        ("origin", "https://evil.example"),
        ("access-control-request-method", "POST"),
    ];
    assert_eq!(
        w.send("OPTIONS", "/oauth/token", &ask, "")
            .await
            .header("access-control-allow-origin"),
        ""
    );
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let foreign = w
        .send(
            "POST",
            "/oauth/token",
            &[FORM, ("origin", "https://other.example.com")],
            &body,
        )
        .await;
    assert_eq!(
        foreign.header("access-control-allow-origin"),
        "",
        "web's answer is not for other's pages"
    );
    let own = w
        .send(
            "POST",
            "/oauth/token",
            &[FORM, ("origin", "https://app.example.com")],
            &body,
        )
        .await;
    assert_eq!(
        own.header("access-control-allow-origin"),
        "https://app.example.com"
    );
    assert!(
        own.header("access-control-expose-headers")
            .contains("WWW-Authenticate")
    );
}
