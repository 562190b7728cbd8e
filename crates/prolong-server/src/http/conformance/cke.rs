//! CKE: the refresh token in cookies (RFC 10017, layered cookies, ASVS 3.3), and cross-origin calls.

use http::StatusCode;
use prolong_core::Preset;

use crate::world::{Answer, FORM, World, preset, world};

const ORIGIN: (&str, &str) = ("origin", "https://app.example.com");
const GUARD: (&str, &str) = ("prolong-request", "1");
const BODY: &str = "grant_type=refresh_token&client_id=spa";

/// A refresh by these `Cookie` headers, from the client's own page.
async fn refresh(w: &World, cookies: &[&str]) -> Answer {
    let mut headers = vec![FORM, ORIGIN, GUARD];
    headers.extend(cookies.iter().map(|cookie| ("cookie", *cookie)));
    w.send("POST", "/oauth/token", &headers, BODY).await
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    let all = answer.headers.get_all("set-cookie").iter();
    all.map(|one| one.to_str().unwrap().to_owned()).collect()
}

/// `name=value` of the cookie that was set.
fn kept(answer: &Answer) -> String {
    let all = set_cookies(answer);
    let set = all.iter().find(|one| one.contains("=plr1_")).unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn spa(w: &World) -> String {
    let token = w.signed_in("spa").await.answer.refresh_token.unwrap();
    format!("__Host-prolong-spa-0={token}")
}

#[tokio::test]
async fn cke_1_no_script_and_no_other_site_gets_at_it() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    w.later(60);
    let good = refresh(&w, &[&cookie]).await;
    assert_eq!(good.status, StatusCode::OK, "{}", good.body);
    assert!(
        good.body.get("refresh_token").is_none(),
        "no script can read it"
    );
    let set = good.header("set-cookie");
    assert!(
        set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"),
        "{set}"
    );
    assert!(!set.to_lowercase().contains("domain"), "{set}");
}

#[tokio::test]
async fn cke_2_its_name_binds_it_to_the_host_and_names_its_slot() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    w.later(60);
    let first = refresh(&w, &[&cookie]).await;
    assert!(kept(&first).starts_with("__Host-prolong-spa-1=plr1_"));
    w.later(60);
    let second = refresh(&w, &[&kept(&first)]).await;
    assert!(kept(&second).starts_with("__Host-prolong-spa-0=plr1_"));
    // Another name is another cookie.
    for name in [
        "__host-prolong-spa-0",
        "prolong-spa-0",
        "__Host-prolong-spa-2",
    ] {
        let renamed = kept(&second).replacen("__Host-prolong-spa-0", name, 1);
        assert_eq!(
            refresh(&w, &[&renamed]).await.text("error"),
            "invalid_grant",
            "{name}"
        );
    }
}

#[tokio::test]
async fn cke_3_small_once_per_name_and_read_from_split_headers() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    w.later(60);
    let first = refresh(&w, &[&cookie]).await;
    let newer = kept(&first);
    assert!(newer.len() <= 4096);
    assert_eq!(set_cookies(&first).len(), 1);
    w.later(60);
    let split = refresh(&w, &["a=b", &cookie, &format!("c=d; {newer}")]).await;
    assert_eq!(split.body["session"]["generation"], 2, "{}", split.body);
}

#[tokio::test]
async fn cke_4_another_page_can_do_nothing_with_it() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    let cookie = ("cookie", cookie.as_str());
    let evil = ("origin", "https://evil.example");
    let other = ("origin", "https://other.example.com");
    let attempts: [&[(&str, &str)]; 7] = [
        &[FORM, cookie, ORIGIN],
        &[FORM, cookie, GUARD],
        &[FORM, cookie, GUARD, evil],
        &[FORM, cookie, GUARD, other],
        &[FORM, cookie, ("prolong-request", "0"), ORIGIN],
        &[FORM, cookie, ("prolong-request", "1, 1"), ORIGIN],
        &[FORM, cookie, GUARD, ("origin", "null")],
    ];
    // Origins that look like the client's own.
    let alike = [
        "https://app.example.com.evil.example",
        "https://app.example.com:8443",
        "https://app.example.com/",
        "https://sub.app.example.com",
        "https://APP.example.com",
        "http://app.example.com",
    ];
    let alike = alike.map(|origin| [FORM, cookie, GUARD, ("origin", origin)]);
    let attempts = attempts.into_iter().chain(alike.iter().map(|one| &one[..]));
    for (n, headers) in attempts.enumerate() {
        let refused = w.send("POST", "/oauth/token", headers, BODY).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{n}");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"prolong\", error=\"invalid_request\"")
                && challenge.contains("code=\"CSRF_REFUSED\""),
            "{n}: {challenge}"
        );
        let out = w.send("DELETE", "/v1/sessions/current", headers, "").await;
        assert_eq!(
            (out.status, out.text("code")),
            (StatusCode::FORBIDDEN, "CSRF_REFUSED"),
            "{n}"
        );
    }
    // A cookie signs out and prolongs, and is good for nothing else; safe methods change nothing.
    for (method, path) in [
        ("GET", "/v1/sessions"),
        ("GET", "/v1/sessions/current"),
        ("GET", "/v1/verify"),
        ("DELETE", "/v1/sessions"),
        ("POST", "/v1/password"),
        ("POST", "/v1/sessions/current/prolong"),
        ("GET", "/v1/admin/users"),
    ] {
        let headers = [cookie, GUARD, ORIGIN];
        let answer = w.send(method, path, &headers, "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert_eq!(
        refresh(&w, &[cookie.1]).await.status,
        StatusCode::OK,
        "nothing happened to it"
    );
}

