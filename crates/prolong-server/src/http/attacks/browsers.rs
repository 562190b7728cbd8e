//! What a page of another origin tries with the cookies of a signed-in user.

use std::sync::Arc;

use http::StatusCode;
use prolong_core::Preset;

use super::{EVIL, GUARD, PAGE, cookies};
use crate::settings::{Client, Origins};
use crate::world::{FORM, preset, world, world_with};

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
