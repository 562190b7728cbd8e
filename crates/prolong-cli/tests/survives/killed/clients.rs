//! Clients that keep their sessions alive.

use std::sync::Arc;

use reqwest::StatusCode;
use tokio::task::JoinSet;

use super::{Place, count};
use crate::calls::{Answer, PASSWORD};

const NAMING: usize = 24;
const PLAIN: usize = 8;

pub(super) fn users() -> impl Iterator<Item = String> {
    ["naming", "plain", "signing"]
        .into_iter()
        .map(str::to_owned)
}

pub(super) fn begin(place: &Arc<Place>, tasks: &mut JoinSet<()>) {
    for n in 0..NAMING {
        let client = if n % 2 == 0 { "strict" } else { "usual" };
        tasks.spawn(name_every_attempt(Arc::clone(place), client, n % 3 == 0));
    }
    for _ in 0..PLAIN {
        tasks.spawn(name_no_attempt(Arc::clone(place)));
    }
}

pub(super) async fn signed_in(place: &Place, client: &str, user: &str, password: &str) -> Answer {
    let (answer, _) = place
        .answer(|calls| async move { calls.sign_in(client, user, password).await })
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    count(&place.seen.signed_in);
    answer
}

fn generation(answer: &Answer) -> u64 {
    answer.body["session"]["generation"].as_u64().unwrap()
}

/// Never signed out, whatever is lost; `tabs` asks twice at once, as two tabs do.
async fn name_every_attempt(place: Arc<Place>, client: &'static str, tabs: bool) {
    let first = signed_in(&place, client, "naming", PASSWORD).await;
    let (mut token, mut known) = (first.text("refresh_token").to_owned(), generation(&first));
    loop {
        let going_on = place.goes_on();
        let attempt = place.attempt();
        let ask = || {
            let (token, attempt) = (&token, &attempt);
            place.answer(move |calls| async move { calls.refresh(token, Some(attempt)).await })
        };
        let (answer, lost) = if tabs {
            let ((one, lost), (other, _)) = tokio::join!(ask(), ask());
            let same = |answer: &Answer| answer.body["refresh_token"].clone();
            for tab in [&one, &other] {
                assert_eq!(tab.status, StatusCode::OK, "signed out: {}", tab.body);
            }
            // What one of them presented is not told again (A1 in a later life); what is told is the same.
            if generation(&one) == generation(&other) && same(&one) != same(&other) {
                assert!(same(&one).is_null() || same(&other).is_null());
            }
            // Tabs share their storage, and it keeps the newest.
            let newest = if generation(&other) > generation(&one) {
                other
            } else {
                one
            };
            (newest, lost)
        } else {
            ask().await
        };
        assert_eq!(answer.status, StatusCode::OK, "signed out: {}", answer.body);
        let now = generation(&answer);
        match now - known {
            0 => assert_eq!(client, "usual", "strict rotation rotates"),
            1 => {
                count(&place.seen.rotated);
                if lost {
                    count(&place.seen.retried);
                }
            }
            more => panic!("{more} generations in one refresh"),
        }
        known = now;
        if let Some(next) = answer.body["refresh_token"].as_str() {
            next.clone_into(&mut token);
        }
        if !going_on {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Signed out only if two answers running were lost, as `docs/decisions/0003` says.
async fn name_no_attempt(place: Arc<Place>) {
    loop {
        let first = signed_in(&place, "usual", "plain", PASSWORD).await;
        let (mut token, mut known) = (first.text("refresh_token").to_owned(), generation(&first));
        let (mut lost_before, mut lost_now) = (false, false);
        loop {
            let going_on = place.goes_on();
            let presented = &token;
            let (answer, lost) = place
                .answer(|calls| async move { calls.refresh(presented, None).await })
                .await;
            lost_now |= lost;
            if answer.status != StatusCode::OK {
                assert!(lost_before && lost_now, "signed out: {}", answer.body);
                assert_eq!(answer.text("reason"), "reuse_detected");
                count(&place.seen.unlucky);
                break;
            }
            if generation(&answer) != known {
                known = generation(&answer);
                lost_before = lost_now;
                lost_now = false;
                count(&place.seen.rotated);
            }
            answer.text("refresh_token").clone_into(&mut token);
            if !going_on {
                return;
            }
        }
    }
}
