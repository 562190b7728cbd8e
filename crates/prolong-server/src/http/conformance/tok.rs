//! TOK: the token endpoint (RFC 6749, OAuth 2.1).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::StatusCode;
use prolong_core::Preset;

use crate::world::{Answer, FORM, World, part, preset, world};

async fn refresh_world() -> (World, String) {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    (w, token)
}

async fn basic(w: &World, pair: &str, body: &str) -> Answer {
    let authorization = format!("Basic {}", STANDARD.encode(pair));
    let headers = [FORM, ("authorization", authorization.as_str())];
    w.send("POST", "/oauth/token", &headers, body).await
}

#[tokio::test]
async fn tok_1_only_post_and_only_forms() {
    let (w, token) = refresh_world().await;
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE"] {
        let answer = w.send(method, "/oauth/token", &[], "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.header("allow"), "POST", "{method}");
    }
    let asked = w.send("OPTIONS", "/oauth/token", &[], "").await;
    assert_eq!(
        (asked.status, asked.header("allow")),
        (StatusCode::NO_CONTENT, "POST")
    );
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    for kind in ["application/json", "text/plain", "multipart/form-data"] {
        let other = w
            .send("POST", "/oauth/token", &[("content-type", kind)], &body)
            .await;
        assert_eq!(
            (other.status, other.text("error")),
            (StatusCode::BAD_REQUEST, "invalid_request"),
            "{kind}"
        );
    }
    let untyped = w.send("POST", "/oauth/token", &[], &body).await;
    assert_eq!(untyped.text("error"), "invalid_request");
    let charset = [(
        "content-type",
        "Application/X-WWW-Form-Urlencoded; charset=UTF-8",
    )];
    let answer = w.send("POST", "/oauth/token", &charset, &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json");
    let in_query = format!("/oauth/token?{body}");
    let answer = w.form(&in_query, "").await;
    assert_eq!(
        answer.text("error"),
        "invalid_request",
        "the query is not the form"
    );
    let large = "a=".to_owned() + &"x".repeat(70_000);
    let large = w.form("/oauth/token", &large).await;
    assert_eq!(
        (large.status, large.text("error")),
        (StatusCode::PAYLOAD_TOO_LARGE, "invalid_request")
    );
}

#[tokio::test]
async fn tok_2_repeated_is_refused_unknown_is_ignored_empty_is_omitted() {
    let (w, token) = refresh_world().await;
    for twice in [
        "&client_id=web&client_id=web",
        "&unknown=1&unknown=2",
        "&scope=&scope=read",
        "&%63lient_id=web&client_id=web",
    ] {
        let answer = w.refresh(&token, twice).await;
        assert_eq!(
            (answer.status, answer.text("error")),
            (StatusCode::BAD_REQUEST, "invalid_request"),
            "{twice}"
        );
    }
    for good in [
        "&scope=&colour=blue&attempt_id=",
        "&",
        "&client_id=&client_secret=",
    ] {
        assert_eq!(
            w.refresh(&token, good).await.status,
            StatusCode::OK,
            "{good}"
        );
    }
    let percent = token.replace('_', "%5F");
    assert_eq!(w.refresh(&percent, "").await.status, StatusCode::OK);
    let empty = w
        .form("/oauth/token", "grant_type=refresh_token&refresh_token=")
        .await;
    assert_eq!(empty.text("error"), "invalid_request");
    for broken in ["grant_type=%zz", "grant_type=%ff", "grant_type=%e"] {
        assert_eq!(
            w.form("/oauth/token", broken).await.text("error"),
            "invalid_request",
            "{broken}"
        );
    }
}

#[tokio::test]
async fn tok_3_the_answer_has_its_members() {
    let (w, token) = refresh_world().await;
    w.later(60);
    let answer = w.refresh(&token, "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.text("token_type"), "Bearer");
    assert_eq!(answer.body["expires_in"], 900);
    assert_eq!(answer.body["refresh_token_timeout"], 7 * 86_400);
    assert_eq!(answer.body["session"]["generation"], 1);
    assert_ne!(answer.text("refresh_token"), token);
    assert!(
        answer.body.get("scope").is_none(),
        "it is what was asked: {}",
        answer.body
    );
    let claims = part(answer.text("access_token"), 1);
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        900
    );
    // Nothing was asked, so what was granted is told.
    let machine = "grant_type=client_credentials&client_id=ops&client_secret=s3cret";
    let machine = w.form("/oauth/token", machine).await;
    assert_eq!(
        machine.text("scope"),
        "prolong:admin prolong:sign-in prolong:support prolong:feed prolong:introspect prolong:activity"
    );
}

#[tokio::test]
async fn tok_4_tokens_and_errors_are_kept_by_nobody() {
    let (w, token) = refresh_world().await;
    let admin = w.token_for("prolong:admin").await;
    let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
    let ticket = w
        .call("POST", "/v1/admin/users/maryo/sessions", &admin, wish)
        .await;
    let redeem = format!(
        r#"{{"client_id":"web","ticket":"{}"}}"#,
        ticket.text("ticket")
    );
    let json = [("content-type", "application/json")];
    let answers = [
        w.refresh(&token, "").await,
        w.refresh("plr1_nonsense", "").await,
        w.form("/oauth/token", "client_id=nobody").await,
        w.form(
            "/oauth/introspect",
            &format!("client_id=ops&client_secret=s3cret&token={token}"),
        )
        .await,
        w.send("POST", "/v1/sessions", &json, &redeem).await,
        w.form("/oauth/revoke", &format!("token={token}")).await,
    ];
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(
            (answer.header("cache-control"), answer.header("pragma")),
            ("no-store", "no-cache"),
            "{n}: {}",
            answer.body
        );
    }
    assert_eq!(
        answers[4].status,
        StatusCode::CREATED,
        "{}",
        answers[4].body
    );
    assert_eq!(ticket.header("cache-control"), "no-store");
}

