//! Authentic tokens that say what none of ours says: what a fault elsewhere, or an older release, may have signed.

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};
use serde_json::{Value, json};

use super::{change, restarted};
use crate::world::{World, part, preset, world};

/// The same claims with these in their place, signed by the authority's own key; `null` takes a claim away.
fn signed(w: &World, token: &str, changes: &Value) -> String {
    let mut claims = part(token, 1);
    let members = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    let signed = w.authority.signing.sign(claims.to_string().as_bytes());
    signed.ok().unwrap()
}

#[tokio::test]
async fn a_users_token_is_no_machines_whatever_its_scope_says() {
    let w = world(preset(Preset::Refresh)).await;
    let user = w.signed_in("web").await.answer.access_token;
    let machine = json!({
        "sub": "ops", "client_id": "ops", "scope": "prolong:admin", "sid": null, "aud": "https://auth.example.com",
    });
    let with = |name: &str, value: &Value| {
        let mut claims = machine.clone();
        claims[name] = value.clone();
        signed(&w, &user, &claims)
    };
    let sid = part(&user, 1)["sid"].clone();
    for (token, status) in [
        (signed(&w, &user, &machine), StatusCode::OK),
        (with("sid", &sid), StatusCode::FORBIDDEN),
        (with("aud", &json!("api")), StatusCode::FORBIDDEN),
        (with("scope", &json!("prolong:feed")), StatusCode::FORBIDDEN),
    ] {
        let answer = w.call("GET", "/v1/admin/users", &token, "").await;
        assert_eq!(answer.status, status, "{}", part(&token, 1));
    }
}

#[tokio::test]
async fn a_token_calls_for_the_session_of_its_own_user_and_client_alone() {
    let w = world(preset(Preset::Refresh)).await;
    let ann = w.brought("ann", "web").await.ok().unwrap();
    for (user, client) in [("bob", "web"), ("ann", "app")] {
        let other = w.brought(user, client).await.ok().unwrap();
        let sid = json!({ "sid": other.session.id.to_string() });
        let token = signed(&w, &ann.answer.access_token, &sid);
        let path = "/v1/sessions/current";
        let refused = w.call("GET", path, &token, "").await;
        assert_eq!(refused.code(), (401, "INVALID_TOKEN"), "{user} {client}");
    }
}

#[tokio::test]
async fn a_token_for_an_audience_that_its_client_lost_calls_no_more() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let path = "/v1/sessions/current";
    assert_eq!(w.call("GET", path, &token, "").await.status, StatusCode::OK);
    let w = restarted(&w, |settings| {
        change(settings, "web", |web| web.audience = vec!["new".to_owned()]);
    })
    .await;
    let refused = w.ok().unwrap().call("GET", path, &token, "").await;
    assert_eq!(refused.code(), (401, "INVALID_TOKEN"));
}

