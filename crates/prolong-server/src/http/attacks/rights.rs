//! What users, machines and clients may not be or have.

use std::sync::Arc;

use http::StatusCode;
use prolong_core::Preset;
use serde_json::json;

use super::{change, restarted};
use crate::authority::StartFault;
use crate::settings::Client;
use crate::world::{part, preset, world, world_with};

/// Machines' tokens are for the authority, whose issuer may well be an audience of users' tokens too.
#[tokio::test]
async fn a_machine_is_nobody_to_an_api_behind_forward_auth() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        let issuer = settings.issuer.clone();
        change(settings, "web", |web| web.audience = vec![issuer]);
    })
    .await;
    let user = w.signed_in("web").await.answer.access_token;
    let issuer = "?audience=https%3A%2F%2Fauth.example.com";
    for query in ["", issuer] {
        assert_eq!(w.verify(&user, query).await.status, StatusCode::OK);
        for scope in crate::authority::MACHINE_SCOPES {
            let machine = w.token_for(scope).await;
            let refused = w.verify(&machine, query).await;
            assert_eq!(
                (refused.status, refused.text("code")),
                (StatusCode::UNAUTHORIZED, "INVALID_TOKEN"),
                "{scope}"
            );
        }
    }
    // A route that is for machines says so; no user has such a scope.
    let route = format!("{issuer}&scope=prolong:admin");
    let machine = w.token_for("prolong:admin").await;
    assert_eq!(w.verify(&machine, &route).await.status, StatusCode::OK);
    assert_eq!(w.verify(&user, &route).await.status, StatusCode::FORBIDDEN);
    for path in ["/v1/admin/users", "/v1/feed/snapshot"] {
        let refused = w.call("GET", path, &user, "").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_slip_in_the_question_of_forward_auth_lets_nobody_in() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.access_token;
    let status = async |query: &str| w.verify(&token, query).await.status.as_u16();
    for good in [
        "",
        "?scope=read",
        "?audience=api&scope=read+write&max_age=60",
        // An empty parameter is one that was left out, as everywhere in OAuth.
        "?scope=&audience=&max_age=",
        // As Envoy asks: the query of the request itself lies behind `path`.
        "?scope=read&path=/orders?tag=a&tag=b&x=%zz&",
    ] {
        assert_eq!(status(good).await, 200, "{good}");
    }
    for slip in [
        "?scopes=admin",
        "?audiences=other",
        "?aud=other",
        "?max-age=1",
        "?Scope=admin",
        "?scope=read&acr_values=high",
        "?scope=read&scope=read",
        "?max_age=-1",
        // What the request says of itself cannot take the place of what the proxy asks.
        "?path=/orders&scope=read",
        "?scope=read&path=/orders?x=1&scope=read",
        "?path=/&%61udience=api",
    ] {
        assert_eq!(status(slip).await, 422, "{slip}");
    }
    assert_eq!(status("?scope=admin&path=/?x=1").await, 403);
}

#[tokio::test]
async fn no_users_token_has_a_machines_scope() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        change(settings, "server", |server| {
            server.scopes = ["read", "prolong:admin", "prolong:later"]
                .map(str::to_owned)
                .to_vec();
        });
    })
    .await;
    let tokens = w.signed_in("server").await.answer;
    assert_eq!(part(&tokens.access_token, 1)["scope"], "read");
    let proof = "&client_id=server&client_secret=s3cret";
    let refresh = tokens.refresh_token.unwrap();
    for scope in ["prolong:admin", "prolong:later", "read+prolong:later"] {
        let answer = w.refresh(&refresh, &format!("{proof}&scope={scope}")).await;
        assert_eq!(answer.text("error"), "invalid_scope", "{scope}");
    }
    let answer = w.refresh(&refresh, &format!("{proof}&scope=read")).await;
    assert_eq!(part(answer.text("access_token"), 1)["scope"], "read");
}

/// A token that prolongs itself must not carry on for ninety days what its client may no longer ask for.
#[tokio::test]
async fn what_the_operator_took_from_a_client_is_gone_at_the_next_renewal() {
    let w = world(preset(Preset::WeeklySliding)).await;
    let token = w.signed_in("web").await.answer.access_token;
    assert_eq!(part(&token, 1)["scope"], "read write");
    let w = restarted(&w, |settings| {
        change(settings, "web", |web| web.scopes = vec!["read".to_owned()]);
    })
    .await
    .unwrap();
    let path = "/v1/sessions/current/prolong";
    let renewed = w.call("POST", path, &token, "").await;
    assert_eq!(part(renewed.text("access_token"), 1)["scope"], "read");
}

/// Users are not made with a client's id; nor is a client registered with a user's.
#[tokio::test]
async fn no_client_is_registered_under_a_users_id() {
    let w = world(preset(Preset::Refresh)).await;
    w.signed_in("web").await;
    let taken = restarted(&w, |settings| {
        let ops = Client::clone(&settings.clients["ops"]);
        let client = Client {
            id: "maryo".to_owned(),
            ..ops
        };
        settings.clients.insert(client.id.clone(), Arc::new(client));
    })
    .await;
    let fault = taken.err().unwrap();
    assert!(matches!(&fault, StartFault::ClientIsUser(id) if id == "maryo"));
    assert!(restarted(&w, |_| {}).await.is_ok());
}

/// The operator's own client gets no users' sessions, which would be for the issuer itself.
#[tokio::test]
async fn nobody_is_signed_in_through_the_operators_client() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        let issuer = settings.issuer.clone();
        crate::serve::operator_client(&mut settings.clients, &issuer, "s");
    })
    .await;
    let backend = w.token_for("prolong:sign-in").await;
    for deliver in ["tokens", "ticket"] {
        let wish = json!({ "client_id": crate::serve::OPERATOR, "deliver": deliver }).to_string();
        let path = "/v1/admin/users/maryo/sessions";
        let refused = w.call("POST", path, &backend, &wish).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn no_machine_gets_a_users_scope() {
    let w = world(preset(Preset::Refresh)).await;
    // `server` is a confidential client whose users may read; it has no machine scope.
    for scope in ["", "&scope=read", "&scope=read+write"] {
        let form = "grant_type=client_credentials&client_id=server&client_secret=s3cret";
        let answer = w.form("/oauth/token", &format!("{form}{scope}")).await;
        assert_eq!(answer.text("error"), "invalid_scope", "{scope}");
    }
}

/// At once, not when the token is over.
#[tokio::test]
async fn what_the_operator_took_from_a_machine_its_token_has_no_more() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.token_for("prolong:support").await;
    let path = "/v1/admin/users";
    let before = w.call("GET", path, &token, "").await;
    assert_eq!(before.status, StatusCode::OK);
    let w = restarted(&w, |settings| {
        change(settings, "ops", |ops| {
            ops.scopes = vec!["prolong:feed".to_owned()];
        });
    })
    .await
    .unwrap();
    let after = w.call("GET", path, &token, "").await;
    assert_eq!(after.code(), (403, "INSUFFICIENT_SCOPE"));
}
