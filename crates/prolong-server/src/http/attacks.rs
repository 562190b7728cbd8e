//! What a hostile user, page, client or network tried, and what came of it. `TEST-NOTES-attack.md` lists them with the
//! attacks that other tests answer.

use std::sync::Arc;

use http::StatusCode;
use prolong_core::{PolicyDraft, Preset};
use serde_json::json;

use super::oauth_world::{Answer, FORM, World, part, preset, world, world_with};
use crate::authority::{Authority, Parts, StartFault};
use crate::keys::MasterKeys;
use crate::settings::{Client, Origins, Settings};

const PAGE: (&str, &str) = ("origin", "https://app.example.com");
const EVIL: (&str, &str) = ("origin", "https://evil.example");
const GUARD: (&str, &str) = ("prolong-request", "1");
const JSON: (&str, &str) = ("content-type", "application/json");

fn cookies(answer: &Answer) -> Vec<&str> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|one| one.to_str().unwrap()).collect()
}

/// The authority once more on the same store, by other decisions.
async fn restarted(w: &World, decide: impl FnOnce(&mut Settings)) -> Result<World, StartFault> {
    let mut settings = w.authority.settings.clone();
    decide(&mut settings);
    let parts = Parts {
        settings,
        store: w.store.clone(),
        clock: Arc::clone(&w.authority.clock),
        entropy: Arc::clone(&w.authority.entropy),
        master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap(),
    };
    Authority::new(parts)
        .await
        .map(|authority| w.with(Arc::new(authority)))
}

fn change(settings: &mut Settings, id: &str, change: impl FnOnce(&mut Client)) {
    change(Arc::make_mut(settings.clients.get_mut(id).unwrap()));
}

/// Login CSRF: a page elsewhere posts a form with the refresh token of its own account. A browser keeps the cookies of
/// such an answer, strict ones too, since it is a navigation.
#[tokio::test]
async fn a_form_of_another_page_plants_no_session_in_the_cookies() {
    let w = world(preset(Preset::Refresh)).await;
    for headers in [
        vec![FORM, EVIL],
        vec![FORM],
        vec![FORM, ("origin", "null")],
        vec![FORM, PAGE, GUARD],
    ] {
        let token = w.signed_in("spa").await.answer.refresh_token.unwrap();
        w.later(60);
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        let answer = w.send("POST", "/oauth/token", &headers, &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.body["session"]["generation"], 1, "it was rotated");
        assert!(cookies(&answer).is_empty(), "{headers:?}");
        // A backend that holds the token of such a session, and has no cookies, goes on.
        assert!(answer.text("refresh_token").starts_with("plr1_"));
    }
}

/// A browser holds the cookies of two applications of one authority.
#[tokio::test]
async fn a_page_signs_out_of_its_own_application() {
    let w = world_with(preset(Preset::Refresh), |settings| {
        let spa = settings.clients["spa"].clone();
        for (id, origin) in [("shop", "https://shop.example.com"), ("twin", PAGE.1)] {
            let client = Client {
                id: id.to_owned(),
                origins: Origins::Listed(vec![origin.to_owned()]),
                ..Client::clone(&spa)
            };
            settings.clients.insert(id.to_owned(), Arc::new(client));
        }
    })
    .await;
    let start = async |client: &str| {
        w.later(1);
        let answer = w.signed_in(client).await.answer;
        let cookie = format!(
            "__Host-prolong-{client}-0={}",
            answer.refresh_token.unwrap()
        );
        (cookie, answer.access_token)
    };
    let alive = async |(_, access): &(String, String)| {
        w.call("GET", "/v1/sessions", access, "").await.status == StatusCode::OK
    };
    let sign_out = async |cookies: &str, more: &[(&str, &str)]| {
        let mut headers = vec![PAGE, GUARD, ("cookie", cookies)];
        headers.extend(more);
        w.send("DELETE", "/v1/sessions/current", &headers, "").await
    };

    // Another application's session is the newer one, but not this page's.
    let (spa, shop) = (start("spa").await, start("shop").await);
    let out = sign_out(&format!("{}; {}", shop.0, spa.0), &[]).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
    assert!(!alive(&spa).await && alive(&shop).await);
    // Only the other's is there: that is not this page's to end.
    let foreign = sign_out(&shop.0, &[]).await;
    assert_eq!(foreign.text("code"), "CSRF_REFUSED");
    assert!(alive(&shop).await);

    // Two applications of one origin: the token says which, though it is no good any more.
    let spa = start("spa").await;
    w.later(901);
    let twin = start("twin").await;
    let stale = format!("Bearer {}", spa.1);
    let both = format!("{}; {}", twin.0, spa.0);
    let out = sign_out(&both, &[("authorization", &stale)]).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
    assert!(alive(&twin).await);
    let form = "grant_type=refresh_token&client_id=spa";
    let headers = [FORM, PAGE, GUARD, ("cookie", spa.0.as_str())];
    let gone = w.send("POST", "/oauth/token", &headers, form).await;
    assert_eq!(gone.text("reason"), "signed_out");
    // It has no cookie of its own: the others are not its to end.
    let web = format!("Bearer {}", w.signed_in("web").await.answer.access_token);
    w.later(901);
    let none = sign_out(&both, &[("authorization", &web)]).await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let twin_now = w.call("GET", "/v1/sessions", &twin.1, "").await;
    assert_eq!(twin_now.text("code"), "EXPIRED_TOKEN", "and not ended");
}