#[tokio::test]
async fn tok_5_errors_are_the_registered_ones() {
    let (w, token) = refresh_world().await;
    let cases = [
        (
            "grant_type=password&username=a&password=b",
            "unsupported_grant_type",
        ),
        (
            "grant_type=authorization_code&code=x",
            "unsupported_grant_type",
        ),
        ("", "invalid_request"),
        ("grant_type=refresh_token", "invalid_request"),
        (
            "grant_type=client_credentials&client_id=web",
            "unauthorized_client",
        ),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        ("a%22%5C%0a=1&a%22%5C%0a=2", "invalid_request"),
    ];
    for (body, error) in cases {
        let answer = w.form("/oauth/token", body).await;
        assert_eq!(
            (answer.status, answer.text("error")),
            (StatusCode::BAD_REQUEST, error),
            "{body}"
        );
        assert_eq!(answer.header("content-type"), "application/json");
        let allowed = |c| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
        assert!(
            answer.text("error_description").chars().all(allowed),
            "{}",
            answer.body
        );
        assert!(!answer.text("error_description").is_empty());
    }
    let bad = [
        "&attempt_id=AAAA",
        "&attempt_id=%20",
        "&idle_for=-1",
        "&idle_for=soon",
        "&idle_for=NaN",
        "&idle_for=1e400",
        "&idle_for=99999999999",
    ];
    for bad in bad {
        assert_eq!(
            w.refresh(&token, bad).await.text("error"),
            "invalid_request",
            "{bad}"
        );
    }
    assert_eq!(
        w.refresh(&token, "&scope=nope").await.text("error"),
        "invalid_scope"
    );
    assert_eq!(
        w.refresh(&token, "&client_id=nobody").await.text("error"),
        "invalid_client"
    );
}

