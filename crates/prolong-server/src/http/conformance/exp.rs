//! EXP: what is told about the ends of refresh token and authorization (draft-ietf-oauth-refresh-token-expiration).

use std::time::Duration;

use http::StatusCode;
use prolong_core::{Limit, PolicyDraft, Preset};
use serde_json::json;

use crate::world::{part, preset, world};

const DAY: i64 = 86_400;

fn days(n: u64) -> Limit {
    Limit::After(Duration::from_secs(n * 86_400))
}

/// Seven days of idleness in ten of life.
fn seven_in_ten() -> PolicyDraft {
    PolicyDraft {
        idle: Some(days(7)),
        lifetime: Some(days(10)),
        ..preset(Preset::Refresh)
    }
}

#[tokio::test]
async fn exp_1_both_values_come_with_every_refresh_token() {
    for (policy, both) in [
        (preset(Preset::Refresh), true),
        (preset(Preset::Aal1), true),
        (preset(Preset::Device), false),
    ] {
        let w = world(policy).await;
        let first = w.signed_in("web").await.answer;
        w.later(60);
        let next = w.refresh(&first.refresh_token.unwrap(), "").await;
        assert_eq!(
            next.body["refresh_token_timeout"].is_i64(),
            both,
            "{}",
            next.body
        );
        assert_eq!(next.body["authorization_expires_in"].is_i64(), both);
    }
}

#[tokio::test]
async fn exp_2_the_timeout_never_exceeds_the_authorization() {
    let w = world(seven_in_ten()).await;
    let first = w.signed_in("web").await.answer;
    assert_eq!(
        (first.refresh_token_timeout, first.authorization_expires_in),
        (Some(7 * DAY), Some(10 * DAY))
    );
    w.later(2 * DAY);
    let second = w.refresh(&first.refresh_token.unwrap(), "").await;
    assert_eq!(
        (
            &second.body["refresh_token_timeout"],
            &second.body["authorization_expires_in"]
        ),
        (&json!(604_800), &json!(691_200))
    );
    w.later(5 * DAY);
    let third = w.refresh(second.text("refresh_token"), "").await;
    assert_eq!(
        (
            &third.body["refresh_token_timeout"],
            &third.body["authorization_expires_in"]
        ),
        (&json!(259_200), &json!(259_200))
    );
    let held = world(seven_in_ten()).await;
    let token = held.signed_in("web").await.answer.refresh_token.unwrap();
    held.later(8 * DAY);
    assert_eq!(
        held.refresh(&token, "").await.text("error"),
        "invalid_grant"
    );
}

#[tokio::test]
async fn exp_3_no_token_outlives_the_authorization() {
    let w = world(seven_in_ten()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(5 * DAY);
    let next = w.refresh(&token, "").await;
    w.later(5 * DAY - 60);
    let last = w.refresh(next.text("refresh_token"), "").await;
    assert_eq!(last.body["expires_in"], 60);
    assert!(
        last.body.get("refresh_in").is_none(),
        "renewing would gain nothing"
    );
    let claims = part(last.text("access_token"), 1);
    assert_eq!(claims["exp"].as_i64().unwrap(), 1_800_000_000 + 10 * DAY);
    w.later(59);
    assert_eq!(
        w.verify(last.text("access_token"), "").await.status,
        StatusCode::OK
    );
    w.later(1);
    assert_eq!(
        w.verify(last.text("access_token"), "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        w.refresh(last.text("refresh_token"), "")
            .await
            .text("reason"),
        "lifetime_reached"
    );
}

#[tokio::test]
async fn exp_4_an_expired_token_is_good_for_nothing() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(7 * DAY);
    let revoked = w.form("/oauth/revoke", &format!("token={token}")).await;
    assert_eq!(revoked.status, StatusCode::OK);
    let body = format!("client_id=ops&client_secret=s3cret&token={token}");
    let known = w.form("/oauth/introspect", &body).await;
    assert_eq!(known.body, json!({ "active": false }));
    // Had the revocation had an effect, this would say `signed_out`.
    assert_eq!(w.refresh(&token, "").await.text("reason"), "idle_timeout");
}

#[tokio::test]
async fn exp_5_introspection_moves_nothing() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    let body = format!("client_id=ops&client_secret=s3cret&token={token}");
    let first = w.form("/oauth/introspect", &body).await;
    w.later(6 * DAY);
    let second = w.form("/oauth/introspect", &body).await;
    assert_eq!(second.body["active"], true);
    assert_eq!(first.body["exp"], second.body["exp"]);
    w.later(DAY);
    assert_eq!(w.refresh(&token, "").await.text("reason"), "idle_timeout");
}