/// Many applications of one authority: no cookie is overlooked.
#[tokio::test]
async fn old_cookies_of_other_applications_do_not_crowd_out_a_good_one() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("spa").await.answer.refresh_token.unwrap();
    let mut jar: String = (0..50)
        .map(|n| format!("__Host-prolong-spa-{}=plr1_old{n}; ", n % 2))
        .collect();
    jar.push_str("__Host-prolong-spa-0=");
    jar.push_str(&token);
    let headers = [FORM, PAGE, GUARD, ("cookie", jar.as_str())];
    let form = "grant_type=refresh_token&client_id=spa";
    let answer = w.send("POST", "/oauth/token", &headers, form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

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

/// A ban, a sign-out or a deletion within the minute of a ticket's life.
#[tokio::test]
async fn a_ticket_from_before_a_sign_out_everywhere_is_dead() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:admin").await;
    let ticket = async || {
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let path = "/v1/admin/users/maryo/sessions";
        let answer = w.call("POST", path, &admin, wish).await;
        answer.text("ticket").to_owned()
    };
    let redeem = async |ticket: &str| {
        let body = json!({ "client_id": "web", "ticket": ticket }).to_string();
        w.send("POST", "/v1/sessions", &[JSON], &body).await
    };
    let first = ticket().await;
    assert_eq!(redeem(&first).await.status, StatusCode::CREATED);
    for verbs in [&["sign-out"][..], &["disable", "enable"]] {
        let before = ticket().await;
        for verb in verbs {
            let path = format!("/v1/admin/users/maryo/{verb}");
            assert_eq!(
                w.call("POST", &path, &admin, "").await.status,
                StatusCode::OK
            );
        }
        let refused = redeem(&before).await;
        assert_eq!(
            (refused.status, refused.text("code"), refused.text("reason")),
            (StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "version_raised"),
            "{verbs:?}"
        );
        let after = ticket().await;
        assert_eq!(redeem(&after).await.status, StatusCode::CREATED);
    }
    let before = ticket().await;
    let other = w.signed_in("web").await.answer.access_token;
    let out = w.call("DELETE", "/v1/sessions", &other, "").await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(redeem(&before).await.status, StatusCode::UNAUTHORIZED);
}

/// Where each sign-in replaces the others, two tickets at a time are two sign-ins, and the later one counts.
#[tokio::test]
async fn where_a_sign_in_replaces_others_a_second_ticket_still_works() {
    let draft = PolicyDraft {
        replace_others: Some(true),
        ..preset(Preset::Refresh)
    };
    let w = world(draft).await;
    let backend = w.token_for("prolong:sign-in").await;
    let mut tickets = Vec::new();
    for _ in 0..2 {
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let path = "/v1/admin/users/maryo/sessions";
        let answer = w.call("POST", path, &backend, wish).await;
        tickets.push(answer.text("ticket").to_owned());
    }
    let mut tokens = Vec::new();
    for ticket in tickets {
        let body = json!({ "client_id": "web", "ticket": ticket }).to_string();
        let answer = w.send("POST", "/v1/sessions", &[JSON], &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        tokens.push(answer.text("access_token").to_owned());
    }
    assert_eq!(
        w.verify(&tokens[0], "").await.text("reason"),
        "version_raised"
    );
    assert_eq!(w.verify(&tokens[1], "").await.status, StatusCode::OK);
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

/// Eight browsers redeem one ticket at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_redeem_one_ticket_at_once_one_is_in() {
    let w = Arc::new(world(preset(Preset::Refresh)).await);
    let backend = w.token_for("prolong:sign-in").await;
    for round in 0..50 {
        let path = format!("/v1/admin/users/u{round}/sessions");
        let wish = r#"{"client_id":"web","deliver":"ticket"}"#;
        let ticket = w.call("POST", &path, &backend, wish).await;
        let body = json!({ "client_id": "web", "ticket": ticket.text("ticket") }).to_string();
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (w, body) = (Arc::clone(&w), body.clone());
                tokio::spawn(
                    async move { w.send("POST", "/v1/sessions", &[JSON], &body).await.status },
                )
            })
            .collect();
        let mut made = 0;
        for one in tries {
            match one.await.unwrap() {
                StatusCode::CREATED => made += 1,
                other => assert_eq!(other, StatusCode::UNAUTHORIZED),
            }
        }
        assert_eq!(made, 1);
    }
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
