//! What operators, support and backends do over the router.

use http::StatusCode;
use serde_json::{Value, json};

use super::user_stories::{sign_in, start};

#[tokio::test]
async fn every_administrative_call_asks_for_its_scope() {
    let (w, _) = start().await;
    let support = w.token_of("helpdesk", "prolong:support").await;
    let backend = w.token_of("backend", "prolong:sign-in").await;
    let (user, _) = sign_in(&w, "PC").await;
    // (method, path, may support, may sign-in)
    let calls = [
        ("GET", "/v1/admin/users", true, false),
        ("POST", "/v1/admin/users", false, false),
        ("GET", "/v1/admin/users/u", true, false),
        ("PATCH", "/v1/admin/users/u", false, false),
        ("DELETE", "/v1/admin/users/u", false, false),
        ("GET", "/v1/admin/users/u/export", false, false),
        ("GET", "/v1/admin/users/u/sessions", true, false),
        ("POST", "/v1/admin/users/u/sessions", false, true),
        ("POST", "/v1/admin/users/u/disable", false, false),
        ("POST", "/v1/admin/users/u/enable", false, false),
        ("POST", "/v1/admin/users/u/require-reauth", false, false),
        ("POST", "/v1/admin/users/u/sign-out", true, false),
        ("POST", "/v1/admin/users/u/password", false, false),
        ("GET", "/v1/admin/sessions", true, false),
        ("GET", "/v1/admin/sessions/x", true, false),
        ("DELETE", "/v1/admin/sessions/x", true, false),
        ("POST", "/v1/admin/sessions/x/end", true, false),
        ("POST", "/v1/admin/sessions/x/reauthenticate", false, true),
        ("GET", "/v1/admin/why-ended", true, false),
        ("GET", "/v1/admin/clients", true, false),
        ("GET", "/v1/admin/keys", false, false),
        ("POST", "/v1/admin/keys/rotate", false, false),
        ("POST", "/v1/admin/keys/x/distrust", false, false),
        ("POST", "/v1/admin/keys/refresh/1/distrust", false, false),
        ("GET", "/v1/admin/stats", true, false),
        ("GET", "/v1/admin/audit", true, false),
    ];
    for (method, path, may_support, may_sign_in) in calls {
        let try_with = async |token: &str| w.call(method, path, token, "").await;
        assert_eq!(
            try_with("").await.code(),
            (401, "MISSING_TOKEN"),
            "{method} {path}"
        );
        assert_eq!(
            try_with(&user).await.code(),
            (403, "INSUFFICIENT_SCOPE"),
            "{method} {path}"
        );
        for (token, may) in [(&support, may_support), (&backend, may_sign_in)] {
            let refused = try_with(token).await.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !may, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_backend_brings_its_own_sign_in_as_tokens_or_as_a_ticket() {
    let (w, admin) = start().await;
    let backend = w.token_of("backend", "prolong:sign-in").await;
    let path = "/v1/admin/users/auth0%7C7/sessions";
    let wish = json!({ "client_id": "web", "claims": { "plan": "pro" }, "device_name": "TV", "ip": "192.0.2.9" });
    let started = w.call("POST", path, &backend, &wish).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.body);
    assert!(started.body["access_token"].is_string() && started.body["refresh_token"].is_string());
    // A UUID of version 8 that begins with the user's shard: SHA-256("auth0|7") = 0a07a4c6…
    let id = started.body["session"]["id"].as_str().unwrap();
    assert_eq!((&id[..3], &id[14..15]), ("0a0", "8"), "{id}");
    let wish = json!({ "client_id": "web", "deliver": "ticket" });
    let ticket = w.call("POST", path, &backend, &wish).await;
    assert_eq!(
        (ticket.status.as_u16(), &ticket.body["expires_in"]),
        (201, &json!(60))
    );
    let redeem = json!({ "client_id": "web", "ticket": ticket.body["ticket"] });
    assert_eq!(
        w.call("POST", "/v1/sessions", "", &redeem)
            .await
            .status
            .as_u16(),
        201
    );
    assert_eq!(
        w.call("POST", "/v1/sessions", "", &redeem).await.code(),
        (401, "INVALID_TOKEN")
    );
    let user = w.call("GET", "/v1/admin/users/auth0%7C7", &admin, "").await;
    assert_eq!(
        (&user.body["sub"], &user.body["claims"]),
        (&json!("auth0|7"), &json!({ "plan": "pro" }))
    );
}

#[tokio::test]
async fn support_is_told_why_she_was_signed_out() {
    let (w, admin) = start().await;
    let (_, first) = sign_in(&w, "PC").await;
    w.later(8 * 24 * 3600);
    let admin_later = w.token_for("prolong:admin").await;
    let (_, second) = sign_in(&w, "iPad").await;
    let ended = w
        .call(
            "DELETE",
            &format!("/v1/admin/sessions/{second}"),
            &admin_later,
            "",
        )
        .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let why = w
        .call("GET", "/v1/admin/why-ended?user=Ann", &admin_later, "")
        .await;
    let reason = |id: &str| {
        let sessions = why.body["sessions"].as_array().unwrap();
        sessions.iter().find(|one| one["id"] == id).unwrap()["reason"].clone()
    };
    assert_eq!(
        (reason(&first), reason(&second)),
        (json!("idle_timeout"), json!("ended_by_admin"))
    );
    let by = |id: &str| {
        let sessions = why.body["sessions"].as_array().unwrap();
        sessions.iter().find(|one| one["id"] == id).unwrap()["ended_by"].clone()
    };
    assert_eq!(
        (by(&first), by(&second)),
        (Value::Null, json!("client:ops"))
    );
    assert_eq!(
        w.call("GET", "/v1/admin/stats", &admin, "").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn keys_rotate_silently_and_a_distrusted_key_is_refused() {
    let (w, admin) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let listed = w.call("GET", "/v1/admin/keys", &admin, "").await;
    let old = listed.body["keys"][0]["kid"].as_str().unwrap().to_owned();
    let rotated = w.call("POST", "/v1/admin/keys/rotate", &admin, "").await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
    assert_eq!(
        w.call("GET", "/v1/sessions/current", &pc, "").await.status,
        StatusCode::OK
    );
    let distrust = format!("/v1/admin/keys/{old}/distrust");
    assert_eq!(
        w.call("POST", &distrust, &admin, "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        w.call("GET", "/v1/sessions/current", &pc, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(w.feed().await, [('K', 0)]);
    let admin = w.token_for("prolong:admin").await;
    let unknown = w
        .call("POST", "/v1/admin/keys/nope/distrust", &admin, "")
        .await;
    assert_eq!(unknown.code(), (404, "NOT_FOUND"));
}

/// What a user may ask for: everything that is stored about them, nobody else's, and nothing that signs anybody in.
#[tokio::test]
async fn an_export_has_all_of_one_user_and_no_secret() {
    let (w, admin) = start().await;
    let bob = json!({ "login": "bob", "password": "battery staple" });
    w.call("POST", "/v1/admin/users", &admin, &bob).await;
    let (token, first) = sign_in(&w, "PC").await;
    let (_, second) = sign_in(&w, "iPad").await;
    let end = format!("/v1/sessions/{second}");
    w.call("DELETE", &end, &token, "").await;
    let ann = w.authority.user_by_name("ann").await.unwrap();
    let path = format!("/v1/admin/users/{}/export", ann.sub);
    let export = w.call("GET", &path, &admin, "").await.body;
    assert_eq!(export["user"]["claims"], json!({ "role": "x" }));
    let list = |of: &str, member: &str| {
        let items = export[of].as_array().unwrap().iter();
        let mut words: Vec<String> = items
            .map(|item| item[member].as_str().unwrap().to_owned())
            .collect();
        words.sort();
        words
    };
    let mut sessions = vec![first, second];
    sessions.sort();
    assert_eq!(list("sessions", "id"), sessions);
    assert_eq!(list("sessions", "device_name"), ["PC", "iPad"]);
    let did = list("audit", "what");
    for what in ["user.created", "session.started", "session.ended"] {
        assert!(did.iter().any(|one| one == what), "{what}: {did:?}");
    }
    let text = export.to_string();
    let hash = ann.password_hash.unwrap();
    for secret in [hash.as_str(), "$argon2", "plr1_", token.as_str(), "bob"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}
