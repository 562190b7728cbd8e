//! BEA: bearer tokens at protected resources (RFC 6750, OAuth 2.1 §5).

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{Answer, FORM, World, preset, world};

async fn with(w: &World, value: &str) -> Answer {
    w.send("GET", "/v1/verify", &[("authorization", value)], "")
        .await
}

/// The auth-params of a challenge; its scheme must be Bearer.
fn challenge(answer: &Answer) -> Vec<(String, String)> {
    let all: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(all.len(), 1, "{}", answer.body);
    let params = answer
        .header("www-authenticate")
        .strip_prefix("Bearer ")
        .unwrap();
    let pair = |param: &str| {
        let (name, value) = param.split_once('=').unwrap();
        let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        (name.to_owned(), value.to_owned())
    };
    params
        .split("\", ")
        .map(|param| pair(&format!("{}\"", param.trim_end_matches('"'))))
        .collect()
}

fn param<'a>(challenge: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = challenge.iter().find(|(one, _)| one == name)?;
    Some(found.1.as_str())
}

#[tokio::test]
async fn bea_1_the_scheme_has_no_case() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let good = with(&w, &format!("{scheme} {token}")).await;
        assert_eq!(
            (
                good.status,
                good.header("prolong-subject"),
                good.header("prolong-client")
            ),
            (StatusCode::OK, "maryo", "web"),
            "{scheme}"
        );
    }
}

#[tokio::test]
async fn forward_auth_judges_every_method_alike() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let bearer = format!("Bearer {token}");
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let good = w
            .send(method, "/v1/verify", &[("authorization", &bearer)], "")
            .await;
        assert_eq!(
            (good.status, good.header("prolong-subject")),
            (StatusCode::OK, "maryo"),
            "{method}"
        );
        let none = w.send(method, "/v1/verify", &[], "").await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED, "{method}");
    }
}

#[tokio::test]
async fn bea_2_a_token_in_the_url_is_refused() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    for path in [
        "/v1/verify",
        "/v1/sessions",
        "/v1/sessions/current",
        "/v1/admin/users",
    ] {
        let answer = w
            .send("GET", &format!("{path}?access_token={token}"), &[], "")
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(
            param(&challenge(&answer), "error"),
            Some("invalid_request"),
            "{path}"
        );
        assert!(!answer.body.to_string().contains(&token), "{path}");
    }
}

#[tokio::test]
async fn bea_3_more_than_one_way_is_an_invalid_request() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let value = format!("Bearer {token}");
    let both = w
        .send(
            "GET",
            "/v1/verify?access_token=x",
            &[("authorization", &value)],
            "",
        )
        .await;
    let twice = [
        ("authorization", value.as_str()),
        ("authorization", value.as_str()),
    ];
    let twice = w.send("GET", "/v1/verify", &twice, "").await;
    let answers = [
        both,
        twice,
        with(&w, "Bearer").await,
        with(&w, "Bearer ").await,
        with(&w, &format!("Bearer {token} {token}")).await,
    ];
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{n}");
        assert_eq!(
            param(&challenge(answer), "error"),
            Some("invalid_request"),
            "{n}"
        );
    }
}

#[tokio::test]
async fn bea_4_without_credentials_the_challenge_has_no_error() {
    let w = world(preset(Preset::Refresh)).await;
    let answers = [
        w.send("GET", "/v1/verify", &[], "").await,
        w.send("GET", "/v1/sessions", &[], "").await,
        w.send("POST", "/v1/sessions/current/prolong", &[], "")
            .await,
        w.send("GET", "/v1/admin/users", &[], "").await,
        with(&w, "Basic b3BzOnMzY3JldA==").await,
        with(&w, "DPoP x").await,
    ];
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{n}");
        let challenge = challenge(answer);
        assert_eq!(param(&challenge, "realm"), Some("prolong"), "{n}");
        assert_eq!(param(&challenge, "error"), None, "{n}");
        assert_eq!(param(&challenge, "error_description"), None, "{n}");
        assert_eq!(param(&challenge, "action"), Some("sign_in"), "{n}");
    }
}

