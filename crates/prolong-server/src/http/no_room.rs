//! A store that cannot write: nothing is handed out that was not stored, and nothing is lost for whoever tries again.

use http::StatusCode;
use prolong_core::{Preset, Session};
use prolong_store::Store;

use crate::world::{World, preset, world};

#[tokio::test]
async fn a_refresh_that_is_not_stored_gives_no_tokens_and_spends_none() {
    let w = world(preset(Preset::Refresh)).await;
    let first = w.signed_in("web").await;
    let token = first.answer.refresh_token.unwrap();
    // A rotation is due.
    w.later(240);
    w.store.refuse_next(usize::MAX);
    let refused = w.refresh(&token, "&client_id=web").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    for member in ["access_token", "refresh_token"] {
        assert!(refused.body.get(member).is_none(), "{}", refused.body);
    }
    assert_eq!(generation(&w, &first.session).await, 0);
    w.store.refuse_next(0);
    let next = w.refresh(&token, "&client_id=web").await;
    assert_eq!(next.status, StatusCode::OK, "{}", next.body);
    assert_eq!(generation(&w, &first.session).await, 1);
}

/// Some tries fail, the next does not: the answer is of the one that was stored.
#[tokio::test]
async fn what_is_answered_is_what_was_stored() {
    let w = world(preset(Preset::Refresh)).await;
    for failures in 0..3 {
        let first = w.signed_in("web").await;
        w.later(240);
        w.store.refuse_next(failures);
        let token = first.answer.refresh_token.unwrap();
        let next = w.refresh(&token, "&client_id=web").await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        assert_eq!(next.body["session"]["generation"], 1);
        assert_eq!(
            generation(&w, &first.session).await,
            1,
            "after {failures} failures"
        );
    }
}

async fn generation(w: &World, session: &Session) -> u64 {
    let found = w.store.session(session.id).await.unwrap().unwrap();
    found.session.generation.0
}
