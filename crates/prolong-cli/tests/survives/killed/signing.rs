//! People who sign in and out, some of them while their other tabs refresh.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{Over, Place, count};
use crate::calls::PASSWORD;
use crate::killed::clients::signed_in;

const PEOPLE: usize = 8;

pub(super) fn begin(place: &Arc<Place>, tasks: &mut JoinSet<()>) {
    for n in 0..PEOPLE {
        tasks.spawn(come_and_go(Arc::clone(place), n % 2 == 0));
    }
}

async fn come_and_go(place: Arc<Place>, racing: bool) {
    loop {
        let going_on = place.goes_on();
        let first = signed_in(&place, "strict", "signing", PASSWORD).await;
        // An acknowledged sign-in is a session, in the next life as well.
        if place.draw().is_multiple_of(4) && going_on {
            let _ = place.calls.clone().changed().await;
        }
        let (token, attempt) = (first.text("refresh_token"), place.attempt());
        let (named, tag) = (&attempt, token);
        let (answer, _) = place
            .answer(|calls| async move { calls.refresh(tag, Some(named)).await })
            .await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "sign-in lost: {}",
            answer.body
        );
        let session = Over {
            refresh: answer.text("refresh_token").to_owned(),
            access: answer.text("access_token").to_owned(),
        };
        let acknowledged = AtomicBool::new(false);
        if racing {
            let ((), minted) = tokio::join!(
                end(&place, &session, &acknowledged),
                refresh_meanwhile(&place, &session, &acknowledged)
            );
            if minted {
                count(&place.seen.raced);
            }
        } else {
            end(&place, &session, &acknowledged).await;
        }
        stays_over(&place, &session).await;
        place.over.lock().unwrap().push(session);
        if let Some(earlier) = place.some_over() {
            stays_over(&place, &earlier).await;
        }
        if !going_on {
            return;
        }
    }
}

async fn end(place: &Place, session: &Over, acknowledged: &AtomicBool) {
    let access = &session.access;
    let (answer, lost) = place
        .answer(|calls| async move {
            let path = "/v1/sessions/current";
            calls
                .json(Method::DELETE, path, Some(access), &Value::Null)
                .await
        })
        .await;
    // One whose answer was lost had ended the session already.
    let already = lost && answer.status == StatusCode::UNAUTHORIZED;
    assert!(answer.status.is_success() || already, "{}", answer.body);
    acknowledged.store(true, Ordering::SeqCst);
    count(&place.seen.ended);
}

/// Refreshes until it is refused. Whether it got anything before.
async fn refresh_meanwhile(place: &Place, session: &Over, acknowledged: &AtomicBool) -> bool {
    let (mut token, mut minted) = (session.refresh.clone(), false);
    loop {
        let begun_after = acknowledged.load(Ordering::SeqCst);
        let (attempt, presented) = (place.attempt(), token.clone());
        let (named, tag) = (&attempt, &presented);
        let (answer, _) = place
            .answer(|calls| async move { calls.refresh(tag, Some(named)).await })
            .await;
        if answer.status != StatusCode::OK {
            assert_eq!(answer.text("reason"), "signed_out", "{}", answer.body);
            return minted;
        }
        assert!(
            !begun_after,
            "minted after an acknowledged end: {}",
            answer.body
        );
        minted = true;
        answer.text("refresh_token").clone_into(&mut token);
    }
}

/// Neither token is good for anything, now and in every later life.
pub(super) async fn stays_over(place: &Place, session: &Over) {
    let attempt = place.attempt();
    let (named, tag, access) = (&attempt, &session.refresh, &session.access);
    let (answer, _) = place
        .answer(|calls| async move { calls.refresh(tag, Some(named)).await })
        .await;
    assert_eq!(
        answer.status,
        StatusCode::BAD_REQUEST,
        "an end was lost: {}",
        answer.body
    );
    let (answer, _) = place
        .answer(|calls| async move { calls.get("/v1/verify", Some(access)).await })
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "an end was lost");
}
