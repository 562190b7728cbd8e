//! The OAuth endpoints over the router, named by the lines of the checklist that they hold.

use http::StatusCode;
use prolong_core::{OnReuse, PolicyDraft, Preset};

use super::oauth_world::{FORM, world};

const ATTEMPT: &str = "&attempt_id=AAECAwQFBgcICQoLDA0ODw";

fn refresh_policy() -> PolicyDraft {
    PolicyDraft {
        preset: Some(Preset::Refresh),
        ..PolicyDraft::default()
    }
}

#[tokio::test]
async fn tok_1_only_post_and_only_forms() {
    let w = world(refresh_policy()).await;
    assert_eq!(
        w.send("GET", "/oauth/token", &[], "").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    let json = w
        .send(
            "POST",
            "/oauth/token",
            &[("content-type", "application/json")],
            "{}",
        )
        .await;
    assert_eq!(
        (json.status, json.text("error")),
        (StatusCode::BAD_REQUEST, "invalid_request")
    );
    let large = "a=".to_owned() + &"x".repeat(70_000);
    assert_eq!(
        w.form("/oauth/token", &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
}

#[tokio::test]
async fn tok_2_repeated_is_refused_unknown_is_ignored_empty_is_omitted() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    assert_eq!(
        w.refresh(&token, "&client_id=web&client_id=web")
            .await
            .text("error"),
        "invalid_request"
    );
    assert_eq!(
        w.refresh(&token, "&scope=&colour=blue&attempt_id=")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn tok_3_and_4_the_answer_has_its_members_and_is_kept_by_nobody() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let answer = w.refresh(&token, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.text("token_type"), "Bearer");
    assert_eq!(answer.body["expires_in"], 900);
    assert_eq!(answer.body["refresh_token_timeout"], 7 * 86_400);
    assert_eq!(answer.body["session"]["generation"], 1);
    assert_ne!(answer.text("refresh_token"), token);
    assert_eq!(
        (answer.header("cache-control"), answer.header("pragma")),
        ("no-store", "no-cache")
    );
    let error = w.refresh("plr1_nonsense", "").await;
    assert_eq!(
        (error.header("cache-control"), error.header("pragma")),
        ("no-store", "no-cache")
    );
}

#[tokio::test]
async fn tok_5_errors_are_the_registered_ones() {
    let w = world(refresh_policy()).await;
    let error = |body: &'static str| {
        let w = &w;
        async move {
            let answer = w.form("/oauth/token", body).await;
            (answer.status.as_u16(), answer.text("error").to_owned())
        }
    };
    assert_eq!(
        error("grant_type=password").await,
        (400, "unsupported_grant_type".to_owned())
    );
    assert_eq!(error("").await, (400, "invalid_request".to_owned()));
    assert_eq!(
        error("grant_type=refresh_token").await,
        (400, "invalid_request".to_owned())
    );
    assert_eq!(
        error("grant_type=client_credentials&client_id=web").await,
        (400, "unauthorized_client".to_owned())
    );
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    for bad in ["&attempt_id=AAAA", "&idle_for=-1", "&idle_for=soon"] {
        assert_eq!(
            w.refresh(&token, bad).await.text("error"),
            "invalid_request",
            "{bad}"
        );
    }
}

#[tokio::test]
async fn tok_6_a_client_that_fails_by_header_is_challenged() {
    let w = world(refresh_policy()).await;
    // ops:wrong
    let headers = [FORM, ("authorization", "Basic b3BzOndyb25n")];
    let answer = w
        .send(
            "POST",
            "/oauth/token",
            &headers,
            "grant_type=client_credentials",
        )
        .await;
    assert_eq!(
        (answer.status, answer.text("error")),
        (StatusCode::UNAUTHORIZED, "invalid_client")
    );
    assert!(answer.header("www-authenticate").starts_with("Basic "));
    // ops:s3cret
    let headers = [FORM, ("authorization", "Basic b3BzOnMzY3JldA==")];
    let body = "grant_type=client_credentials&scope=prolong:admin";
    let answer = w.send("POST", "/oauth/token", &headers, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.get("session").is_none() && answer.body.get("refresh_token").is_none());
    let beyond = w
        .send(
            "POST",
            "/oauth/token",
            &headers,
            "grant_type=client_credentials&scope=prolong:feed",
        )
        .await;
    assert_eq!(beyond.text("error"), "invalid_scope");
    let twice = w
        .send(
            "POST",
            "/oauth/token",
            &headers,
            "grant_type=client_credentials&client_secret=s3cret",
        )
        .await;
    assert_eq!(twice.text("error"), "invalid_request");
}

#[tokio::test]
async fn tok_7_forged_and_foreign_are_not_to_be_told_apart() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    let mut forged = token.clone();
    let last = if forged.pop() == Some('A') { 'E' } else { 'A' };
    forged.push(last);
    let (forged, foreign) = (
        w.refresh(&forged, "").await,
        w.refresh(&token, "&client_id=other").await,
    );
    assert_eq!(forged.body, foreign.body);
    assert_eq!(forged.text("error"), "invalid_grant");
    assert!(forged.body.get("reason").is_none() && forged.body.get("action").is_none());
    assert_eq!(
        w.refresh(&token, "").await.status,
        StatusCode::OK,
        "rfr_1: without consequence"
    );
}

#[tokio::test]
async fn rfr_1_a_confidential_clients_token_needs_its_secret() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("server").await.answer.refresh_token.unwrap();
    assert_eq!(w.refresh(&token, "").await.text("error"), "invalid_grant");
    assert_eq!(
        w.refresh(&token, "&client_id=server").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        w.refresh(&token, "&client_id=server&client_secret=wrong")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        w.refresh(&token, "&client_id=server&client_secret=s3cret")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn rfr_2_scope_narrows_and_never_widens() {
    let w = world(refresh_policy()).await;
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
    assert_eq!(
        w.verify(narrow.text("access_token"), "")
            .await
            .header("prolong-scope"),
        "read"
    );
    w.later(60);
    let next = w.refresh(narrow.text("refresh_token"), "").await;
    assert_eq!(
        w.verify(next.text("access_token"), "")
            .await
            .header("prolong-scope"),
        "read write"
    );
}

#[tokio::test]
async fn rfr_5_reuse_ends_the_session_everywhere() {
    for on_reuse in [OnReuse::Session, OnReuse::User] {
        let w = world(PolicyDraft {
            on_reuse: Some(on_reuse),
            ..refresh_policy()
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
        let elsewhere = w.verify(&other.access_token, "").await.status.is_success();
        assert_eq!(elsewhere, on_reuse == OnReuse::Session);
        let elsewhere = w
            .refresh(&other.refresh_token.unwrap(), "")
            .await
            .status
            .is_success();
        assert_eq!(elsewhere, on_reuse == OnReuse::Session);
    }
}

#[tokio::test]
async fn rfr_6_many_at_once_get_one_successor() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let answers = futures_util::future::join_all((0..10).map(|_| w.refresh(&token, ""))).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    assert!(
        answers
            .iter()
            .all(|answer| answer.text("refresh_token") == answers[0].text("refresh_token"))
    );
}

#[tokio::test]
async fn rfr_7_the_predecessor_is_answered_twenty_times_and_then_429() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    w.refresh(&token, "").await;
    for _ in 0..20 {
        assert_eq!(w.refresh(&token, "").await.status, StatusCode::OK);
    }
    let last = w.refresh(&token, "").await;
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(!last.header("retry-after").is_empty());
}

#[tokio::test]
async fn rfr_8_a_retry_gets_the_same_and_a_late_duplicate_409() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(60);
    let first = w.refresh(&token, ATTEMPT).await;
    w.later(3600);
    let again = w.refresh(&token, ATTEMPT).await;
    assert_eq!(first.text("refresh_token"), again.text("refresh_token"));
    w.refresh(
        first.text("refresh_token"),
        "&attempt_id=DwECAwQFBgcICQoLDA0ODw",
    )
    .await;
    let late = w.refresh(&token, ATTEMPT).await;
    assert_eq!(
        (late.status, late.text("error"), late.text("action")),
        (StatusCode::CONFLICT, "invalid_grant", "retry")
    );
}

#[tokio::test]
async fn rfr_12_and_15_an_idle_session_says_why() {
    let w = world(refresh_policy()).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.later(7 * 86_400);
    let answer = w.refresh(&token, "").await;
    assert_eq!(
        (answer.text("reason"), answer.text("action")),
        ("idle_timeout", "sign_in")
    );
}

#[tokio::test]
async fn pair_wants_both_tokens() {
    let w = world(PolicyDraft {
        preset: Some(Preset::Pair),
        ..PolicyDraft::default()
    })
    .await;
    let (one, two) = (
        w.signed_in("web").await.answer,
        w.signed_in("web").await.answer,
    );
    let token = one.refresh_token.unwrap();
    w.later(3600);
    assert_eq!(w.refresh(&token, "").await.text("error"), "invalid_request");
    let foreign = w
        .refresh(&token, &format!("&access_token={}", two.access_token))
        .await;
    assert_eq!(foreign.text("error"), "invalid_grant");
    let both = w
        .refresh(&token, &format!("&access_token={}", one.access_token))
        .await;
    assert_eq!(
        both.status,
        StatusCode::OK,
        "expired is fine: {}",
        both.body
    );
}

#[tokio::test]
async fn rev_1_to_6_either_token_ends_the_session_and_unknown_ones_are_200() {
    let w = world(refresh_policy()).await;
    let one = w.signed_in("web").await.answer;
    let refresh = one.refresh_token.unwrap();
    let foreign = w
        .form("/oauth/revoke", &format!("client_id=other&token={refresh}"))
        .await;
    assert_eq!(foreign.text("error"), "unauthorized_client");
    assert_eq!(w.verify(&one.access_token, "").await.status, StatusCode::OK);
    assert_eq!(
        w.form("/oauth/revoke", "token=unknown").await.status,
        StatusCode::OK
    );
    let hint = format!("client_id=web&token_type_hint=access_token&token={refresh}");
    for _ in 0..2 {
        assert_eq!(w.form("/oauth/revoke", &hint).await.status, StatusCode::OK);
    }
    assert_eq!(
        w.verify(&one.access_token, "").await.text("reason"),
        "signed_out"
    );
    let two = w.signed_in("web").await.answer;
    assert_eq!(
        w.form("/oauth/revoke", &format!("token={}", two.access_token))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        w.refresh(&two.refresh_token.unwrap(), "")
            .await
            .text("reason"),
        "signed_out"
    );
}

#[tokio::test]
async fn int_1_to_4_only_who_may_ask_hears_and_only_of_good_tokens() {
    let w = world(refresh_policy()).await;
    let tokens = w.signed_in("web").await.answer;
    let refresh = tokens.refresh_token.unwrap();
    let ask = |who: &str, token: &str| {
        let body = format!("client_id={who}&client_secret=s3cret&token={token}");
        let w = &w;
        async move { w.form("/oauth/introspect", &body).await }
    };
    assert_eq!(
        w.form("/oauth/introspect", "client_id=web&token=x")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        w.form("/oauth/introspect", "token=x").await.status,
        StatusCode::UNAUTHORIZED
    );
    let inactive = serde_json::json!({ "active": false });
    assert_eq!(
        ask("server", &refresh).await.body,
        inactive,
        "another client's"
    );
    assert_eq!(ask("ops", "unknown").await.body, inactive);
    for token in [&refresh, &tokens.access_token] {
        let good = ask("ops", token).await;
        assert_eq!(good.body["active"], true);
        assert_eq!((good.text("sub"), good.text("client_id")), ("maryo", "web"));
        assert!(good.body["exp"].is_i64() && good.body["iat"].is_i64());
    }
    w.form("/oauth/revoke", &format!("token={refresh}")).await;
    assert_eq!(ask("ops", &refresh).await.body, inactive);
    assert_eq!(ask("ops", &tokens.access_token).await.body, inactive);
}
