//! The layer and the extractor, over a state that is filled by hand. Tests are named for the checklist's lines.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

use std::sync::Arc;

use axum::{Router, body::Body, routing::get};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use prolong_protocol::feed::{Entry, Kind, arg_of};
use prolong_verify::{
    AccessLayer, Caller, Introspected, Reason, Refetched, Requirement, Revoked, SessionUsed,
    SoftExpiry, Staleness, State, axum::Session,
};
use serde_json::{Value, json};
use tower::ServiceExt;

#[expect(dead_code, reason = "the verifier's tests use more of it")]
#[path = "../verifier/mint.rs"]
mod mint;

use mint::{NOW, expected, keys, token};

fn state() -> Arc<State> {
    let state = State::new(expected(), &[1; 32]).with_clock(|| NOW);
    state.set_keys(keys());
    state.set_fresh(NOW);
    Arc::new(state)
}

fn layer() -> AccessLayer {
    AccessLayer::new(state())
}

fn good() -> String {
    token(&json!({}), &json!({}))
}

async fn hello(session: Option<Session>) -> String {
    session.map_or_else(|| "hello".into(), |one| format!("hello {}", one.subject()))
}

async fn send(layer: AccessLayer, request: Request<Body>) -> Response<Body> {
    let app = Router::new().route("/orders", get(hello)).layer(layer);
    app.oneshot(request).await.unwrap()
}

async fn with_token(layer: AccessLayer, token: &str) -> Response<Body> {
    send(layer, with_fields(&[&format!("Bearer {token}")])).await
}

fn with_fields(fields: &[&str]) -> Request<Body> {
    fields
        .iter()
        .fold(Request::get("/orders"), |request, field| {
            request.header("authorization", *field)
        })
        .body(Body::empty())
        .unwrap()
}

fn field<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

fn challenge(response: &Response<Body>) -> &str {
    field(response, "www-authenticate")
}

async fn body(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn bea_1_bearer_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let response = send(layer(), with_fields(&[&format!("{scheme} {}", good())])).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, "prolong-renew"), "");
        assert_eq!(body(response).await, "hello u1");
    }
}