#[tokio::test]
async fn bea_5_expired_revoked_malformed_and_lacking_scope() {
    let w = world(preset(Preset::Refresh)).await;
    let signed_in = w.signed_in("web").await.answer;
    let token = signed_in.access_token;
    let huge = "x".repeat(20_000);
    for bad in [
        "nonsense",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
        huge.as_str(),
    ] {
        let answer = with(&w, &format!("Bearer {bad}")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let challenge = challenge(&answer);
        assert_eq!(param(&challenge, "error"), Some("invalid_token"));
        assert_eq!(param(&challenge, "code"), Some("INVALID_TOKEN"));
        assert_eq!(param(&challenge, "action"), Some("sign_in"));
    }
    let scope = w.verify(&token, "?scope=read+delete").await;
    assert_eq!(scope.status, StatusCode::FORBIDDEN);
    assert_eq!(
        param(&challenge(&scope), "error"),
        Some("insufficient_scope")
    );
    assert_eq!(param(&challenge(&scope), "scope"), Some("read delete"));
    let old = w.verify(&token, "?max_age=0").await;
    assert_eq!(
        param(&challenge(&old), "error"),
        Some("insufficient_user_authentication")
    );
    assert_eq!(param(&challenge(&old), "max_age"), Some("0"));
    assert_eq!(param(&challenge(&old), "action"), Some("reauthenticate"));
    let elsewhere = w.verify(&token, "?audience=elsewhere").await;
    assert_eq!(elsewhere.status, StatusCode::UNAUTHORIZED);
    let user = w.call("GET", "/v1/admin/users", &token, "").await;
    assert_eq!(user.status, StatusCode::FORBIDDEN);
    assert_eq!(
        param(&challenge(&user), "scope"),
        Some("prolong:admin prolong:support")
    );
    w.later(899);
    assert_eq!(w.verify(&token, "").await.status, StatusCode::OK);
    w.later(1);
    let expired = w.verify(&token, "").await;
    assert_eq!(param(&challenge(&expired), "error"), Some("invalid_token"));
    assert_eq!(
        (expired.text("code"), expired.text("action")),
        ("EXPIRED_TOKEN", "renew")
    );
    let fresh = w.refresh(&signed_in.refresh_token.unwrap(), "").await;
    let fresh = fresh.text("access_token");
    w.form("/oauth/revoke", &format!("token={fresh}")).await;
    let revoked = w.verify(fresh, "").await;
    assert_eq!(param(&challenge(&revoked), "error"), Some("invalid_token"));
    assert_eq!(param(&challenge(&revoked), "reason"), Some("signed_out"));
}

/// As every other call says it, and not only that the user's version was raised.
#[tokio::test]
async fn forward_auth_says_the_first_reason_why_somebody_is_out() {
    let users = "/v1/admin/users/maryo";
    for (method, path, as_user, reason) in [
        ("POST", format!("{users}/disable"), false, "user_disabled"),
        ("DELETE", users.to_owned(), false, "user_deleted"),
        ("POST", format!("{users}/sign-out"), false, "version_raised"),
        ("DELETE", "/v1/sessions".to_owned(), true, "signed_out"),
    ] {
        let w = world(preset(Preset::Refresh)).await;
        let token = w.signed_in("web").await.answer.access_token;
        let admin = w.token_for("prolong:admin").await;
        let by = if as_user { &token } else { &admin };
        let done = w.call(method, &path, by, "").await;
        assert!(done.status.is_success(), "{path}: {}", done.body);
        for asked in ["/v1/verify", "/v1/sessions/current"] {
            let refused = w.call("GET", asked, &token, "").await;
            assert_eq!(
                (
                    refused.code(),
                    refused.text("reason"),
                    refused.text("action")
                ),
                ((401, "INVALID_TOKEN"), reason, "sign_in"),
                "{path}: {asked}"
            );
            let challenge = challenge(&refused);
            assert_eq!(param(&challenge, "reason"), Some(reason), "{path}: {asked}");
        }
    }
}

#[tokio::test]
async fn bea_6_each_parameter_once_and_in_its_characters() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let json = ("content-type", "application/json");
    let wrong = "{\"client_id\":\"\\\"\\\\é\",\"username\":\"x\",\"password\":\"y\"}";
    let answers = [
        w.send("GET", "/v1/verify", &[], "").await,
        with(&w, "Bearer x").await,
        w.verify(&token, "?scope=%22x%22+a%5Cb+%C3%A9").await,
        w.verify(&token, "?max_age=0").await,
        w.send("POST", "/v1/sessions", &[json], wrong).await,
        w.call("POST", "/v1/sessions/current/prolong", &token, "")
            .await,
    ];
    for (n, answer) in answers.iter().enumerate() {
        assert!(
            matches!(answer.status.as_u16(), 401 | 403),
            "{n}: {}",
            answer.body
        );
        let challenge = challenge(answer);
        for (at, (name, value)) in challenge.iter().enumerate() {
            assert!(
                !challenge[at + 1..].iter().any(|(other, _)| other == name),
                "{n}: {name}"
            );
            let allowed = |c| matches!(c, '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E');
            assert!(value.chars().all(allowed), "{n}: {name}={value}");
        }
    }
    // A form is no way to send one either: it is not looked at.
    let body = format!("access_token={token}");
    let in_form = w
        .send("POST", "/v1/sessions/current/prolong", &[FORM], &body)
        .await;
    assert_ne!(in_form.status, StatusCode::OK);
}
