//! A clock that cannot be trusted: nothing is decided, nothing is claimed, and nobody is signed out by that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use prolong_core::{Preset, Timestamp};

use crate::authority::{Authority, Parts};
use crate::clock::{Clock, ManualClock};
use crate::keys::MasterKeys;
use crate::world::{World, preset, world};

struct Doubtful {
    clock: Arc<ManualClock>,
    jumped: Arc<AtomicBool>,
}

impl Clock for Doubtful {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn trusted_now(&self) -> Result<Timestamp, String> {
        if self.jumped.load(Ordering::SeqCst) {
            return Err("it jumped".to_owned());
        }
        Ok(self.now())
    }
}

/// A world, and what makes its clock one that cannot be trusted.
async fn doubtful() -> (World, Arc<AtomicBool>) {
    let w = world(preset(Preset::Refresh)).await;
    let jumped = Arc::new(AtomicBool::new(false));
    let parts = Parts {
        settings: w.authority.settings.clone(),
        store: w.store.clone(),
        clock: Arc::new(Doubtful {
            clock: Arc::clone(&w.clock),
            jumped: Arc::clone(&jumped),
        }),
        entropy: Arc::clone(&w.authority.entropy),
        master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap(),
    };
    let authority = Authority::new(parts).await.unwrap();
    (w.with(Arc::new(authority)), jumped)
}

#[tokio::test]
async fn nothing_is_decided_and_nobody_is_signed_out() {
    let (w, jumped) = doubtful().await;
    let tokens = w.signed_in("web").await.answer;
    let (access, refresh) = (tokens.access_token, tokens.refresh_token.unwrap());
    let admin = w.token_for("prolong:admin").await;
    w.later(60);
    jumped.store(true, Ordering::SeqCst);
    assert_eq!(w.refresh(&refresh, "").await.status.as_u16(), 503);
    for (path, token, status) in [
        ("/v1/sessions/current", access.as_str(), 503),
        ("/v1/verify", &access, 503),
        ("/v1/admin/users", &admin, 503),
        ("/readyz", "", 503),
        ("/healthz", "", 200),
    ] {
        let answer = w.call("GET", path, token, "").await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    jumped.store(false, Ordering::SeqCst);
    let rotated = w.refresh(&refresh, "").await;
    assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
    assert_eq!(rotated.body["session"]["generation"], 1);
}

#[tokio::test]
async fn no_freshness_is_claimed_by_it() {
    let (w, jumped) = doubtful().await;
    let began = w.authority.feed.as_of();
    w.later(100);
    jumped.store(true, Ordering::SeqCst);
    w.authority.follow_feed().await.unwrap();
    assert_eq!(w.authority.feed.as_of(), began);
    jumped.store(false, Ordering::SeqCst);
    w.authority.follow_feed().await.unwrap();
    assert_eq!(w.authority.feed.as_of(), began + 100);
}