#[tokio::test]
async fn cke_5_the_server_ends_the_session_and_the_cookie_follows() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    w.later(7 * 86_400);
    let idle = refresh(&w, &[&cookie]).await;
    assert_eq!(
        idle.text("reason"),
        "idle_timeout",
        "whatever the browser kept"
    );
    let cookie = spa(&w).await;
    let headers = [("cookie", cookie.as_str()), GUARD, ORIGIN];
    let out = w.send("DELETE", "/v1/sessions/current", &headers, "").await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let cleared = set_cookies(&out);
    assert_eq!(cleared.len(), 2);
    for slot in ["__Host-prolong-spa-0=;", "__Host-prolong-spa-1=;"] {
        assert!(
            cleared
                .iter()
                .any(|one| one.starts_with(slot) && one.ends_with("; Max-Age=0")),
            "{cleared:?}"
        );
    }
    assert_eq!(refresh(&w, &[&cookie]).await.text("reason"), "signed_out");
    let own = w.signed_in("spa").await.answer;
    let path = format!("/v1/sessions/{}", own.session.unwrap().id);
    let ended = w.call("DELETE", &path, &own.access_token, "").await;
    assert_eq!(set_cookies(&ended).len(), 2, "the own session, by its id");
    let own = w.signed_in("spa").await.answer;
    let everywhere = w
        .call("DELETE", "/v1/sessions", &own.access_token, "")
        .await;
    assert_eq!(
        (everywhere.status, set_cookies(&everywhere).len()),
        (StatusCode::NO_CONTENT, 2)
    );
    let own = w.signed_in("spa").await.answer;
    let others = w
        .call(
            "DELETE",
            "/v1/sessions?except=current",
            &own.access_token,
            "",
        )
        .await;
    assert_eq!(
        (others.status, set_cookies(&others).len()),
        (StatusCode::NO_CONTENT, 0)
    );
}

#[tokio::test]
async fn cke_6_preflights_by_the_union_and_answers_per_client() {
    let w = world(preset(Preset::Refresh)).await;
    let other = ("origin", "https://other.example.com");
    let asks = ("access-control-request-method", "POST");
    let preflight = w.send("OPTIONS", "/oauth/token", &[other, asks], "").await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(preflight.header("access-control-allow-origin"), other.1);
    assert_eq!(
        preflight.header("access-control-allow-methods"),
        "GET, POST, PATCH, DELETE"
    );
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("prolong-request")
    );
    for stranger in ["https://evil.example", "null", "https://APP.example.com"] {
        let refused = w
            .send("OPTIONS", "/oauth/token", &[("origin", stranger), asks], "")
            .await;
        assert_eq!(
            refused.header("access-control-allow-origin"),
            "",
            "{stranger}"
        );
    }
    let tokens = w.signed_in("web").await.answer;
    let body = format!(
        "grant_type=refresh_token&refresh_token={}",
        tokens.refresh_token.unwrap()
    );
    let bearer = format!("Bearer {}", tokens.access_token);
    let bearer = ("authorization", bearer.as_str());
    let json = ("content-type", "application/json");
    let sign_in = r#"{"client_id":"web","username":"x","password":"y"}"#;
    for (origin, readable) in [(other, ""), (ORIGIN, ORIGIN.1)] {
        let answers = [
            w.send("POST", "/oauth/token", &[FORM, origin], &body).await,
            w.send("GET", "/v1/sessions", &[bearer, origin], "").await,
            w.send("GET", "/v1/verify", &[bearer, origin], "").await,
            w.send("POST", "/v1/sessions", &[json, origin], sign_in)
                .await,
        ];
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(
                answer.header("access-control-allow-origin"),
                readable,
                "{n}"
            );
            assert_eq!(answer.header("vary"), "Origin", "{n}");
        }
    }
    let own = w.send("GET", "/v1/verify", &[ORIGIN], "").await;
    for name in [
        "WWW-Authenticate",
        "Retry-After",
        "Prolong-Access-Token",
        "Prolong-Renew",
    ] {
        assert!(
            own.header("access-control-expose-headers").contains(name),
            "{name}"
        );
    }
    assert_eq!(own.header("access-control-allow-credentials"), "true");
}

