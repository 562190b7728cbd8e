//! RFR: the refresh grant and rotation (OAuth 2.1 §4.3, RFC 9700 §4.14).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use prolong_core::{OnReuse, PolicyDraft, Preset};

use super::ATTEMPT;
use crate::world::{preset, world};

#[tokio::test]
async fn rfr_1_a_token_is_bound_to_its_client() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("server").await.answer.refresh_token.unwrap();
    assert_eq!(w.refresh(&token, "").await.text("error"), "invalid_grant");
    for wrong in ["&client_id=server", "&client_id=server&client_secret=wrong"] {
        assert_eq!(
            w.refresh(&token, wrong).await.status,
            StatusCode::UNAUTHORIZED,
            "{wrong}"
        );
    }
    let other = "&client_id=ops&client_secret=s3cret";
    assert_eq!(
        w.refresh(&token, other).await.text("error"),
        "invalid_grant"
    );
    let own = w
        .refresh(&token, "&client_id=server&client_secret=s3cret")
        .await;
    assert_eq!(own.status, StatusCode::OK);
}

#[tokio::test]
async fn rfr_2_scope_narrows_and_never_widens() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let wide = w.refresh(&token, "&scope=read+delete").await;
    assert_eq!(
        (wide.status, wide.text("error")),
        (StatusCode::BAD_REQUEST, "invalid_scope")
    );
    let narrow = w.refresh(&token, "&scope=read").await;
    assert_eq!(
        narrow.body["session"]["generation"], 1,
        "the refusal consumed nothing"
    );
    let seen = w.verify(narrow.text("access_token"), "").await;
    assert_eq!(seen.header("prolong-scope"), "read");
    w.later(60);
    let next = w.refresh(narrow.text("refresh_token"), "").await;
    let seen = w.verify(next.text("access_token"), "").await;
    assert_eq!(
        seen.header("prolong-scope"),
        "read write",
        "the refresh token kept its scope"
    );
    w.later(60);
    let twice = "&scope=read+write+read";
    let named = w.refresh(next.text("refresh_token"), twice).await;
    let seen = w.verify(named.text("access_token"), "").await;
    assert_eq!(seen.header("prolong-scope"), "read write");
}

#[tokio::test]
async fn rfr_3_the_grant_must_be_active() {
    for verb in ["disable", "sign-out", "require-reauth"] {
        let w = world(preset(Preset::Refresh)).await;
        let token = w.signed_in("web").await.answer.refresh_token.unwrap();
        let admin = w.token_for("prolong:admin").await;
        let path = format!("/v1/admin/users/maryo/{verb}");
        assert_eq!(
            w.call("POST", &path, &admin, "{}").await.status,
            StatusCode::OK
        );
        let refused = w.refresh(&token, "").await;
        let (reason, action) = match verb {
            "disable" => ("user_disabled", "sign_in"),
            "sign-out" => ("version_raised", "sign_in"),
            _ => ("reauth_required", "reauthenticate"),
        };
        assert_eq!(
            (
                refused.text("error"),
                refused.text("reason"),
                refused.text("action")
            ),
            ("invalid_grant", reason, action)
        );
    }
}

#[tokio::test]
async fn rfr_4_a_public_clients_token_rotates() {
    for preset_ in [
        Preset::Refresh,
        Preset::Device,
        Preset::Pair,
        Preset::Versioned,
        Preset::Aal2,
    ] {
        let w = world(preset(preset_)).await;
        let first = w.signed_in("web").await.answer;
        let token = first.refresh_token.unwrap();
        w.later(60);
        let more = format!("&access_token={}", first.access_token);
        let next = w.refresh(&token, &more).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        assert_ne!(next.text("refresh_token"), token, "{}", preset_.as_str());
    }
}

#[tokio::test]
async fn rfr_5_reuse_ends_the_session_everywhere() {
    for on_reuse in [OnReuse::Session, OnReuse::User] {
        let w = world(PolicyDraft {
            on_reuse: Some(on_reuse),
            ..preset(Preset::Refresh)
        })
        .await;
        let first = w.signed_in("web").await.answer.refresh_token.unwrap();
        let other = w.signed_in("web").await.answer;
        w.later(60);
        let second = w.refresh(&first, ATTEMPT).await;
        w.later(60);
        let stolen = w.refresh(&first, "").await;
        assert_eq!(
            (stolen.text("error"), stolen.text("reason")),
            ("invalid_grant", "reuse_detected")
        );
        assert_eq!(stolen.text("action"), "sign_in");
        let honest = w.refresh(second.text("refresh_token"), ATTEMPT).await;
        assert_eq!(honest.text("reason"), "reuse_detected");
        let seen = w.verify(second.text("access_token"), "").await;
        assert_eq!(
            (seen.status.as_u16(), seen.text("code")),
            (401, "INVALID_TOKEN"),
            "the feed knows at once"
        );
        let kept = on_reuse == OnReuse::Session;
        assert_eq!(
            w.verify(&other.access_token, "").await.status.is_success(),
            kept
        );
        let elsewhere = w.refresh(&other.refresh_token.unwrap(), "").await;
        assert_eq!(elsewhere.status.is_success(), kept);
    }
}