#[tokio::test]
async fn bea_2_and_3_one_way_only() {
    let query = format!("/orders?x=1&access_token={}", good());
    let alone = Request::get(&query).body(Body::empty()).unwrap();
    assert_eq!(
        send(layer(), alone).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let field = format!("Bearer {}", good());
    let both = Request::get(&query)
        .header("authorization", &field)
        .body(Body::empty())
        .unwrap();
    let twice = with_fields(&[&field, &field]);
    let list = with_fields(&[&format!("{field}, {field}")]);
    for request in [
        both,
        twice,
        list,
        with_fields(&["Bearer"]),
        with_fields(&["Bearer  "]),
    ] {
        let response = send(layer(), request).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(challenge(&response).starts_with("Bearer error=\"invalid_request\""));
    }
}

#[tokio::test]
async fn bea_4_without_credentials_there_is_no_error() {
    for fields in [&[][..], &["Basic dTpw"]] {
        let response = send(layer(), with_fields(fields)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            challenge(&response),
            r#"Bearer code="MISSING_TOKEN", action="sign_in""#
        );
        let response = send(layer().optional(), with_fields(fields)).await;
        assert_eq!(body(response).await, "hello");
    }
    let response = with_token(layer().optional(), "x.y.z").await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let response = send(layer().optional(), with_fields(&["Bearer"])).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn bea_5_expired_revoked_malformed() {
    let expired = token(&json!({}), &json!({ "exp": NOW }));
    let response = with_token(layer(), &expired).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        challenge(&response),
        "Bearer error=\"invalid_token\", error_description=\"the token has expired\", code=\"EXPIRED_TOKEN\", action=\"renew\""
    );
    assert_eq!(field(&response, "content-type"), "application/problem+json");
    assert_eq!(field(&response, "cache-control"), "no-store");
    let problem: Value = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!(problem["code"], "EXPIRED_TOKEN");
    assert_eq!(problem["status"], 401);
    assert_eq!(problem["instance"], "/orders");

    let state = state();
    let mut revoked = Revoked::new([9; 16]);
    let entry = Entry {
        seq: 1,
        kind: Kind::SESSION,
        key: Revoked::key_of(&[9; 16], "s1"),
        arg: arg_of(Reason::SignedOutElsewhere),
        until: u64::MAX,
    };
    revoked.apply(&entry).unwrap();
    let served = with_token(AccessLayer::new(Arc::clone(&state)), &good()).await;
    assert_eq!(served.status(), StatusCode::OK);
    state.set_revoked(revoked);
    let response = with_token(AccessLayer::new(state), &good()).await;
    assert!(
        challenge(&response)
            .ends_with(r#"code="INVALID_TOKEN", action="sign_in", reason="signed_out_elsewhere""#)
    );

    for bad in ["x", "a.b.c", &"a".repeat(9000)] {
        let response = with_token(layer(), bad).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(challenge(&response).contains("error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn bea_5_a_missing_scope_is_403_and_named() {
    let response = with_token(layer().scope("orders:read").scope("orders:write"), &good()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert!(challenge(&response).starts_with("Bearer error=\"insufficient_scope\""));
    assert!(challenge(&response).contains(r#"scope="orders:read orders:write""#));
    let response = with_token(layer().scope("orders:read"), &good()).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = with_token(layer().caller(Caller::Machine), &good()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn atj_13_a_route_that_did_not_think_of_machines_serves_none() {
    let machine = token(&json!({}), &json!({ "sid": null }));
    let machines = layer().caller(Caller::Machine);
    for (layer, status) in [
        (layer(), StatusCode::FORBIDDEN),
        (layer().scope("orders:read"), StatusCode::FORBIDDEN),
        (layer().optional(), StatusCode::FORBIDDEN),
        (machines, StatusCode::OK),
        (layer().caller(Caller::Any), StatusCode::OK),
    ] {
        // At first sight and later.
        for _ in 0..2 {
            assert_eq!(with_token(layer.clone(), &machine).await.status(), status);
        }
    }
}

/// Nothing but the word differs, and both are remembered.
#[tokio::test]
async fn bea_5_another_scope_or_strength_is_another_one_at_later_sights_too() {
    let strong = Requirement {
        acr_values: vec!["aal2".into()],
        ..Requirement::default()
    };
    for (layer, claim, right, wrong, status) in [
        (layer().scope("a"), "scope", "a", "b", 403),
        (layer().require(strong), "acr", "aal2", "aal1", 401),
    ] {
        for _ in 0..3 {
            for (word, status) in [(right, 200), (wrong, status)] {
                let token = token(&json!({}), &json!({ claim: word }));
                let response = with_token(layer.clone(), &token).await;
                assert_eq!(response.status().as_u16(), status, "{word}");
            }
        }
    }
}

#[tokio::test]
async fn bea_6_each_parameter_once_and_quoted() {
    let requirement = Requirement {
        acr_values: vec!["a\"b\\c\r\n".into()],
        ..Requirement::default()
    };
    let response = with_token(layer().require(requirement), &good()).await;
    assert!(challenge(&response).contains(r#"acr_values="a\"b\\c""#));
    for name in ["error=", "error_description=", "code=", "action="] {
        assert_eq!(
            challenge(&response).matches(&format!(" {name}")).count(),
            1,
            "{name}"
        );
    }
}

#[tokio::test]
async fn stp_1_step_up_names_max_age_and_acr() {
    let requirement = Requirement {
        max_age: Some(300),
        acr_values: vec!["gold".into(), "silver".into()],
        ..Requirement::default()
    };
    let response = with_token(layer().require(requirement), &good()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let challenge = challenge(&response);
    assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""));
    assert!(challenge.contains(r#"max_age="300", acr_values="gold silver""#));
    assert!(challenge.ends_with(r#"code="INSUFFICIENT_AUTHENTICATION", action="reauthenticate""#));
    let recent = with_token(layer().max_age(601), &good()).await;
    assert_eq!(recent.status(), StatusCode::OK);
}

#[tokio::test]
async fn softexp_is_a_hint_or_a_refusal() {
    let due = token(&json!({}), &json!({ "softexp": NOW }));
    let response = with_token(layer(), &due).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(field(&response, "prolong-renew"), "due");
    let response = with_token(layer().soft_expiry(SoftExpiry::Reject), &due).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(challenge(&response).ends_with(r#"code="EXPIRED_TOKEN", action="renew""#));
}

#[tokio::test]
async fn staleness_is_open_shrunk_or_closed_but_never_401_for_what_is_unknown() {
    for (age, stale) in [(Some(5), false), (Some(6), true), (None, true)] {
        let state = State::new(expected(), &[1; 32]).with_clock(|| NOW);
        state.set_keys(keys());
        if let Some(age) = age {
            state.set_fresh(NOW - age);
        }
        let state = Arc::new(state);
        let layer = || AccessLayer::new(Arc::clone(&state));
        let response = with_token(layer(), &good()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(state.served_stale(), u64::from(stale));

        let response = with_token(layer().staleness(Staleness::Closed), &good()).await;
        if stale {
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(field(&response, "retry-after"), "2");
            assert_eq!(challenge(&response), "");
            assert!(body(response).await.contains("\"retry\""));
        } else {
            assert_eq!(response.status(), StatusCode::OK);
        }
        for (issued, good) in [(NOW - 119, true), (NOW - 120, !stale)] {
            let token = token(&json!({}), &json!({ "iat": issued }));
            let response = with_token(layer().staleness(Staleness::Shrink), &token).await;
            assert_eq!(response.status() == StatusCode::OK, good);
            assert!(good || challenge(&response).contains("action=\"renew\""));
        }
    }
}

#[tokio::test]
async fn freshness_never_moves_back_but_can_be_lost() {
    let state = state();
    state.set_fresh(NOW - 100);
    assert_eq!(state.staleness(), Some(0));
    state.set_stale();
    assert_eq!(state.staleness(), None);
}

/// Keys come from one source and revocations from another: neither undoes what the other said.
#[tokio::test]
async fn new_keys_leave_the_revocations_and_new_revocations_leave_the_keys() {
    let state = state();
    let ended = || {
        let mut revoked = Revoked::new([7; 16]);
        let entry = Entry {
            seq: 1,
            kind: Kind::SESSION,
            key: Revoked::key_of(&[7; 16], "s1"),
            arg: 1,
            until: u64::MAX,
        };
        revoked.apply(&entry).unwrap();
        revoked
    };
    let status = async |sid: &str| {
        let token = token(&json!({}), &json!({ "sid": sid }));
        let layer = AccessLayer::new(Arc::clone(&state));
        with_token(layer, &token).await.status()
    };
    for _ in 0..2 {
        state.set_revoked(ended());
        assert_eq!(status("s2").await, StatusCode::OK);
        state.set_keys(keys());
        assert_eq!(status("s1").await, StatusCode::UNAUTHORIZED);
        assert_eq!(status("s2").await, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once() {
    let strange = token(&json!({ "kid": "new" }), &json!({}));
    let response = with_token(layer(), &strange).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);

    for (answer, status) in [
        (Refetched::Current, StatusCode::UNAUTHORIZED),
        (Refetched::Failed, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let state = state();
        state.on_unknown_key(Box::new(move || Box::pin(async move { answer })));
        let response = with_token(AccessLayer::new(state), &strange).await;
        assert_eq!(response.status(), status);
    }

    let state = Arc::new(State::new(expected(), &[1; 32]).with_clock(|| NOW));
    let weak = Arc::downgrade(&state);
    state.on_unknown_key(Box::new(move || {
        let state = weak.upgrade().unwrap();
        Box::pin(async move {
            state.set_keys(keys());
            Refetched::Current
        })
    }));
    let response = with_token(AccessLayer::new(state), &good()).await;
    assert_eq!(body(response).await, "hello u1");
}

#[tokio::test]
async fn an_inner_optional_layer_does_not_see_the_outer_claims() {
    let inner = Router::new()
        .route("/orders", get(hello))
        .layer(layer().optional());
    let app = inner.layer(layer());
    let response = app
        .oneshot(with_fields(&[&format!("Bearer {}", good())]))
        .await
        .unwrap();
    assert_eq!(body(response).await, "hello u1");
}

#[tokio::test]
async fn a_session_without_a_layer_is_the_services_fault() {
    async fn strict(session: Session) -> String {
        session.subject().to_owned()
    }
    let app = Router::new().route("/orders", get(strict));
    let response = app.oneshot(with_fields(&[])).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

fn stale() -> State {
    let state = State::new(expected(), &[1; 32]).with_clock(|| NOW);
    state.set_keys(keys());
    state
}

#[tokio::test]
async fn a_closed_route_asks_the_authority_while_stale_and_never_answers_401_for_not_knowing() {
    for (answer, status) in [
        (Introspected::Active, StatusCode::OK),
        (Introspected::Inactive, StatusCode::UNAUTHORIZED),
        (Introspected::Failed, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
        let state = Arc::new(stale());
        let book = Arc::clone(&asked);
        state.on_stale(Box::new(move |token| {
            book.lock().unwrap().push(token.to_owned());
            Box::pin(async move { answer })
        }));
        let closed = || AccessLayer::new(Arc::clone(&state)).staleness(Staleness::Closed);
        let token = good();
        let response = with_token(closed(), &token).await;
        assert_eq!(response.status(), status);
        assert_eq!(*asked.lock().unwrap(), [token]);
        match answer {
            Introspected::Inactive => {
                assert!(
                    challenge(&response).ends_with(r#"code="INVALID_TOKEN", action="sign_in""#)
                );
            }
            Introspected::Failed => {
                assert_eq!(field(&response, "retry-after"), "2");
                assert_eq!(challenge(&response), "");
            }
            Introspected::Active => assert_eq!(body(response).await, "hello u1"),
        }

        // What is known here is answered here.
        let before = asked.lock().unwrap().len();
        let expired = mint::token(&json!({}), &json!({ "exp": NOW }));
        let refused = with_token(closed(), &expired).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let refused = with_token(closed().scope("other"), &good()).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let open = with_token(AccessLayer::new(Arc::clone(&state)), &good()).await;
        assert_eq!(open.status(), StatusCode::OK);
        state.set_fresh(NOW);
        assert_eq!(with_token(closed(), &good()).await.status(), StatusCode::OK);
        assert_eq!(asked.lock().unwrap().len(), before);
    }
}

#[tokio::test]
async fn an_unknown_key_and_a_stale_feed_are_both_asked_for() {
    let state = Arc::new(State::new(expected(), &[1; 32]).with_clock(|| NOW));
    let weak = Arc::downgrade(&state);
    state.on_unknown_key(Box::new(move || {
        let state = weak.upgrade().unwrap();
        Box::pin(async move {
            state.set_keys(keys());
            Refetched::Current
        })
    }));
    state.on_stale(Box::new(|_| Box::pin(async { Introspected::Inactive })));
    let layer = AccessLayer::new(state).staleness(Staleness::Closed);
    assert_eq!(
        with_token(layer, &good()).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn activity_is_what_a_person_did_and_was_served() {
    let state = state();
    let layer = || AccessLayer::new(Arc::clone(&state));
    let _ = with_token(layer(), &good()).await;
    assert!(state.take_activity(10).is_empty(), "off until asked for");
    state.keep_activity();
    let one = SessionUsed {
        session: "s1".to_owned(),
        at: NOW,
    };
    let _ = with_token(layer(), &good()).await;
    let _ = with_token(layer(), &good()).await;
    assert_eq!(state.take_activity(10), std::slice::from_ref(&one));
    assert!(state.take_activity(10).is_empty());

    // By request, by route, refused, a machine's.
    for mark in ["background", "Background"] {
        let request = Request::get("/orders")
            .header("authorization", format!("Bearer {}", good()))
            .header("prolong-activity", mark);
        let response = send(layer(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
    }
    let _ = with_token(layer().background(), &good()).await;
    let _ = with_token(layer().scope("other"), &good()).await;
    let _ = with_token(layer(), &token(&json!({}), &json!({ "sid": null }))).await;
    assert!(state.take_activity(10).is_empty());

    state.return_activity(vec![one.clone()]);
    assert_eq!(state.take_activity(10), [one]);
}