#[tokio::test]
async fn cke_7_a_late_answer_cannot_overwrite_a_newer_token() {
    let w = world(preset(Preset::Refresh)).await;
    let cookie = spa(&w).await;
    w.later(60);
    let first = refresh(&w, &[&cookie]).await;
    // Its twin got the same successor, so whichever `Set-Cookie` comes last, the jar holds the current token.
    let twin = refresh(&w, &[&cookie]).await;
    assert_eq!(kept(&first), kept(&twin));
    w.later(60);
    let second = refresh(&w, &[&kept(&first)]).await;
    // An answer of the older generation arrives after all: it lies in the other slot, and the newer one counts.
    w.later(60);
    let both = format!("{}; {}", kept(&first), kept(&second));
    let third = refresh(&w, &[&both]).await;
    assert_eq!(third.body["session"]["generation"], 3, "{}", third.body);
    // Asked once more by the current token, it sets none: that answer, late, would lie in the slot of the next but one.
    let again = refresh(&w, &[&kept(&third)]).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    assert_eq!(set_cookies(&again), [""; 0]);
}

#[tokio::test]
async fn a_page_without_its_cookie_is_signed_out_and_one_with_two_tokens_at_fault() {
    let w = world(preset(Preset::Refresh)).await;
    let none = refresh(&w, &[]).await;
    assert_eq!(
        (none.status.as_u16(), none.text("error")),
        (400, "invalid_grant")
    );
    assert!(none.body.get("reason").is_none() && none.body.get("action").is_none());
    // A cookie that nobody signed is no better than none, and no worse.
    for nobodys in ["plr1_AAAA", "x"] {
        let cookie = format!("__Host-prolong-spa-0={nobodys}");
        let forged = [FORM, ORIGIN, GUARD, ("cookie", cookie.as_str())];
        let forged = w.send("POST", "/oauth/token", &forged, BODY).await;
        assert_eq!((forged.status, &forged.body), (none.status, &none.body));
    }
    // Of a client whose token travels in the body, a token was expected.
    let body = w
        .form("/oauth/token", "grant_type=refresh_token&client_id=web")
        .await;
    assert_eq!(body.text("error"), "invalid_request");
    let cookie = spa(&w).await;
    let headers = [FORM, ORIGIN, GUARD, ("cookie", cookie.as_str())];
    let double = format!("{BODY}&refresh_token=plr1_x");
    let double = w.send("POST", "/oauth/token", &headers, &double).await;
    assert_eq!(double.text("error"), "invalid_request");
}

#[tokio::test]
async fn a_remembered_cookie_lives_as_long_as_the_session_and_another_as_long_as_the_browser() {
    let w = world(preset(Preset::Refresh)).await;
    let admin = w.token_for("prolong:sign-in").await;
    for (remember, age) in [(true, Some("Max-Age=2592000")), (false, None)] {
        let wish = format!(r#"{{"client_id":"spa","deliver":"ticket","remember":{remember}}}"#);
        let ticket = w
            .call("POST", "/v1/admin/users/maryo/sessions", &admin, &wish)
            .await;
        let redeem = format!(
            r#"{{"client_id":"spa","ticket":"{}"}}"#,
            ticket.text("ticket")
        );
        let headers = [("content-type", "application/json"), ORIGIN, GUARD];
        let answer = w.send("POST", "/v1/sessions", &headers, &redeem).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let all = set_cookies(&answer);
        let set = all
            .iter()
            .find(|one| one.starts_with("__Host-prolong-spa-0=plr1_"))
            .unwrap();
        let said = set.split("; ").find(|part| part.starts_with("Max-Age"));
        assert_eq!(said, age);
        assert!(
            all.iter()
                .any(|one| one.starts_with("__Host-prolong-spa-1=;")),
            "the other slot is cleared"
        );
    }
}