#[tokio::test]
async fn rfr_6_many_at_once_get_one_successor() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let answers = futures_util::future::join_all((0..10).map(|_| w.refresh(&token, ""))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    let first = answers[0].text("refresh_token");
    assert_ne!(first, token);
    assert!(
        answers
            .iter()
            .all(|answer| answer.text("refresh_token") == first)
    );
}

#[tokio::test]
async fn rfr_7_grace_is_for_the_immediate_predecessor_and_is_counted() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    w.refresh(&token, "").await;
    for _ in 0..20 {
        assert_eq!(w.refresh(&token, "").await.status, StatusCode::OK);
    }
    let last = w.refresh(&token, "").await;
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!last.header("retry-after").is_empty());

    let w = world(preset(Preset::Refresh)).await;
    let grandparent = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let parent = w.refresh(&grandparent, "").await;
    w.later(60);
    assert_eq!(
        w.refresh(parent.text("refresh_token"), "").await.status,
        StatusCode::OK
    );
    // A second later its successor has been used: that is reuse, not grace.
    w.later(1);
    assert_eq!(
        w.refresh(&grandparent, "").await.text("reason"),
        "reuse_detected"
    );
}

#[tokio::test]
async fn rfr_8_a_retry_gets_the_same_and_a_late_duplicate_409() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let first = w.refresh(&token, ATTEMPT).await;
    w.later(3600);
    let again = w.refresh(&token, ATTEMPT).await;
    assert_eq!(first.text("refresh_token"), again.text("refresh_token"));
    let next = "&attempt_id=DwECAwQFBgcICQoLDA0ODw";
    w.refresh(first.text("refresh_token"), next).await;
    let late = w.refresh(&token, ATTEMPT).await;
    assert_eq!(
        (late.status, late.text("error"), late.text("action")),
        (StatusCode::CONFLICT, "invalid_grant", "retry")
    );
}

#[tokio::test]
async fn rfr_10_where_nothing_is_said_there_is_an_end_and_an_idle_end() {
    let w = world(PolicyDraft::default()).await;
    let answer = w.signed_in("web").await.answer;
    assert_eq!(answer.refresh_token_timeout, Some(7 * 86_400));
    assert_eq!(answer.authorization_expires_in, Some(30 * 86_400));
}

#[tokio::test]
async fn rfr_11_rotation_never_moves_the_absolute_end() {
    let w = world(preset(Preset::Refresh)).await;
    let mut token = w.signed_in("web").await.answer.refresh_token.unwrap();
    for day in 1..=29 {
        w.later(86_400);
        let answer = w.refresh(&token, "").await;
        assert_eq!(answer.body["authorization_expires_in"], (30 - day) * 86_400);
        answer.text("refresh_token").clone_into(&mut token);
    }
    w.later(86_400);
    assert_eq!(
        w.refresh(&token, "").await.text("reason"),
        "lifetime_reached"
    );
}

#[tokio::test]
async fn rfr_12_an_idle_session_is_over_and_says_why() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(7 * 86_400);
    let answer = w.refresh(&token, "").await;
    assert_eq!(
        (answer.text("reason"), answer.text("action")),
        ("idle_timeout", "sign_in")
    );
}

#[tokio::test]
async fn rfr_13_signing_out_kills_the_refresh_token() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let out = w
        .call("DELETE", "/v1/sessions/current", &one.access_token, "")
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let refused = w.refresh(&one.refresh_token.unwrap(), "").await;
    assert_eq!(
        (refused.text("error"), refused.text("reason")),
        ("invalid_grant", "signed_out")
    );
}

#[tokio::test]
async fn rfr_14_no_byte_of_the_token_can_be_changed() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    let bytes = URL_SAFE_NO_PAD
        .decode(token.strip_prefix("plr1_").unwrap())
        .unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let changed = format!("plr1_{}", URL_SAFE_NO_PAD.encode(&changed));
        let refused = w.refresh(&changed, "").await;
        assert_eq!(refused.text("error"), "invalid_grant", "byte {at}");
        assert!(refused.body.get("reason").is_none(), "byte {at}");
    }
    assert_eq!(w.refresh(&token, "").await.status, StatusCode::OK);
}