/// Whoever holds a master key makes refresh tokens whose tag is right; only the session's own secret makes one good.
#[tokio::test]
async fn a_refresh_token_of_another_secret_is_not_active_and_ends_nothing() {
    let w = world(preset(Preset::Refresh)).await;
    let signed_in = w.signed_in("web").await;
    let session = &signed_in.session;
    let (secret, _) = w.authority.new_session_secret(session.id);
    let keys = &w.authority.refresh_keys;
    let made = keys.seal(session.id, session.key, session.generation, &secret);
    let (own, made) = (signed_in.answer.refresh_token.unwrap(), made.unwrap());
    assert!(is_active(&w, &own).await);
    assert!(!is_active(&w, &made).await);
    for (token, fate) in [(&made, "live"), (&own, "signed_out")] {
        let answer = w.form("/oauth/revoke", &format!("token={token}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(w.fate(session).await, fate);
    }
}

/// The feed knows nothing of a session that waits; the store does.
#[tokio::test]
async fn the_token_of_a_session_that_waits_for_a_reauthentication_is_not_active() {
    let w = world(preset(Preset::Refresh)).await;
    let signed_in = w.signed_in("web").await;
    let token = signed_in.answer.access_token;
    assert!(is_active(&w, &token).await);
    let user = signed_in.session.user;
    let flagged = w.authority.require_reauth(user, "client:ops").await;
    flagged.unwrap();
    assert!(!is_active(&w, &token).await);
}

async fn is_active(w: &World, token: &str) -> bool {
    let form = format!("client_id=ops&client_secret=s3cret&token={token}");
    let answer = w.form("/oauth/introspect", &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body["active"] == true
}

#[tokio::test]
async fn a_superseded_token_calls_no_more() {
    let w = world(PolicyDraft {
        supersede: Some(true),
        ..preset(Preset::Refresh)
    })
    .await;
    let first = w.signed_in("web").await.answer;
    w.later(60);
    let second = w.refresh(&first.refresh_token.unwrap(), "").await;
    let path = "/v1/sessions/current";
    let newer = w.call("GET", path, second.text("access_token"), "").await;
    assert_eq!(newer.status, StatusCode::OK, "{}", newer.body);
    let older = w.call("GET", path, &first.access_token, "").await;
    assert_eq!(
        (older.code(), older.text("reason")),
        ((401, "EXPIRED_TOKEN"), "superseded")
    );
}

/// Whoever holds a token of long ago, a thief perhaps, does not hear what became of the session.
#[tokio::test]
async fn why_a_session_is_over_only_a_recent_token_hears() {
    let w = world(preset(Preset::Refresh)).await;
    let mut tokens = vec![w.signed_in("web").await.answer.refresh_token.unwrap()];
    for _ in 0..2 {
        w.later(60);
        let next = w.refresh(&tokens[tokens.len() - 1], "").await;
        tokens.push(next.text("refresh_token").to_owned());
    }
    let form = format!("client_id=web&token={}", tokens[2]);
    assert_eq!(w.form("/oauth/revoke", &form).await.status, StatusCode::OK);
    for (token, reason) in tokens.iter().zip(["", "signed_out", "signed_out"]) {
        let answer = w.refresh(token, "&client_id=web").await;
        assert_eq!(
            (answer.text("error"), answer.text("reason")),
            ("invalid_grant", reason)
        );
    }
}

/// A tag or a signature is judged before anybody is looked up, whoever asks.
#[tokio::test]
async fn a_forged_token_costs_no_look_up() {
    let w = world(preset(Preset::Refresh)).await;
    let one = w.signed_in("web").await.answer;
    let (refresh, access) = (one.refresh_token.unwrap(), one.access_token);
    let forged = |token: &str| {
        let (head, tail) = token.split_at(token.len() - 10);
        let first = if tail.starts_with('A') { "B" } else { "A" };
        format!("{head}{first}{}", &tail[1..])
    };
    let machine = "client_id=ops&client_secret=s3cret&token=";
    let calls = async |token: &str| {
        w.refresh(token, "").await;
        w.form("/oauth/revoke", &format!("token={token}")).await;
        w.form("/oauth/introspect", &format!("{machine}{token}"))
            .await;
        let cookie = format!("__Host-prolong-spa-0={token}; __Host-prolong-spa-1={token}");
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", "https://app.example.com"),
            ("prolong-request", "1"),
        ];
        w.send("DELETE", "/v1/sessions/current", &headers, "").await;
        for (method, path) in [
            ("POST", "/v1/sessions/current/prolong"),
            ("POST", "/v1/sessions/current/reauthenticate"),
            ("GET", "/v1/sessions"),
            ("DELETE", "/v1/sessions"),
        ] {
            w.call(method, path, token, r#"{"password":"x"}"#).await;
        }
        w.verify(token, "").await;
    };
    let before = w.store.look_ups();
    for token in [&refresh, &access] {
        calls(&forged(token)).await;
    }
    assert_eq!(w.store.look_ups(), before);
    calls(&access).await;
    assert!(w.store.look_ups() > before + 5, "look-ups are counted");
}