#[tokio::test]
async fn tok_6_a_client_that_fails_is_challenged() {
    let w = world(preset(Preset::Refresh)).await;
    let body = "grant_type=client_credentials&scope=prolong:admin";
    for wrong in [
        "ops:wrong",
        "ops:",
        "ops",
        "nobody:s3cret",
        "web:s3cret",
        "%zz:s3cret",
    ] {
        let answer = basic(&w, wrong, body).await;
        assert_eq!(
            (answer.status, answer.text("error")),
            (StatusCode::UNAUTHORIZED, "invalid_client"),
            "{wrong}"
        );
        assert!(
            answer
                .header("www-authenticate")
                .starts_with("Basic realm=")
        );
    }
    let garbled = [FORM, ("authorization", "Basic !!!")];
    let garbled = w.send("POST", "/oauth/token", &garbled, body).await;
    assert_eq!(garbled.status, StatusCode::UNAUTHORIZED);
    // Id and secret are form-encoded inside of Basic, and the scheme has no case.
    for good in ["ops:s3cret", "%6Fps:s3%63ret"] {
        assert_eq!(basic(&w, good, body).await.status, StatusCode::OK, "{good}");
    }
    let lower = format!("bAsIc {}", STANDARD.encode("ops:s3cret"));
    let lower = [FORM, ("authorization", lower.as_str())];
    let answer = w.send("POST", "/oauth/token", &lower, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.body.get("session").is_none() && answer.body.get("refresh_token").is_none());
    let beyond = "grant_type=client_credentials&scope=read";
    assert_eq!(
        basic(&w, "ops:s3cret", beyond).await.text("error"),
        "invalid_scope"
    );
    // One way to authenticate, and one client.
    for two in [
        "&client_secret=s3cret",
        "&client_id=ops&client_secret=s3cret",
        "&client_id=web",
    ] {
        let answer = basic(&w, "ops:s3cret", &format!("{body}{two}")).await;
        assert_eq!(answer.text("error"), "invalid_request", "{two}");
    }
    assert_eq!(
        basic(&w, "ops:s3cret", &format!("{body}&client_id=ops"))
            .await
            .status,
        StatusCode::OK
    );
    let by_form = w
        .form("/oauth/token", "client_id=ops&client_secret=wrong")
        .await;
    assert_eq!(by_form.status, StatusCode::UNAUTHORIZED);
    assert!(by_form.header("www-authenticate").starts_with("Basic "));
}

#[tokio::test]
async fn tok_7_forged_unknown_and_foreign_are_not_to_be_told_apart() {
    let (w, token) = refresh_world().await;
    let mut forged = token.clone();
    let last = if forged.pop() == Some('A') { 'E' } else { 'A' };
    forged.push(last);
    let foreign = w.refresh(&token, "&client_id=other").await;
    let unknown = {
        // The same master key, another store: authentic, and never heard of.
        let elsewhere = world(preset(Preset::Refresh)).await;
        let _first = elsewhere.signed_in("web").await;
        let second = elsewhere
            .signed_in("web")
            .await
            .answer
            .refresh_token
            .unwrap();
        w.refresh(&second, "").await
    };
    let spent = {
        let w = world(prolong_core::PolicyDraft {
            plain_predecessor: Some(prolong_core::PlainPredecessor::Deny),
            ..preset(Preset::Refresh)
        })
        .await;
        let token = w.signed_in("web").await.answer.refresh_token.unwrap();
        w.later(60);
        assert_eq!(w.refresh(&token, "").await.status, StatusCode::OK);
        w.later(60);
        w.refresh(&token, "").await
    };
    for (name, one) in [
        ("forged", w.refresh(&forged, "").await),
        ("malformed", w.refresh("plr1_x", "").await),
        ("an access token", w.refresh("a.b.c", "").await),
        ("unknown", unknown),
        ("spent", spent),
    ] {
        assert_eq!(
            (one.status, &one.body),
            (foreign.status, &foreign.body),
            "{name}"
        );
    }
    assert_eq!(
        (foreign.status.as_u16(), foreign.text("error")),
        (400, "invalid_grant")
    );
    assert!(foreign.body.get("reason").is_none() && foreign.body.get("action").is_none());
    assert_eq!(
        w.refresh(&token, "").await.status,
        StatusCode::OK,
        "without consequence"
    );
}

#[tokio::test]
async fn tok_8_tokens_hold_enough_randomness_in_plain_characters() {
    let w = world(preset(Preset::Refresh)).await;
    let mut secrets = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let answer = w.signed_in("web").await.answer;
        let token = answer.refresh_token.unwrap();
        assert!(
            token.bytes().all(|byte| matches!(byte, b' '..=b'~')),
            "{token}"
        );
        let bytes = URL_SAFE_NO_PAD
            .decode(token.strip_prefix("plr1_").unwrap())
            .unwrap();
        // 16 drawn bytes and a tag of 16 that only the key's holder can compute.
        assert_eq!(bytes.len(), 56);
        secrets.insert(bytes[24..40].to_vec());
        let claims = part(&answer.access_token, 1);
        let id = URL_SAFE_NO_PAD
            .decode(claims["jti"].as_str().unwrap())
            .unwrap();
        assert_eq!(id.len(), 16);
        secrets.insert(id);
    }
    assert_eq!(secrets.len(), 100, "none twice");
}
