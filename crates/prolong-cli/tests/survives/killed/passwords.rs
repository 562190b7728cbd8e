//! People who change their password: the old one is good until it is changed, and never again after that; their other
//! session is over with it.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Over, Place, count};
use crate::calls::{Answer, PASSWORD};
use crate::killed::clients::signed_in;
use crate::killed::signing::stays_over;

const PEOPLE: usize = 3;

pub(super) fn users() -> impl Iterator<Item = String> {
    (0..PEOPLE).map(|n| format!("changing-{n}"))
}

pub(super) fn begin(place: &Arc<Place>, tasks: &mut JoinSet<()>) {
    for user in users() {
        tasks.spawn(change(Arc::clone(place), user));
    }
}

async fn try_sign_in(place: &Place, user: &str, password: &str) -> Answer {
    let (answer, _) = place
        .answer(|calls| async move { calls.sign_in("usual", user, password).await })
        .await;
    answer
}

async fn change(place: Arc<Place>, user: String) {
    let mut password = PASSWORD.to_owned();
    for n in 0.. {
        let going_on = place.goes_on();
        let own = signed_in(&place, "usual", &user, &password).await;
        let other = signed_in(&place, "usual", &user, &password).await;
        let (next, access) = (
            format!("{PASSWORD}, changed {n} times"),
            own.text("access_token"),
        );
        let body = json!({ "current_password": password, "new_password": next });
        let body = &body;
        let (answer, lost) = place
            .answer(|calls| async move {
                calls
                    .json(Method::POST, "/v1/password", Some(access), body)
                    .await
            })
            .await;
        // Asked again after the first answer was lost, the current password may be the new one already.
        let maybe = lost && answer.status.is_client_error();
        assert!(answer.status.is_success() || maybe, "{}", answer.body);
        let old = try_sign_in(&place, &user, &password).await;
        if maybe && old.status == StatusCode::CREATED {
            continue;
        }
        assert_eq!(
            old.status,
            StatusCode::UNAUTHORIZED,
            "the old password is good"
        );
        // The new one is, and that forgets the failure before it.
        signed_in(&place, "usual", &user, &next).await;
        let other = Over {
            refresh: other.text("refresh_token").to_owned(),
            access: other.text("access_token").to_owned(),
        };
        stays_over(&place, &other).await;
        place.over.lock().unwrap().push(other);
        count(&place.seen.passwords);
        password = next;
        if !going_on {
            return;
        }
    }
}
