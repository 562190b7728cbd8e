//! STP: how strong and how recent a sign-in was (RFC 9470), as the authority says it. The verifier's lines: `prolong-verify`.

use prolong_core::Preset;
use serde_json::json;

use super::int::ask;
use crate::world::{part, preset, world};

const WISH: &str = r#"{"client_id":"web","auth_time":1799999000,"acr":"aal2"}"#;

#[tokio::test]
async fn stp_3_tokens_and_introspection_say_when_and_how_strongly() {
    let w = world(preset(Preset::Refresh)).await;
    let backend = w.token_for("prolong:sign-in").await;
    let started = w
        .call("POST", "/v1/admin/users/maryo/sessions", &backend, WISH)
        .await;
    let token = started.text("access_token");
    for said in [part(token, 1), ask(&w, "ops", token).await.body] {
        assert_eq!(said["auth_time"], 1_799_999_000);
        assert_eq!(said["acr"], "aal2", "{said}");
    }
    let weak = w.signed_in("web").await.answer.access_token;
    for said in [part(&weak, 1), ask(&w, "ops", &weak).await.body] {
        assert_eq!(said["acr"], json!(null), "nobody said so");
    }
}

#[tokio::test]
async fn stp_4_no_renewal_makes_a_sign_in_stronger_or_newer() {
    let w = world(preset(Preset::Refresh)).await;
    let backend = w.token_for("prolong:sign-in").await;
    let mut last = w
        .call("POST", "/v1/admin/users/maryo/sessions", &backend, WISH)
        .await;
    for asked in [
        "",
        "&acr_values=aal3",
        "&acr=aal3&auth_time=1800000000",
        "&max_age=0",
    ] {
        w.later(60);
        last = w.refresh(last.text("refresh_token"), asked).await;
        let said = part(last.text("access_token"), 1);
        assert_eq!(
            (&said["auth_time"], &said["acr"]),
            (&json!(1_799_999_000), &json!("aal2")),
            "{asked}"
        );
    }
}
