//! Tickets that are old, or redeemed by many at once.

use std::sync::Arc;

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};
use serde_json::json;

use super::JSON;
use crate::world::{preset, world};

/// A ban, a sign-out or a deletion within the minute of a ticket's life.
#[tokio::test]
async fn a_ticket_from_before_a_sign_out_everywhere_is_dead() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:admin").await;
    let ticket = async || {
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let path = "/v1/admin/users/maryo/sessions";
        let answer = w.call("POST", path, &admin, wish).await;
        answer.text("ticket").to_owned()
    };
    let redeem = async |ticket: &str| {
        let body = json!({ "client_id": "web", "ticket": ticket }).to_string();
        w.send("POST", "/v1/sessions", &[JSON], &body).await
    };
    let first = ticket().await;
    assert_eq!(redeem(&first).await.status, StatusCode::CREATED);
    for verbs in [&["sign-out"][..], &["disable", "enable"]] {
        let before = ticket().await;
        for verb in verbs {
            let path = format!("/v1/admin/users/maryo/{verb}");
            assert_eq!(
                w.call("POST", &path, &admin, "").await.status,
                StatusCode::OK
            );
        }
        let refused = redeem(&before).await;
        assert_eq!(
            (refused.status, refused.text("code"), refused.text("reason")),
            (StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "version_raised"),
            "{verbs:?}"
        );
        let after = ticket().await;
        assert_eq!(redeem(&after).await.status, StatusCode::CREATED);
    }
    let before = ticket().await;
    let other = w.signed_in("web").await.answer.access_token;
    let out = w.call("DELETE", "/v1/sessions", &other, "").await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(redeem(&before).await.status, StatusCode::UNAUTHORIZED);
}

/// Where each sign-in replaces the others, two tickets at a time are two sign-ins, and the later one counts.
#[tokio::test]
async fn where_a_sign_in_replaces_others_a_second_ticket_still_works() {
    let draft = PolicyDraft {
        replace_others: Some(true),
        ..preset(Preset::Refresh)
    };
    let w = world(draft).await;
    let backend = w.token_for("prolong:sign-in").await;
    let mut tickets = Vec::new();
    for _ in 0..2 {
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let path = "/v1/admin/users/maryo/sessions";
        let answer = w.call("POST", path, &backend, wish).await;
        tickets.push(answer.text("ticket").to_owned());
    }
    let mut tokens = Vec::new();
    for ticket in tickets {
        let body = json!({ "client_id": "web", "ticket": ticket }).to_string();
        let answer = w.send("POST", "/v1/sessions", &[JSON], &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        tokens.push(answer.text("access_token").to_owned());
    }
    assert_eq!(
        w.verify(&tokens[0], "").await.text("reason"),
        "version_raised"
    );
    assert_eq!(w.verify(&tokens[1], "").await.status, StatusCode::OK);
}

/// Eight browsers redeem one ticket at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_one_ticket_at_once_one_is_in() {
    let w = Arc::new(world(preset(Preset::Refresh)).await);
    let backend = w.token_for("prolong:sign-in").await;
    for round in 0..50 {
        let path = format!("/v1/admin/users/u{round}/sessions");
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let ticket = w.call("POST", &path, &backend, wish).await;
        let body = json!({ "client_id": "web", "ticket": ticket.text("ticket") }).to_string();
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (w, body) = (Arc::clone(&w), body.clone());
                tokio::spawn(
                    async move { w.send("POST", "/v1/sessions", &[JSON], &body).await.status },
                )
            })
            .collect();
        let mut made = 0;
        for one in tries {
            match one.await.unwrap() {
                StatusCode::CREATED => made += 1,
                other => assert_eq!(other, StatusCode::UNAUTHORIZED),
            }
        }
        assert_eq!(made, 1);
    }
}
