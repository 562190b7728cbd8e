//! Signing in, sessions and administration over the router.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use prolong_core::PolicyDraft;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::authority::user_world::{Wired, wired};

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let kind = parts.headers.get("content-type");
    let kind = kind.map_or("", |kind| kind.to_str().unwrap());
    super::docs::answers::compare(&method, &path, parts.status, kind, &body);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

async fn call(
    router: &Router,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = match body {
        None => Body::empty(),
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
    };
    send(router, request.body(body).unwrap()).await
}

async fn machine(w: &Wired, client: &str, scope: &str) -> String {
    let request = Request::builder()
        .method("POST")
        .uri("/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(format!(
            "grant_type=client_credentials&client_id={client}&client_secret=secret&scope={}",
            scope.replace(':', "%3A")
        )))
        .unwrap();
    let answer = send(&w.router, request).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["access_token"].as_str().unwrap().to_owned()
}

async fn start() -> (Wired, String) {
    let w = wired(PolicyDraft::default()).await;
    let admin = machine(&w, "ops", "prolong:admin").await;
    let ann = json!({ "login": "Ann", "password": "correct horse", "claims": { "role": "x" } });
    let made = call(&w.router, &admin, "POST", "/v1/admin/users", Some(ann)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    (w, admin)
}

fn credentials(password: &str, device: &str) -> Value {
    json!({ "client_id": "web", "username": "ann", "password": password, "device_name": device })
}

async fn sign_in(w: &Wired, device: &str) -> (String, String) {
    let answer = call(
        &w.router,
        "",
        "POST",
        "/v1/sessions",
        Some(credentials("correct horse", device)),
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
    let list = call(&w.router, &pc, "GET", "/v1/sessions", None).await;
    let sessions = list.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(
        sessions
            .iter()
            .all(|one| one["current"] == (one["id"] == pc_id.as_str()))
    );
    let path = format!("/v1/sessions/{ipad_id}");
    let renamed = call(
        &w.router,
        &pc,
        "PATCH",
        &path,
        Some(json!({ "device_name": "maryo's iPad" })),
    )
    .await;
    assert_eq!(
        (renamed.status, &renamed.body["device_name"]),
        (StatusCode::OK, &json!("maryo's iPad"))
    );
    assert_eq!(
        call(&w.router, &pc, "DELETE", &path, None).await.status,
        StatusCode::NO_CONTENT
    );
    let gone = call(&w.router, &ipad, "GET", "/v1/sessions/current", None).await;
    assert_eq!(gone.code(), (401, "INVALID_TOKEN"));
    assert_eq!(
        (&gone.body["reason"], &gone.body["action"]),
        (&json!("signed_out_elsewhere"), &json!("sign_in"))
    );
    let left = call(&w.router, &pc, "GET", "/v1/sessions", None).await;
    assert_eq!(left.body["sessions"].as_array().unwrap().len(), 1);
    let all = call(&w.router, &pc, "GET", "/v1/sessions?ended=true", None).await;
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
    let unknown = call(&w.router, &pc, "GET", "/v1/sessions?ended=maybe", None).await;
    assert_eq!(unknown.code(), (422, "INVALID_REQUEST"));
    assert_eq!(
        call(&w.router, &pc, "DELETE", "/v1/sessions/current", None)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(&w.router, &pc, "GET", "/v1/sessions/current", None)
            .await
            .code(),
        (401, "INVALID_TOKEN")
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told through")]
async fn bad_input_is_named_and_changes_nothing() {
    let (w, admin) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let before = w.world.audit().await;
    let long = "x".repeat(101);
    let cases = [
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "username": "ann", "password": "x" }),
            422,
            "client_id",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "client_id": "nobody", "username": "ann", "password": "x" }),
            401,
            "client_id",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "client_id": "web", "password": "x" }),
            422,
            "username",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "client_id": "web", "username": 7, "password": "x" }),
            422,
            "username",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            credentials("correct horse", &long),
            422,
            "device_name",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "client_id": "web", "ticket": "plt1_no" }),
            401,
            "ticket",
        ),
        (
            "",
            "POST",
            "/v1/sessions",
            json!({ "client_id": "third", "username": "ann", "password": "correct horse" }),
            403,
            "password",
        ),
        (
            &pc,
            "PATCH",
            "/v1/sessions/current",
            json!({}),
            422,
            "device_name",
        ),
        (
            &pc,
            "PATCH",
            "/v1/sessions/nonsense",
            json!({ "device_name": "x" }),
            404,
            "session",
        ),
        (
            &pc,
            "DELETE",
            "/v1/sessions?except=others",
            json!({}),
            422,
            "except",
        ),
        (
            &pc,
            "POST",
            "/v1/password",
            json!({ "current_password": "correct horse" }),
            422,
            "new_password",
        ),
        (
            &pc,
            "POST",
            "/v1/password",
            json!({ "current_password": "correct horse", "new_password": "short" }),
            422,
            "new_password",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "login": "ann" }),
            409,
            "login",
        ),
        (&admin, "POST", "/v1/admin/users", json!({}), 422, "login"),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "sub": "web" }),
            422,
            "sub",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "login": "bob", "password": "x" }),
            422,
            "password",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "login": "bob", "password_hash": "md5" }),
            422,
            "password_hash",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "login": "bob", "claims": { "sub": "x" } }),
            422,
            "claims",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users",
            json!({ "login": "bob", "pasword": "x" }),
            422,
            "pasword",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/web/sessions",
            json!({ "client_id": "web" }),
            422,
            "sub",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/u/sessions",
            json!({ "client_id": "no" }),
            422,
            "client_id",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/u/sessions",
            json!({ "client_id": "web", "deliver": "pigeon" }),
            422,
            "deliver",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/u/sessions",
            json!({ "client_id": "web", "auth_time": "noon" }),
            422,
            "auth_time",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/u/sessions",
            json!({ "client_id": "web", "ip": "here" }),
            422,
            "ip",
        ),
        (
            &admin,
            "POST",
            "/v1/admin/users/nobody/disable",
            json!({}),
            404,
            "user",
        ),
        (
            &admin,
            "DELETE",
            "/v1/admin/sessions/nonsense",
            json!({}),
            404,
            "session",
        ),
    ];
    for (token, method, path, body, status, names) in cases {
        let answer = call(&w.router, token, method, path, Some(body.clone())).await;
        let detail = answer.body["detail"].as_str().unwrap_or_default();
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path} {body}: {}",
            answer.body
        );
        assert!(detail.contains(names), "{method} {path} {body}: {detail}");
    }
    let bad_pages = [
        "limit=0",
        "limit=x",
        "limit=1001",
        "nope=1",
        "live=maybe",
        "after=x",
    ];
    for query in bad_pages {
        let answer = call(
            &w.router,
            &admin,
            "GET",
            &format!("/v1/admin/sessions?{query}"),
            None,
        )
        .await;
        assert_eq!(answer.status.as_u16(), 422, "{query}");
    }
    assert_eq!(w.world.audit().await, before);
}

