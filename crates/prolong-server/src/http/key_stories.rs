//! Keys over the router: replacing master keys, and declaring keys unsafe.

use http::StatusCode;
use prolong_core::PolicyDraft;
use serde_json::json;

use crate::authority::StartFault;
use crate::keys::RegisterFault;
use crate::world::{Answer, World, world};

const ONE: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const TWO: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const BOTH: &str =
    "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

async fn admin(w: &World) -> String {
    w.token_for("prolong:admin").await
}

/// A session for each of these users; their refresh tokens.
async fn sessions(w: &World, users: &[&str]) -> Vec<String> {
    let admin = admin(w).await;
    let mut tokens = Vec::new();
    for user in users {
        let path = format!("/v1/admin/users/{user}/sessions");
        let answer = w
            .call("POST", &path, &admin, &json!({ "client_id": "web" }))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        tokens.push(answer.text("refresh_token").to_owned());
        w.later(1);
    }
    tokens
}

async fn with(w: &World, master_keys: &str) -> World {
    w.restarted(master_keys).await.ok().unwrap()
}

async fn rotated(w: &World, token: &str) -> String {
    w.later(31);
    let answer = w.refresh(token, "").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.text("refresh_token").to_owned()
}

async fn distrusted(w: &World, id: &str, token: &str) -> Answer {
    let path = format!("/v1/admin/keys/refresh/{id}/distrust");
    w.call("POST", &path, token, "").await
}

#[tokio::test]
async fn a_master_key_is_replaced_and_nobody_is_signed_out() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    let ann = sessions(&before, &["ann"]).await.remove(0);
    let both = with(&w, BOTH).await;
    let next = rotated(&both, &ann).await;
    // The session hangs on the new key now, and on the old one for its predecessor.
    assert!(matches!(
        w.restarted(TWO).await.err().unwrap(),
        StartFault::MasterKeys(RegisterFault::StillNeeded(1))
    ));
    let next = rotated(&both, &next).await;
    let only_new = with(&w, TWO).await;
    rotated(&only_new, &next).await;
}

#[tokio::test]
async fn a_key_stays_while_a_live_session_hangs_on_it() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    sessions(&before, &["ann"]).await;
    let _both = with(&w, BOTH).await;
    let refused = w.restarted(TWO).await.err().unwrap().to_string();
    assert!(
        refused.contains("master key 1 is missing") && refused.contains("put its line back"),
        "{refused}"
    );
    // Nothing was changed by the refusal: with both keys it starts.
    let both = with(&w, BOTH).await;
    let token = admin(&both).await;
    let answer = distrusted(&both, "1", &token).await;
    assert_eq!(
        (answer.status, &answer.body),
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
    let old = sessions(&before, &["ann", "bob", "cid"]).await;
    let w = with(&w, BOTH).await;
    let moved = rotated(&w, &old[2]).await;
    let moved = rotated(&w, &moved).await;
    let new = sessions(&w, &["dan"]).await.remove(0);
    let token = admin(&w).await;
    let answer = distrusted(&w, "1", &token).await;
    assert_eq!(
        (answer.status, &answer.body),
        (
            StatusCode::OK,
            &json!({ "sessions_ended": 2, "newest": false })
        )
    );
    for gone in &old[..2] {
        let answer = w.refresh(gone, "").await;
        assert_eq!(
            (answer.status, &answer.body["reason"]),
            (StatusCode::BAD_REQUEST, &json!("key_distrusted")),
            "{}",
            answer.body
        );
        assert_eq!(answer.body["action"], "sign_in");
    }
    w.later(31);
    for kept in [&moved, &new] {
        assert_eq!(w.refresh(kept, "").await.status, StatusCode::OK);
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
    let answer = distrusted(&w, "1", &token).await;
    assert_eq!(
        (answer.status, &answer.body["sessions_ended"]),
        (StatusCode::OK, &json!(0))
    );
}

/// Its current token is signed with the new key, and its predecessor, which still counts, with the one that leaked.
#[tokio::test]
async fn a_session_that_has_only_just_moved_hangs_on_the_old_key_still() {
    let w = world(PolicyDraft::default()).await;
    let before = with(&w, ONE).await;
    let ann = sessions(&before, &["ann"]).await.remove(0);
    let w = with(&w, BOTH).await;
    let moved = rotated(&w, &ann).await;
    let token = admin(&w).await;
    let answer = distrusted(&w, "1", &token).await;
    assert_eq!(answer.body["sessions_ended"], 1, "{}", answer.body);
    let answer = w.refresh(&moved, "").await;
    assert_eq!(answer.body["reason"], "key_distrusted", "{}", answer.body);
}

#[tokio::test]
async fn a_refresh_key_that_is_not_there_is_named() {
    let w = world(PolicyDraft::default()).await;
    let w = with(&w, ONE).await;
    let token = admin(&w).await;
    for (id, status, code) in [
        ("7", StatusCode::NOT_FOUND, "NOT_FOUND"),
        ("256", StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST"),
        ("x", StatusCode::UNPROCESSABLE_ENTITY, "INVALID_REQUEST"),
    ] {
        let answer = distrusted(&w, id, &token).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(code)),
            "{id}: {}",
            answer.body
        );
    }
    let answer = distrusted(&w, "1", &token).await;
    assert_eq!(
        (answer.status, &answer.body["newest"]),
        (StatusCode::OK, &json!(true))
    );
}

#[tokio::test]
async fn many_sessions_are_ended_page_by_page() {
    let w = world(PolicyDraft::default()).await;
    let w = with(&w, ONE).await;
    let token = admin(&w).await;
    let users: Vec<String> = (0..1205).map(|n| format!("user-{n}")).collect();
    for user in &users {
        w.brought(user, "web").await.unwrap();
    }
    let answer = distrusted(&w, "1", &token).await;
    assert_eq!(answer.body["sessions_ended"], 1205);
    assert!(
        !prolong_store::Store::key_in_use(&*w.store, prolong_core::KeyId(1))
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_distrusted_signing_key_is_told_to_verifiers_and_noted() {
    let w = world(PolicyDraft::default()).await;
    let w = with(&w, ONE).await;
    let token = admin(&w).await;
    let kid = w.authority.signing.list()[0].kid.clone();
    let path = format!("/v1/admin/keys/{kid}/distrust");
    let answer = w.call("POST", &path, &token, "").await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(w.feed().await, [('K', 0)]);
    assert_eq!(
        w.audit().await.last().map(String::as_str),
        Some("key.distrusted")
    );
    let answer = w.call("POST", "/v1/admin/keys/rotate", &token, "").await;
    assert_eq!(
        answer.status,
        StatusCode::UNAUTHORIZED,
        "the operator's token was signed by it too"
    );
}
