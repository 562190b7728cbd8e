//! Ends: each is counted once, by its reason. What is over by a deadline ends nowhere, and is counted when somebody asks.

use prolong_core::{Limit, OnReuse, PolicyDraft, Preset};

use super::{counted, refresh, token};
use crate::world::{World, preset, world};

/// The user has two sessions; one call ends one, or both.
#[tokio::test]
async fn every_end_is_counted_by_its_reason() {
    let password = r#"{"password":"a good long one"}"#;
    for (by, call, body, expected) in [
        (
            "admin",
            "DELETE /v1/admin/sessions/{sid}",
            "",
            "ended_by_admin +1",
        ),
        (
            "admin",
            "POST /v1/admin/keys/refresh/1/distrust",
            "",
            "key_distrusted +2",
        ),
        (
            "admin",
            "DELETE /v1/admin/users/maryo",
            "",
            "user_deleted +2",
        ),
        (
            "admin",
            "POST /v1/admin/users/maryo/disable",
            "",
            "user_disabled +2",
        ),
        (
            "admin",
            "POST /v1/admin/users/maryo/sign-out",
            "",
            "version_raised +2",
        ),
        (
            "admin",
            "POST /v1/admin/users/maryo/password",
            password,
            "password_changed +2",
        ),
        ("user", "DELETE /v1/sessions/current", "", "signed_out +1"),
        (
            "user",
            "DELETE /v1/sessions?except=current",
            "",
            "signed_out_elsewhere +1",
        ),
    ] {
        let w = world(preset(Preset::Refresh)).await;
        let one = w.signed_in("web").await.answer;
        w.signed_in("web").await;
        let by = match by {
            "admin" => w.token_for("prolong:admin").await,
            _ => one.access_token,
        };
        let (method, path) = call.split_once(' ').unwrap();
        let path = path.replace("{sid}", &one.session.unwrap().id);
        let ([refreshes, ends, ..], answer) = counted(&w, w.call(method, &path, &by, body)).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
        assert_eq!(
            (ends.as_str(), refreshes.as_str()),
            (expected, ""),
            "{path}"
        );
        let ([_, again, ..], _) = counted(&w, w.call(method, &path, &by, body)).await;
        assert_eq!(again, "", "{path} a second time ends nothing");
    }
}

#[tokio::test]
async fn what_ends_as_another_thing_happens_is_counted_too() {
    let w = world(preset(Preset::Refresh)).await;
    let one = token(&w, "web").await;
    let form = format!("token={one}");
    let ([_, ends, ..], _) = counted(&w, w.form("/oauth/revoke", &form)).await;
    assert_eq!(ends, "signed_out +1");
    for (draft, expected) in [
        (
            PolicyDraft {
                sessions_per_user: Some(1),
                ..PolicyDraft::default()
            },
            "displaced +1",
        ),
        (
            PolicyDraft {
                replace_others: Some(true),
                ..PolicyDraft::default()
            },
            "version_raised +1",
        ),
    ] {
        let w = world(draft).await;
        w.signed_in("web").await;
        let ([_, ends, ..], _) = counted(&w, w.signed_in("web")).await;
        assert_eq!(ends, expected);
    }
    let w = world(PolicyDraft {
        on_reuse: Some(OnReuse::User),
        ..PolicyDraft::default()
    })
    .await;
    w.signed_in("web").await;
    let first = token(&w, "web").await;
    let mut newest = first.clone();
    for _ in 0..2 {
        w.later(60);
        newest = refresh(&w, &newest, "", "A2_rotated", "").await;
    }
    let ([_, ends, ..], _) = counted(&w, w.refresh(&first, "")).await;
    assert_eq!(ends, "reuse_detected +2");
}

/// Who comes too late to prolong is counted by why; nothing has ended by that.
#[tokio::test]
async fn whoever_comes_too_late_is_counted_by_why() {
    const DAY: i64 = 86_400;
    let late = async |w: &World, call: &str, token: &str, reason: &str| {
        let asked = async {
            match call {
                "refresh" => w.refresh(token, "").await,
                _ => {
                    w.call("POST", "/v1/sessions/current/prolong", token, "{}")
                        .await
                }
            }
        };
        let ([refreshes, ends, _, over], answer) = counted(w, asked).await;
        assert!(answer.status.is_client_error(), "{}", answer.body);
        assert_eq!(
            (over, ends.as_str()),
            (format!("{reason} +1"), ""),
            "{refreshes}"
        );
    };
    let w = world(preset(Preset::Refresh)).await;
    let token = async |w: &World| token(w, "web").await;
    let one = token(&w).await;
    w.later(8 * DAY);
    late(&w, "refresh", &one, "idle_timeout").await;
    let one = token(&w).await;
    let admin = w.token_for("prolong:admin").await;
    w.call("POST", "/v1/admin/users/maryo/require-reauth", &admin, "")
        .await;
    late(&w, "refresh", &one, "reauth_required").await;
    w.call("POST", "/v1/admin/users/maryo/sign-out", &admin, "")
        .await;
    late(&w, "refresh", &one, "version_raised").await;

    let w = world(PolicyDraft {
        idle: Some(Limit::Never),
        ..preset(Preset::Refresh)
    })
    .await;
    let one = token(&w).await;
    w.later(31 * DAY);
    late(&w, "refresh", &one, "lifetime_reached").await;

    let w = world(preset(Preset::Gatekeeper)).await;
    let one = w.signed_in("web").await.answer.access_token;
    w.later(2 * DAY);
    let one = w
        .call("POST", "/v1/sessions/current/prolong", &one, "{}")
        .await;
    w.later(DAY);
    late(
        &w,
        "access token",
        one.text("access_token"),
        "sign_in_too_old",
    )
    .await;
}
