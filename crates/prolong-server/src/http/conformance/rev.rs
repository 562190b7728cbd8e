//! REV: revocation (RFC 7009).

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{FORM, preset, world};

#[tokio::test]
async fn rev_1_a_form_whose_hint_may_be_wrong() {
    for hint in [
        "",
        "&token_type_hint=access_token",
        "&token_type_hint=refresh_token",
        "&token_type_hint=saml",
    ] {
        let w = world(preset(Preset::Refresh)).await;
        let one = w.signed_in("web").await.answer;
        let two = w.signed_in("web").await.answer;
        for token in [one.refresh_token.as_deref().unwrap(), &two.access_token] {
            let answer = w
                .form("/oauth/revoke", &format!("token={token}{hint}"))
                .await;
            assert_eq!(answer.status, StatusCode::OK, "{hint}");
        }
        for token in [&one.access_token, &two.access_token] {
            assert_eq!(
                w.verify(token, "").await.text("reason"),
                "signed_out",
                "{hint}"
            );
        }
    }
    let w = world(preset(Preset::Refresh)).await;
    assert_eq!(
        w.form("/oauth/revoke", "").await.text("error"),
        "invalid_request"
    );
    assert_eq!(
        w.form("/oauth/revoke", "token=a&token=b")
            .await
            .text("error"),
        "invalid_request"
    );
    let get = w.send("GET", "/oauth/revoke?token=x", &[FORM], "").await;
    assert_eq!(
        (get.status, get.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}

#[tokio::test]
async fn rev_2_confidential_clients_prove_themselves_and_tokens_are_ones_own() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("server").await.answer.refresh_token.unwrap();
    let attempts = [
        ("", 401, "invalid_client"),
        ("&client_id=server", 401, "invalid_client"),
        (
            "&client_id=server&client_secret=wrong",
            401,
            "invalid_client",
        ),
        ("&client_id=web", 400, "unauthorized_client"),
        (
            "&client_id=ops&client_secret=s3cret",
            400,
            "unauthorized_client",
        ),
    ];
    for (who, status, error) in attempts {
        let answer = w
            .form("/oauth/revoke", &format!("token={token}{who}"))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.text("error")),
            (status, error),
            "{who}"
        );
        assert_eq!(
            answer.header("www-authenticate").is_empty(),
            status != 401,
            "{who}"
        );
    }
    let own = "&client_id=server&client_secret=s3cret";
    assert_eq!(
        w.refresh(&token, own).await.status,
        StatusCode::OK,
        "nothing was revoked"
    );
    w.form("/oauth/revoke", &format!("token={token}{own}"))
        .await;
    assert_eq!(w.refresh(&token, own).await.text("reason"), "signed_out");
}

#[tokio::test]
async fn rev_3_both_kinds_can_be_revoked() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let refresh = one.refresh_token.unwrap();
    w.form("/oauth/revoke", &format!("token={refresh}")).await;
    assert_eq!(w.refresh(&refresh, "").await.text("reason"), "signed_out");
    let two = w.signed_in("web").await.answer;
    w.form("/oauth/revoke", &format!("token={}", two.access_token))
        .await;
    assert_eq!(
        w.verify(&two.access_token, "").await.text("reason"),
        "signed_out"
    );
}

#[tokio::test]
async fn rev_4_either_token_takes_the_session_with_it() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let refresh = one.refresh_token.unwrap();
    w.form("/oauth/revoke", &format!("token={refresh}")).await;
    assert_eq!(
        w.verify(&one.access_token, "").await.text("reason"),
        "signed_out"
    );
    let two = w.signed_in("web").await.answer;
    w.form("/oauth/revoke", &format!("token={}", two.access_token))
        .await;
    let refused = w.refresh(&two.refresh_token.unwrap(), "").await;
    assert_eq!(refused.text("reason"), "signed_out");
}

#[tokio::test]
async fn rev_5_a_token_that_is_no_good_is_200() {
    let w = world(preset(Preset::Refresh)).await;
    let answer = w.signed_in("web").await.answer;
    w.later(3600);
    for token in ["unknown", "plr1_x", "a.b.c", &answer.access_token] {
        let revoked = w.form("/oauth/revoke", &format!("token={token}")).await;
        assert_eq!(revoked.status, StatusCode::OK, "{token}");
    }
    let refresh = answer.refresh_token.unwrap();
    let kept = w.refresh(&refresh, "").await;
    assert_eq!(
        kept.status,
        StatusCode::OK,
        "an expired token has no consequences"
    );
    let machine = w.token_for("prolong:support").await;
    let body = format!("client_id=ops&client_secret=s3cret&token={machine}");
    let machine = w.form("/oauth/revoke", &body).await;
    assert_eq!(machine.text("error"), "unsupported_token_type");
}

#[tokio::test]
async fn rev_6_twice_is_once_and_at_once() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let body = format!("client_id=web&token={}", one.refresh_token.unwrap());
    for _ in 0..2 {
        assert_eq!(w.form("/oauth/revoke", &body).await.status, StatusCode::OK);
        assert_eq!(
            w.verify(&one.access_token, "").await.text("reason"),
            "signed_out"
        );
    }
}

/// What is over keeps its reason: the user, and whoever helps them, shall hear what really happened.
#[tokio::test]
async fn a_session_that_is_over_is_not_ended_anew() {
    let w = world(preset(Preset::Refresh)).await;
    let over = w.signed_in("web").await;
    w.later(400 * 86_400);
    let (before, lines) = (w.fate(&over.session).await, w.audit().await);
    assert_ne!(before, "live");
    let token = over.answer.refresh_token.unwrap();
    let form = format!("client_id=web&token={token}");
    assert_eq!(w.form("/oauth/revoke", &form).await.status, StatusCode::OK);
    assert_eq!(w.fate(&over.session).await, before);
    assert_eq!(w.audit().await, lines);
}
