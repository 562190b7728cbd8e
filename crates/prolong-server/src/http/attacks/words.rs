//! What backends and users say, and where it may not get to.

use http::StatusCode;
use prolong_core::Preset;
use serde_json::json;

use super::JSON;
use crate::world::{part, preset, world};

/// What a backend says of a user is checked, whatever the form.
#[tokio::test]
async fn a_backend_sets_no_claim_of_the_authority_and_no_time_before_time() {
    let w = world(preset(Preset::Refresh)).await;
    let backend = w.token_for("prolong:admin").await;
    let start = async |wish: &str| {
        let path = "/v1/admin/users/maryo/sessions";
        w.call("POST", path, &backend, wish).await
    };
    for name in crate::token::RESERVED {
        let claims = json!({ (*name): "forged" });
        let wish = json!({ "client_id": "web", "claims": claims }).to_string();
        let refused = start(&wish).await;
        assert_eq!(refused.status.as_u16(), 422, "{name}");
        assert!(refused.text("detail").contains(name), "{}", refused.body);
        let patch = json!({ "claims": claims }).to_string();
        w.signed_in("web").await;
        let refused = w
            .call("PATCH", "/v1/admin/users/maryo", &backend, &patch)
            .await;
        assert_eq!(refused.status.as_u16(), 422, "{name}");
    }
    for (wish, status) in [
        (
            r#"{"client_id":"web","auth_time":"0001-01-01T00:00:00Z"}"#,
            422,
        ),
        (r#"{"client_id":"web","auth_time":-1}"#, 422),
        (
            r#"{"client_id":"web","auth_time":9223372036854775807}"#,
            422,
        ),
        (r#"{"client_id":"web","auth_time":1e999}"#, 400),
        (
            r#"{"client_id":"web","claims":{"role":"user","role":"admin"}}"#,
            400,
        ),
        (r#"{"client_id":"web","claims":{"a":[{"b":1,"b":2}]}}"#, 400),
        (r#"{"client_id":"web","acr":"a\r\nSet-Cookie: x"}"#, 422),
    ] {
        assert_eq!(start(wish).await.status.as_u16(), status, "{wish}");
    }
    let deep = format!(
        r#"{{"client_id":"web","claims":{{"a":{}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    assert_eq!(start(&deep).await.status, StatusCode::BAD_REQUEST);
}

/// Ids come from outside; the headers of forward-auth carry them.
#[tokio::test]
async fn no_id_adds_a_header_or_leaves_its_path() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:admin").await;
    for (sub, good) in [
        ("a%0D%0AProlong-Scope:%20admin", false),
        ("a%00", false),
        ("a%C2%85b", false),
        ("%20a", false),
        ("a%C2%A0", false),
        ("..%2F..%2Fv1%2Fkeys", true),
        ("%C3%A9t%C3%A9", true),
    ] {
        let path = format!("/v1/admin/users/{sub}/sessions");
        let answer = w
            .call("POST", &path, &admin, r#"{"client_id":"web"}"#)
            .await;
        assert_eq!(answer.status == StatusCode::CREATED, good, "{sub}");
        if good {
            let verified = w.verify(answer.text("access_token"), "").await;
            assert_eq!(verified.status, StatusCode::OK, "{sub}");
            assert_eq!(
                verified.headers.get_all("prolong-subject").iter().count(),
                1
            );
            assert_eq!(verified.headers.get_all("prolong-scope").iter().count(), 1);
        }
    }
    let made = w
        .call("POST", "/v1/admin/users", &admin, r#"{"sub":"../a b?c#d"}"#)
        .await;
    assert_eq!(
        made.header("location"),
        "/v1/admin/users/..%2Fa%20b%3Fc%23d"
    );
    let found = w.call("GET", made.header("location"), &admin, "").await;
    assert_eq!(found.text("sub"), "../a b?c#d");
}

#[tokio::test]
async fn whatever_carries_a_token_is_kept_by_nobody() {
    let w = world(preset(Preset::LastAccess)).await;
    let admin = w.token_for("prolong:admin").await;
    let path = "/v1/admin/users/maryo/sessions";
    let tokens = w.call("POST", path, &admin, r#"{"client_id":"web"}"#).await;
    let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
    let ticket = w.call("POST", path, &admin, wish).await;
    let body = json!({ "client_id": "web", "ticket": ticket.text("ticket") }).to_string();
    let redeemed = w.send("POST", "/v1/sessions", &[JSON], &body).await;
    let access = tokens.text("access_token").to_owned();
    w.later(600);
    let prolonged = w
        .call("POST", "/v1/sessions/current/prolong", &access, "")
        .await;
    let verified = w.verify(&access, "").await;
    assert!(!verified.header("prolong-access-token").is_empty());
    let form = "grant_type=client_credentials&client_id=ops&client_secret=s3cret";
    let machine = w.form("/oauth/token", form).await;
    for (n, answer) in [tokens, ticket, redeemed, prolonged, verified, machine]
        .iter()
        .enumerate()
    {
        assert!(answer.status.is_success(), "{n}: {}", answer.body);
        assert!(answer.header("cache-control").contains("no-store"), "{n}");
    }
}

/// A minute is taken for clocks that differ; nobody signed in later than now.
#[tokio::test]
async fn no_sign_in_is_of_the_future() {
    let w = world(preset(Preset::Refresh)).await;
    let backend = w.token_for("prolong:sign-in").await;
    let start = async |ahead: i64| {
        let wish = json!({ "client_id": "web", "auth_time": 1_800_000_000 + ahead });
        let path = "/v1/admin/users/maryo/sessions";
        w.call("POST", path, &backend, &wish).await
    };
    for (ahead, auth_time) in [
        (-600, 1_799_999_400),
        (0, 1_800_000_000),
        (60, 1_800_000_000),
    ] {
        let tokens = start(ahead).await;
        assert_eq!(tokens.status, StatusCode::CREATED, "{}", tokens.body);
        assert_eq!(part(tokens.text("access_token"), 1)["auth_time"], auth_time);
    }
    assert_eq!(start(61).await.code(), (422, "INVALID_REQUEST"));
    let admin = w.token_for("prolong:admin").await;
    let user = w.call("GET", "/v1/admin/users/maryo", &admin, "").await;
    assert_eq!(user.text("last_sign_in"), "2027-01-15T08:00:00Z");
}
