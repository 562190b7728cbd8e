//! PRB: problem documents (RFC 9457), outside of the OAuth endpoints.

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{Answer, preset, world_at};

fn is_problem(answer: &Answer, path: &str) {
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{path}"
    );
    assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    let members: Vec<_> = answer.body.as_object().unwrap().keys().collect();
    for member in [
        "type", "title", "status", "detail", "code", "action", "instance",
    ] {
        assert!(members.iter().any(|one| *one == member), "{path}: {member}");
    }
    assert_eq!(answer.body["status"], answer.status.as_u16(), "{path}");
    assert_eq!(answer.text("instance"), path);
    let documented = format!(
        "https://auth.example.com/in/docs/problems#{}",
        answer.text("code")
    );
    assert_eq!(answer.text("type"), documented);
}

#[tokio::test]
async fn prb_1_a_problem_has_its_members_and_its_type_can_be_read() {
    let w = world_at("https://auth.example.com/in", preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let json = [("content-type", "application/json")];
    let answers = [
        (
            "/in/v1/sessions",
            w.send("GET", "/in/v1/sessions?secret=x", &[], "").await,
        ),
        ("/in/nowhere", w.send("GET", "/in/nowhere", &[], "").await),
        ("/elsewhere", w.send("GET", "/elsewhere", &[], "").await),
        (
            "/in/v1/password",
            w.send("GET", "/in/v1/password", &[], "").await,
        ),
        (
            "/in/v1/sessions",
            w.send("POST", "/in/v1/sessions", &json, "{").await,
        ),
        (
            "/in/v1/sessions",
            w.send("POST", "/in/v1/sessions", &json, "{}").await,
        ),
        (
            "/in/v1/sessions",
            w.send("POST", "/in/v1/sessions", &[], "{}").await,
        ),
        (
            "/in/v1/sessions/x",
            w.call("DELETE", "/in/v1/sessions/x", &token, "").await,
        ),
        (
            "/in/v1/admin/users",
            w.call("GET", "/in/v1/admin/users", &token, "").await,
        ),
        (
            "/in/v1/verify",
            w.send("GET", "/in/v1/verify?max_age=x", &[], "").await,
        ),
    ];
    let statuses: Vec<u16> = answers
        .iter()
        .map(|(_, answer)| answer.status.as_u16())
        .collect();
    assert_eq!(statuses, [401, 404, 404, 405, 400, 422, 415, 404, 403, 422]);
    for (path, answer) in &answers {
        is_problem(answer, path);
    }
    let large = "x".repeat(70_000);
    for path in ["/in/v1/sessions", "/in/v1/sessions/current/prolong"] {
        let large = w.call("POST", path, &token, &large).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
        is_problem(&large, path);
    }
    // The type's address answers, and has an anchor for every code.
    let page = w.page("/in/docs/problems").await;
    for code in prolong_protocol::problem::Code::ALL {
        assert!(page.contains(&format!("id=\"{code}\"")), "{code}");
    }
}
