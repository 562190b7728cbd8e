//! What users do over the router: sign in, look at their devices, prove who they are.

use http::StatusCode;
use prolong_core::PolicyDraft;
use serde_json::{Value, json};

use crate::world::{World, world};

/// A world with an operator's token, and with Ann.
pub(super) async fn start() -> (World, String) {
    let w = world(PolicyDraft::default()).await;
    let admin = w.token_for("prolong:admin").await;
    let ann = json!({ "login": "Ann", "password": "correct horse", "claims": { "role": "x" } });
    let made = w.call("POST", "/v1/admin/users", &admin, &ann).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    (w, admin)
}

fn credentials(password: &str, device: &str) -> Value {
    json!({ "client_id": "web", "username": "ann", "password": password, "device_name": device })
}

/// Ann signs in on this device: her access token, and the session's id.
pub(super) async fn sign_in(w: &World, device: &str) -> (String, String) {
    let answer = w
        .call(
            "POST",
            "/v1/sessions",
            "",
            &credentials("correct horse", device),
        )
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert!(
        answer.body["refresh_token"]
            .as_str()
            .unwrap()
            .starts_with("plr1_")
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (
        text(&answer.body["access_token"]),
        text(&answer.body["session"]["id"]),
    )
}

#[tokio::test]
async fn a_user_lists_renames_and_ends_devices() {
    let (w, _) = start().await;
    let (pc, pc_id) = sign_in(&w, "PC").await;
    let (ipad, ipad_id) = sign_in(&w, "iPad").await;
    let list = w.call("GET", "/v1/sessions", &pc, "").await;
    let sessions = list.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions
            .iter()
            .all(|one| one["current"] == (one["id"] == pc_id.as_str()))
    );
    let path = format!("/v1/sessions/{ipad_id}");
    let renamed = w
        .call(
            "PATCH",
            &path,
            &pc,
            &json!({ "device_name": "maryo's iPad" }),
        )
        .await;
    assert_eq!(
        (renamed.status, &renamed.body["device_name"]),
        (StatusCode::OK, &json!("maryo's iPad"))
    );
    assert_eq!(
        w.call("DELETE", &path, &pc, "").await.status,
        StatusCode::NO_CONTENT
    );
    let gone = w.call("GET", "/v1/sessions/current", &ipad, "").await;
    assert_eq!(gone.code(), (401, "INVALID_TOKEN"));
    assert_eq!(
        (&gone.body["reason"], &gone.body["action"]),
        (&json!("signed_out_elsewhere"), &json!("sign_in"))
    );
    let left = w.call("GET", "/v1/sessions", &pc, "").await;
    assert_eq!(left.body["sessions"].as_array().unwrap().len(), 1);
    let all = w.call("GET", "/v1/sessions?ended=true", &pc, "").await;
    let all = all.body["sessions"].as_array().unwrap();
    let ended = all
        .iter()
        .find(|one| one["id"] == ipad_id.as_str())
        .unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&ended["over"]["reason"], &ended["over"]["by"]),
        (&json!("signed_out_elsewhere"), &json!("user"))
    );
    assert!(ended["over"]["since"].is_string() && ended["device_name"] == "maryo's iPad");
    let unknown = w.call("GET", "/v1/sessions?ended=maybe", &pc, "").await;
    assert_eq!(unknown.code(), (422, "INVALID_REQUEST"));
    assert_eq!(
        w.call("DELETE", "/v1/sessions/current", &pc, "")
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        w.call("GET", "/v1/sessions/current", &pc, "").await.code(),
        (401, "INVALID_TOKEN")
    );
}

#[tokio::test]
async fn a_password_change_answers_with_fresh_tokens() {
    let (w, _) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let (ipad, _) = sign_in(&w, "iPad").await;
    let body = json!({ "current_password": "correct horse", "new_password": "battery staple" });
    let changed = w.call("POST", "/v1/password", &pc, &body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert!(changed.body["access_token"].is_string() && changed.body["refresh_token"].is_null());
    let other = w.call("GET", "/v1/sessions/current", &ipad, "").await;
    assert_eq!(
        (other.code(), &other.body["reason"]),
        ((401, "INVALID_TOKEN"), &json!("password_changed"))
    );
}

#[tokio::test]
async fn reauthentication_takes_an_expired_token_of_a_waiting_session() {
    let (w, admin) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let list = w
        .call("GET", "/v1/admin/users?prefix=ann", &admin, "")
        .await;
    let sub = list.body["users"][0]["sub"].as_str().unwrap().to_owned();
    let flag = format!("/v1/admin/users/{sub}/require-reauth");
    assert_eq!(
        w.call("POST", &flag, &admin, &json!({})).await.status,
        StatusCode::OK
    );
    // The token is good still; its session waits, so it does nothing but reauthenticate.
    let waiting = w.call("GET", "/v1/sessions", &pc, "").await;
    assert_eq!(
        (waiting.code(), waiting.text("reason")),
        ((401, "INVALID_TOKEN"), "reauth_required")
    );
    w.later(3600);
    let refused = w.call("GET", "/v1/sessions", &pc, "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let path = "/v1/sessions/current/reauthenticate";
    let wrong = w
        .call("POST", path, &pc, &json!({ "password": "wrong" }))
        .await;
    assert_eq!(wrong.code(), (401, "INVALID_CREDENTIALS"));
    let back = w
        .call("POST", path, &pc, &json!({ "password": "correct horse" }))
        .await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.body);
    let token = back.body["access_token"].as_str().unwrap();
    assert_eq!(
        w.call("GET", "/v1/sessions", token, "").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_cookie_sign_in_needs_its_header_and_its_origin_and_keeps_the_token_out_of_the_body() {
    const JSON: (&str, &str) = ("content-type", "application/json");
    const OWN: (&str, &str) = ("origin", "https://app.example.com");
    const FOREIGN: (&str, &str) = ("origin", "https://evil.example.net");
    const OURS: (&str, &str) = ("prolong-request", "1");
    let (w, _) = start().await;
    let body = json!({ "client_id": "spa", "username": "ann", "password": "correct horse" });
    let body = body.to_string();
    for headers in [&[JSON, OWN][..], &[JSON, FOREIGN, OURS]] {
        let refused = w.send("POST", "/v1/sessions", headers, &body).await;
        assert_eq!(refused.code(), (403, "CSRF_REFUSED"));
    }
    let good = w
        .send("POST", "/v1/sessions", &[JSON, OWN, OURS], &body)
        .await;
    assert_eq!(good.status, StatusCode::CREATED, "{}", good.body);
    assert!(good.body["refresh_token"].is_null());
    let cookies: Vec<&str> = good
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|one| one.to_str().unwrap())
        .collect();
    assert!(
        cookies
            .iter()
            .any(|one| one.starts_with("__Host-prolong-spa-0=plr1_") && one.contains("HttpOnly"))
    );
    assert!(
        cookies
            .iter()
            .any(|one| one.starts_with("__Host-prolong-spa-1=;"))
    );
    let cookie = cookies
        .iter()
        .find(|one| one.contains("plr1_"))
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let (path, cookie) = ("/v1/sessions/current", ("cookie", cookie));
    let refused = w.send("DELETE", path, &[OWN, cookie], "").await;
    assert_eq!(refused.code(), (403, "CSRF_REFUSED"));
    let out = w.send("DELETE", path, &[OWN, cookie, OURS], "").await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
    assert_eq!(out.headers.get_all("set-cookie").iter().count(), 2);
    let fate = w.audit().await;
    assert_eq!(fate.last().map(String::as_str), Some("session.ended"));
}
