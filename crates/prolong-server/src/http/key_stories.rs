//! Keys over the router: replacing master keys, and declaring keys unsafe.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use prolong_core::PolicyDraft;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::authority::StartFault;
use crate::authority::user_world::{World, world};
use crate::keys::RegisterFault;

const ONE: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const TWO: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const BOTH: &str =
    "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

async fn post(router: &Router, path: &str, token: &str, form: &str) -> (StatusCode, Value) {
    let mut request =
        Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Body::from(form.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn admin(router: &Router) -> String {
    let form =
        "grant_type=client_credentials&client_id=ops&client_secret=secret&scope=prolong%3Aadmin";
    let (status, answer) = post(router, "/oauth/token", "", form).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn refresh(router: &Router, token: &str) -> (StatusCode, Value) {
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    post(router, "/oauth/token", "", &form).await
}

/// A session for each of these users; their refresh tokens.
async fn sessions(w: &World, router: &Router, users: &[&str]) -> Vec<String> {
    let admin = admin(router).await;
    let mut tokens = Vec::new();
    for user in users {
        let body = json!({ "client_id": "web" }).to_string();
        let request = Request::post(format!("/v1/admin/users/{user}/sessions"))
            .header("authorization", format!("Bearer {admin}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        tokens.push(answer["refresh_token"].as_str().unwrap().to_owned());
        w.later(1);
    }
    tokens
}

async fn with(w: &World, master_keys: &str) -> Router {
    let authority = w.restarted(master_keys).await;
    crate::http::router(Arc::new(authority.unwrap()))
}

async fn rotated(w: &World, router: &Router, token: &str) -> String {
    w.later(31);
    let (status, answer) = refresh(router, token).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_master_key_is_replaced_and_nobody_is_signed_out() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    let ann = sessions(&w, &before, &["ann"]).await.remove(0);
    let both = with(&w, BOTH).await;
    let next = rotated(&w, &both, &ann).await;
    // The session hangs on the new key now, and on the old one for its predecessor.
    assert!(matches!(
        w.restarted(TWO).await.err().unwrap(),
        StartFault::MasterKeys(RegisterFault::StillNeeded(1))
    ));
    let next = rotated(&w, &both, &next).await;
    let only_new = with(&w, TWO).await;
    rotated(&w, &only_new, &next).await;
}

#[tokio::test]
async fn a_key_stays_while_a_live_session_hangs_on_it() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    sessions(&w, &before, &["ann"]).await;
    let _both = with(&w, BOTH).await;
    let refused = w.restarted(TWO).await.err().unwrap().to_string();
    assert!(
        refused.contains("master key 1 is missing") && refused.contains("put its line back"),
        "{refused}"
    );
    // Nothing was changed by the refusal: with both keys it starts.
    let both = with(&w, BOTH).await;
    let token = admin(&both).await;
    let (status, answer) = post(&both, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!(
        (status, &answer),
        (
            StatusCode::OK,
            &json!({ "sessions_ended": 1, "newest": false })
        )
    );
    let _only_new = with(&w, TWO).await;
}

#[tokio::test]
async fn another_key_under_a_known_number_is_refused() {
    let w = world(PolicyDraft::default()).await;
    let other = "1 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let refused = w.restarted(other).await.err().unwrap();
    assert!(
        matches!(
            refused,
            StartFault::MasterKeys(RegisterFault::AnotherKey(1))
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn distrusting_a_refresh_key_ends_what_hangs_on_it_and_nothing_else() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    let old = sessions(&w, &before, &["ann", "bob", "cid"]).await;
    let router = with(&w, BOTH).await;
    let moved = rotated(&w, &router, &old[2]).await;
    let moved = rotated(&w, &router, &moved).await;
    let new = sessions(&w, &router, &["dan"]).await.remove(0);
    let token = admin(&router).await;
    let (status, answer) = post(&router, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!(
        (status, &answer),
        (
            StatusCode::OK,
            &json!({ "sessions_ended": 2, "newest": false })
        )
    );
    for gone in &old[..2] {
        let (status, answer) = refresh(&router, gone).await;
        assert_eq!(
            (status, &answer["reason"]),
            (StatusCode::BAD_REQUEST, &json!("key_distrusted")),
            "{answer}"
        );
        assert_eq!(answer["action"], "sign_in");
    }
    w.later(31);
    for kept in [&moved, &new] {
        assert_eq!(refresh(&router, kept).await.0, StatusCode::OK);
    }
    // Verifiers hear of each end, and the audit log says who did it.
    assert_eq!(
        w.feed()
            .await
            .iter()
            .filter(|(kind, _)| *kind == 'S')
            .count(),
        2
    );
    let audit = w.audit().await;
    assert_eq!(audit.last().map(String::as_str), Some("key.distrusted"));
    assert_eq!(
        audit.iter().filter(|what| *what == "session.ended").count(),
        2
    );
    let (status, answer) = post(&router, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!(
        (status, &answer["sessions_ended"]),
        (StatusCode::OK, &json!(0))
    );
}

/// Its current token is signed with the new key, and its predecessor, which still counts, with the one that leaked.
#[tokio::test]
async fn a_session_that_has_only_just_moved_hangs_on_the_old_key_still() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    let ann = sessions(&w, &before, &["ann"]).await.remove(0);
    let router = with(&w, BOTH).await;
    let moved = rotated(&w, &router, &ann).await;
    let token = admin(&router).await;
    let (_, answer) = post(&router, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!(answer["sessions_ended"], 1, "{answer}");
    let (_, answer) = refresh(&router, &moved).await;
    assert_eq!(answer["reason"], "key_distrusted", "{answer}");
}

#[tokio::test]
async fn a_refresh_key_that_is_not_there_is_named() {
    let w = world(PolicyDraft::default()).await;
    let router = with(&w, ONE).await;
    let token = admin(&router).await;
    for (id, status, code) in [
        ("7", StatusCode::NOT_FOUND, "NOT_FOUND"),
        ("256", StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST"),
        ("x", StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST"),
    ] {
        let path = format!("/v1/admin/keys/refresh/{id}/distrust");
        let (found, answer) = post(&router, &path, &token, "").await;
        assert_eq!(
            (found, &answer["code"]),
            (status, &json!(code)),
            "{id}: {answer}"
        );
    }
    let (status, answer) = post(&router, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!((status, &answer["newest"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn many_sessions_are_ended_page_by_page() {
    let w = world(PolicyDraft::default()).await;
    let router = with(&w, ONE).await;
    let token = admin(&router).await;
    let users: Vec<String> = (0..1205).map(|n| format!("user-{n}")).collect();
    for user in &users {
        w.brought(user, "web").await.unwrap();
    }
    let (_, answer) = post(&router, "/v1/admin/keys/refresh/1/distrust", &token, "").await;
    assert_eq!(answer["sessions_ended"], 1205);
    assert!(
        !prolong_store::Store::key_in_use(&*w.store, prolong_core::KeyId(1))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_distrusted_signing_key_is_told_to_verifiers_and_noted() {
    let w = world(PolicyDraft::default()).await;
    let router = with(&w, ONE).await;
    let token = admin(&router).await;
    let kid = w.authority.signing.list()[0].kid.clone();
    let path = format!("/v1/admin/keys/{kid}/distrust");
    let (status, _) = post(&router, &path, &token, "").await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(w.feed().await, [('K', 0)]);
    assert_eq!(
        w.audit().await.last().map(String::as_str),
        Some("key.distrusted")
    );
    let (status, _) = post(&router, "/v1/admin/keys/rotate", &token, "").await;
    assert_eq!(
        status,
        StatusCode::UNAUTHORIZED,
        "the operator's token was signed by it too"
    );
}
