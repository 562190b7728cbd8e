//! A browser that presents several cookies: which of them is believed.

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{Answer, FORM, World, preset, world};

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const GUARD: (&str, &str) = ("prolong-request", "1");

async fn refresh(w: &World, first: &str, second: &str) -> Answer {
    let jar = format!("__Host-prolong-spa-0={first}; __Host-prolong-spa-1={second}");
    let headers = [FORM, PAGE, GUARD, ("cookie", jar.as_str())];
    let form = "grant_type=refresh_token&client_id=spa";
    w.send("POST", "/oauth/token", &headers, form).await
}

/// Session and refresh token of a new sign-in, a while after the one before.
async fn sign_in(w: &World) -> (String, String) {
    w.later(5);
    let answer = w.signed_in("spa").await.answer;
    let id = serde_json::to_value(&answer).unwrap()["session"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    (id, answer.refresh_token.unwrap())
}

#[tokio::test]
async fn of_two_sessions_the_one_that_started_last_whatever_its_id() {
    let w = world(preset(Preset::Refresh)).await;
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push(sign_in(&w).await);
    }
    for (at, (_, older)) in all.iter().enumerate() {
        for (id, later) in &all[at + 1..] {
            for (first, second) in [(older, later), (later, older)] {
                let answer = refresh(&w, first, second).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
                assert_eq!(answer.body["session"]["id"], id.as_str());
            }
        }
    }
}

#[tokio::test]
async fn one_that_is_over_does_not_hide_one_that_lives() {
    let w = world(preset(Preset::Refresh)).await;
    let (id, living) = sign_in(&w).await;
    let (_, over) = sign_in(&w).await;
    let revoked = format!("client_id=spa&token={over}");
    assert_eq!(
        w.form("/oauth/revoke", &revoked).await.status,
        StatusCode::OK
    );
    let answer = refresh(&w, &over, &living).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["session"]["id"], id.as_str());
    // Where none lives, the reason of the last is told.
    let answer = refresh(&w, &over, &over).await;
    assert_eq!(answer.text("reason"), "signed_out", "{}", answer.body);
}

/// An authentic token of another client is nothing under this one's name: not to sign out with either.
#[tokio::test]
async fn a_token_of_another_client_is_no_cookie() {
    let w = world(preset(Preset::Refresh)).await;
    let other = w.signed_in("web").await.answer;
    let token = other.refresh_token.unwrap();
    assert_eq!(
        refresh(&w, &token, &token).await.text("error"),
        "invalid_grant"
    );
    let jar = format!("__Host-prolong-spa-0={token}");
    let headers = [PAGE, GUARD, ("cookie", jar.as_str())];
    let answer = w.send("DELETE", "/v1/sessions/current", &headers, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    let lives = w
        .call("GET", "/v1/sessions/current", &other.access_token, "")
        .await;
    assert_eq!(lives.status, StatusCode::OK, "{}", lives.body);
}

/// Whoever holds a master key makes tokens whose tag is right. Without the session's secret they sign nobody out, and they
/// hide no true one.
#[tokio::test]
async fn a_token_of_another_secret_is_no_cookie() {
    let w = world(preset(Preset::Refresh)).await;
    let signed_in = w.signed_in("spa").await;
    let session = &signed_in.session;
    let (secret, _) = w.authority.new_session_secret(session.id);
    let keys = &w.authority.refresh_keys;
    let made = keys.seal(session.id, session.key, session.generation, &secret);
    let made = made.unwrap();
    let jar = format!("__Host-prolong-spa-0={made}");
    let headers = [PAGE, GUARD, ("cookie", jar.as_str())];
    let answer = w.send("DELETE", "/v1/sessions/current", &headers, "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    let own = signed_in.answer.refresh_token.unwrap();
    for (first, second) in [(&made, &own), (&own, &made)] {
        let answer = refresh(&w, first, second).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}
