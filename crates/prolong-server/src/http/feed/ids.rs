//! A public feed closes with the first id that could be guessed, however it came, and a restart does not open it again.

use http::StatusCode;
use prolong_core::PolicyDraft;
use serde_json::json;

use crate::world::{World, world_with};

const KEY: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

async fn is_open(w: &World) -> bool {
    let answer = w.send("GET", "/v1/feed/snapshot", &[], "").await;
    answer.status == StatusCode::OK
}

#[tokio::test]
async fn whoever_brings_an_id_closes_the_feed_for_good() {
    let tokens = json!({ "client_id": "web" });
    let ticket = json!({ "client_id": "web", "deliver": "ticket" });
    let user = json!({ "sub": "customer-7" });
    let drawn = json!({ "login": "ann" });
    let (users, sessions) = ("/v1/admin/users", "/v1/admin/users/customer-7/sessions");
    for (path, body, open) in [
        (users, drawn, true),
        (users, user, false),
        (sessions, tokens, false),
        (sessions, ticket, false),
    ] {
        let w = world_with(PolicyDraft::default(), |settings| {
            settings.feed_public = true;
        })
        .await;
        let admin = w.token_for("prolong:admin").await;
        assert!(is_open(&w).await);
        let made = w.call("POST", path, &admin, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(is_open(&w).await, open, "{path} {body}");
        let restarted = w.restarted(KEY).await.ok().unwrap();
        assert_eq!(is_open(&restarted).await, open, "{path} {body}, later");
    }
}
