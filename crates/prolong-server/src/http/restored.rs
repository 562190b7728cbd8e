//! A store that lost what it had acknowledged: its clients are ahead of it.

use http::StatusCode;
use prolong_core::Preset;
use prolong_store::{Change, Store as _, Transaction};

use crate::world::{preset, world};

const KEY: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[tokio::test]
async fn whoever_is_far_ahead_goes_on_only_where_a_restore_was_declared() {
    let w = world(preset(Preset::Refresh)).await;
    let mut token = w.signed_in("web").await.answer.refresh_token.unwrap();
    for _ in 0..10 {
        w.later(60);
        let next = w.refresh(&token, "").await;
        next.text("refresh_token").clone_into(&mut token);
    }
    assert_eq!(w.store.lose_last(10), 10);
    let undeclared = w.restarted(KEY).await.ok().unwrap();
    let refused = undeclared.refresh(&token, "").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    let declared = Change::SetFact {
        name: "restore_declared",
        value: "true".to_owned(),
    };
    w.store.commit(Transaction::of(declared)).await.unwrap();
    let declared = w.restarted(KEY).await.ok().unwrap();
    let adopted = declared.refresh(&token, "").await;
    assert_eq!(adopted.status, StatusCode::OK, "{}", adopted.body);
    assert!(adopted.body["session"]["generation"].as_u64() >= Some(10));
}
