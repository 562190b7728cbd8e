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

/// The current token too soon to rotate, the attempt that rotated it, the predecessor within grace: cases A1, B1 and B2.
#[tokio::test]
async fn a_refresh_that_writes_nothing_needs_no_room() {
    let w = world(preset(Preset::Refresh)).await;
    let first = w.signed_in("web").await.answer.refresh_token.unwrap();
    let attempt = "&attempt_id=AAECAwQFBgcICQoLDA0ODw";
    w.later(60);
    let rotated = w.refresh(&first, attempt).await;
    let second = rotated.text("refresh_token");
    w.store.refuse_next(usize::MAX);
    for (case, token, more) in [
        ("A1", second, ""),
        ("B1", first.as_str(), attempt),
        ("B2", &first, ""),
    ] {
        w.later(1);
        let answer = w.refresh(token, more).await;
        assert_eq!(answer.status, StatusCode::OK, "{case}: {}", answer.body);
        assert_eq!(answer.text("refresh_token"), second, "{case}");
    }
    w.later(60);
    let rotating = w.refresh(second, "").await;
    assert_eq!(rotating.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// A revocation that was not stored is none, and says when to try again (RFC 7009 §2.2.1).
#[tokio::test]
async fn a_revocation_that_is_not_stored_says_so() {
    let w = world(preset(Preset::Refresh)).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    w.store.refuse_next(usize::MAX);
    let refused = w.form("/oauth/revoke", &format!("token={token}")).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.header("retry-after"), "1");
    w.store.refuse_next(0);
    let kept = w.refresh(&token, "").await;
    assert_eq!(kept.status, StatusCode::OK, "{}", kept.body);
}

async fn generation(w: &World, session: &Session) -> u64 {
    let found = w.store.session(session.id).await.unwrap().unwrap();
    found.session.generation.0
}