#[tokio::test]
async fn every_administrative_call_asks_for_its_scope() {
    let (w, _) = start().await;
    let support = machine(&w, "helpdesk", "prolong:support").await;
    let backend = machine(&w, "backend", "prolong:sign-in").await;
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
        let try_with = |token: String| {
            let router = w.router.clone();
            async move { call(&router, &token, method, path, None).await }
        };
        assert_eq!(
            try_with(String::new()).await.code(),
            (401, "MISSING_TOKEN"),
            "{method} {path}"
        );
        assert_eq!(
            try_with(user.clone()).await.code(),
            (403, "INSUFFICIENT_SCOPE"),
            "{method} {path}"
        );
        for (token, may) in [(&support, may_support), (&backend, may_sign_in)] {
            let refused = try_with(token.clone()).await.status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !may, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_backend_brings_its_own_sign_in_as_tokens_or_as_a_ticket() {
    let (w, admin) = start().await;
    let backend = machine(&w, "backend", "prolong:sign-in").await;
    let path = "/v1/admin/users/auth0%7C7/sessions";
    let wish = json!({ "client_id": "web", "claims": { "plan": "pro" }, "device_name": "TV", "ip": "192.0.2.9" });
    let started = call(&w.router, &backend, "POST", path, Some(wish)).await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.body);
    assert!(started.body["access_token"].is_string() && started.body["refresh_token"].is_string());
    // A UUID of version 8 that begins with the user's shard: SHA-256("auth0|7") = 0a07a4c6…
    let id = started.body["session"]["id"].as_str().unwrap();
    assert_eq!((&id[..3], &id[14..15]), ("0a0", "8"), "{id}");
    let wish = json!({ "client_id": "web", "deliver": "ticket" });
    let ticket = call(&w.router, &backend, "POST", path, Some(wish)).await;
    assert_eq!(
        (ticket.status.as_u16(), &ticket.body["expires_in"]),
        (201, &json!(60))
    );
    let redeem = json!({ "client_id": "web", "ticket": ticket.body["ticket"] });
    assert_eq!(
        call(&w.router, "", "POST", "/v1/sessions", Some(redeem.clone()))
            .await
            .status
            .as_u16(),
        201
    );
    assert_eq!(
        call(&w.router, "", "POST", "/v1/sessions", Some(redeem))
            .await
            .code(),
        (401, "INVALID_TOKEN")
    );
    let user = call(&w.router, &admin, "GET", "/v1/admin/users/auth0%7C7", None).await;
    assert_eq!(
        (&user.body["sub"], &user.body["claims"]),
        (&json!("auth0|7"), &json!({ "plan": "pro" }))
    );
}

#[tokio::test]
async fn support_is_told_why_she_was_signed_out() {
    let (w, admin) = start().await;
    let (_, first) = sign_in(&w, "PC").await;
    w.world.later(8 * 24 * 3600);
    let admin_later = machine(&w, "ops", "prolong:admin").await;
    let (_, second) = sign_in(&w, "iPad").await;
    let ended = call(
        &w.router,
        &admin_later,
        "DELETE",
        &format!("/v1/admin/sessions/{second}"),
        None,
    )
    .await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    let why = call(
        &w.router,
        &admin_later,
        "GET",
        "/v1/admin/why-ended?user=Ann",
        None,
    )
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
        call(&w.router, &admin, "GET", "/v1/admin/stats", None)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn keys_rotate_silently_and_a_distrusted_key_is_refused() {
    let (w, admin) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let listed = call(&w.router, &admin, "GET", "/v1/admin/keys", None).await;
    let old = listed.body["keys"][0]["kid"].as_str().unwrap().to_owned();
    let rotated = call(&w.router, &admin, "POST", "/v1/admin/keys/rotate", None).await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
    assert_eq!(
        call(&w.router, &pc, "GET", "/v1/sessions/current", None)
            .await
            .status,
        StatusCode::OK
    );
    let distrust = format!("/v1/admin/keys/{old}/distrust");
    assert_eq!(
        call(&w.router, &admin, "POST", &distrust, None)
            .await
            .status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        call(&w.router, &pc, "GET", "/v1/sessions/current", None)
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(w.world.feed().await, [('K', 0)]);
    let admin = machine(&w, "ops", "prolong:admin").await;
    let unknown = call(
        &w.router,
        &admin,
        "POST",
        "/v1/admin/keys/nope/distrust",
        None,
    )
    .await;
    assert_eq!(unknown.code(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_password_change_answers_with_fresh_tokens() {
    let (w, _) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let (ipad, _) = sign_in(&w, "iPad").await;
    let body = json!({ "current_password": "correct horse", "new_password": "battery staple" });
    let changed = call(&w.router, &pc, "POST", "/v1/password", Some(body)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert!(changed.body["access_token"].is_string() && changed.body["refresh_token"].is_null());
    let other = call(&w.router, &ipad, "GET", "/v1/sessions/current", None).await;
    assert_eq!(
        (other.code(), &other.body["reason"]),
        ((401, "INVALID_TOKEN"), &json!("password_changed"))
    );
}

#[tokio::test]
async fn reauthentication_takes_an_expired_token_of_a_waiting_session() {
    let (w, admin) = start().await;
    let (pc, _) = sign_in(&w, "PC").await;
    let list = call(&w.router, &admin, "GET", "/v1/admin/users?prefix=ann", None).await;
    let sub = list.body["users"][0]["sub"].as_str().unwrap().to_owned();
    let flag = format!("/v1/admin/users/{sub}/require-reauth");
    assert_eq!(
        call(&w.router, &admin, "POST", &flag, Some(json!({})))
            .await
            .status,
        StatusCode::OK
    );
    w.world.later(3600);
    let refused = call(&w.router, &pc, "GET", "/v1/sessions", None).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let path = "/v1/sessions/current/reauthenticate";
    let wrong = call(
        &w.router,
        &pc,
        "POST",
        path,
        Some(json!({ "password": "wrong" })),
    )
    .await;
    assert_eq!(wrong.code(), (401, "INVALID_CREDENTIALS"));
    let back = call(
        &w.router,
        &pc,
        "POST",
        path,
        Some(json!({ "password": "correct horse" })),
    )
    .await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.body);
    let token = back.body["access_token"].as_str().unwrap();
    assert_eq!(
        call(&w.router, token, "GET", "/v1/sessions", None)
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_cookie_sign_in_needs_its_header_and_its_origin_and_keeps_the_token_out_of_the_body() {
    let (w, _) = start().await;
    let request = |header: Option<&str>, origin: &str| {
        let mut request = Request::builder()
            .method("POST")
            .uri("/v1/sessions")
            .header("content-type", "application/json")
            .header("origin", origin);
        if let Some(value) = header {
            request = request.header("prolong-request", value);
        }
        let body = json!({ "client_id": "spa", "username": "ann", "password": "correct horse" });
        request.body(Body::from(body.to_string())).unwrap()
    };
    for (header, origin) in [
        (None, "https://app.example.com"),
        (Some("1"), "https://evil.example.net"),
    ] {
        assert_eq!(
            send(&w.router, request(header, origin)).await.code(),
            (403, "CSRF_REFUSED")
        );
    }
    let good = send(&w.router, request(Some("1"), "https://app.example.com")).await;
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
    let sign_out = |header: bool| {
        let request = Request::builder()
            .method("DELETE")
            .uri("/v1/sessions/current")
            .header("origin", "https://app.example.com")
            .header("cookie", cookie);
        let request = if header {
            request.header("prolong-request", "1")
        } else {
            request
        };
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(
        send(&w.router, sign_out(false)).await.code(),
        (403, "CSRF_REFUSED")
    );
    let out = send(&w.router, sign_out(true)).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
    assert_eq!(out.headers.get_all("set-cookie").iter().count(), 2);
    let fate = w.world.audit().await;
    assert_eq!(fate.last().map(String::as_str), Some("session.ended"));
}
