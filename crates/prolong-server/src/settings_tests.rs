//! Settings whose effect no other test would miss: each changes what it says that it changes.

use std::sync::Arc;
use std::time::Duration;

use prolong_core::{EndReason, PolicyDraft, Preset};
use prolong_store::{AuditFilter, KeyState, Page, Store as _};

use crate::serve::run_background;
use crate::world::{World, preset, world, world_with};

const DAY: i64 = 86_400;
const MINUTE: i64 = 60;

/// How soon the answers to a few refreshes ask to be renewed.
async fn hints(policy: PolicyDraft) -> Vec<i64> {
    let w = world(policy).await;
    let token = w.signed_in("web").await.answer.refresh_token.unwrap();
    let mut hints = Vec::new();
    for _ in 0..50 {
        let answer = w.refresh(&token, "").await;
        hints.push(answer.body["refresh_in"].as_i64().unwrap());
    }
    hints
}

fn spread(hints: &[i64]) -> (i64, i64) {
    (*hints.iter().min().unwrap(), *hints.iter().max().unwrap())
}

/// The life of the token × U[0.6, 0.9], drawn anew in every answer, a replay's too.
#[tokio::test]
async fn a_renewal_is_asked_for_in_good_time_and_never_in_step() {
    let hints = hints(preset(Preset::Refresh)).await;
    let (soonest, latest) = spread(&hints);
    assert!((540..600).contains(&soonest), "{soonest}");
    assert!((750..=810).contains(&latest), "{latest}");
    let different: std::collections::BTreeSet<_> = hints.iter().collect();
    assert!(different.len() > 25, "{hints:?}");
}

#[tokio::test]
async fn renew_every_asks_for_it_sooner() {
    let policy = PolicyDraft {
        renew_every: Some(Duration::from_mins(5)),
        ..preset(Preset::Refresh)
    };
    let (soonest, latest) = spread(&hints(policy).await);
    assert!((200..240).contains(&soonest), "{soonest}");
    assert!((270..=300).contains(&latest), "{latest}");
}

/// Lets the background work until whatever is due now is done. Time in the house stands meanwhile.
async fn turn_of_the_background(w: &World) {
    tokio::time::pause();
    let authority = Arc::clone(&w.authority);
    let working = tokio::spawn(run_background(authority));
    tokio::time::sleep(Duration::from_secs(31)).await;
    working.abort();
    tokio::time::resume();
}

#[tokio::test]
async fn sessions_and_audit_lines_are_kept_as_long_as_is_said() {
    let w = world_with(preset(Preset::Device), |settings| {
        settings.retention.sessions = Duration::from_hours(48);
        settings.retention.audit = Duration::from_hours(72);
    })
    .await;
    let session = w.signed_in("web").await.session;
    let ended = w
        .authority
        .end_session(session.id, None, EndReason::SignedOut, "user");
    ended.await.unwrap();
    let page = Page {
        after: None,
        limit: 10,
    };
    let left = async || {
        turn_of_the_background(&w).await;
        let stored = w.store.session(session.id).await.unwrap().is_some();
        let lines = w.store.audit(&AuditFilter::default(), &page).await.unwrap();
        (stored, !lines.is_empty())
    };
    w.later(2 * DAY - 1);
    assert_eq!(left().await, (true, true));
    w.later(1 + MINUTE);
    assert_eq!(left().await, (false, true));
    w.later(DAY - 2 * MINUTE);
    assert_eq!(left().await, (false, true));
    w.later(2 * MINUTE);
    assert_eq!(left().await, (false, false));
}

#[tokio::test]
async fn a_signing_key_is_published_and_replaced_when_it_is_said() {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.retention.signing_key = Duration::from_hours(10 * 24);
        settings.retention.publish_ahead = Duration::from_hours(3 * 24);
    })
    .await;
    let states = async || {
        turn_of_the_background(&w).await;
        let keys = w.authority.signing.list();
        let count = |state| keys.iter().filter(|key| key.state == state).count();
        [KeyState::Pending, KeyState::Active, KeyState::Retiring].map(count)
    };
    let only = w.authority.signing.list()[0].kid.clone();
    w.later(7 * DAY - 1);
    assert_eq!(states().await, [0, 1, 0]);
    w.later(1);
    assert_eq!(states().await, [1, 1, 0], "published three days ahead");
    w.later(3 * DAY - 1);
    assert_eq!(states().await, [1, 1, 0]);
    w.later(1);
    assert_eq!(states().await, [0, 1, 1], "ten days old");
    let keys = w.authority.signing.list();
    assert!(
        keys.iter()
            .any(|key| key.kid == only && key.state == KeyState::Retiring)
    );
}

#[tokio::test]
async fn a_new_hash_costs_what_is_said() {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.limits.argon2_memory_kib = 64;
        settings.limits.argon2_passes = 3;
    })
    .await;
    let hash = w.authority.hash_password("correct horse").await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=3,p=1$"), "{hash}");
}

/// Where a proxy takes a part of the path away, or adds one, `base_path` is not the path of the issuer.
#[tokio::test]
async fn everything_is_served_under_the_base_path_and_nothing_beside_it() {
    let w = world_with(PolicyDraft::default(), |settings| {
        settings.issuer = "https://auth.example.com/outside".to_owned();
        settings.base_path = "/inside".to_owned();
    })
    .await;
    for (path, status) in [
        ("/inside/.well-known/jwks.json", 200),
        ("/.well-known/jwks.json", 404),
        ("/outside/.well-known/jwks.json", 404),
        ("/inside/v1/sessions", 401),
        ("/v1/sessions", 404),
    ] {
        let answer = w.send("GET", path, &[], "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
}
