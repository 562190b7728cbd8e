//! Real verifiers behind a network that drops, repeats, swaps, truncates, stalls, cuts and forges what the feed says, each
//! by a seed of its own: a verifier that claims to be fresh refuses everything that had ended by then, always; and when the
//! network behaves again, it knows what the authority knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prolong_verify::Verifier;
use tempfile::tempdir;
use tokio::task::JoinSet;

use crate::authority::{Authority, Session};
use crate::proxy::{FAULTS, MISBEHAVIOUR, Proxy};
use crate::verifier::{accepts, discover, now, until};

const VERIFIERS: u64 = 24;
const SESSIONS: usize = 120;

/// Ended sessions, and the second after which that was acknowledged.
type Ended = Arc<Mutex<Vec<(u64, Session)>>>;

/// Looks again and again: who is fresh as of a second knows everything that ended before it.
async fn watch(verifier: Verifier, ended: Ended, done: Arc<AtomicBool>) -> usize {
    let mut looks = 0;
    while !done.load(Ordering::SeqCst) {
        let clock = now();
        if let Some(stale) = verifier.state().staleness() {
            let complete_as_of = clock.saturating_sub(stale);
            let known = ended.lock().clone();
            for (at, session) in known.iter().filter(|(at, _)| *at < complete_as_of) {
                assert!(
                    !accepts(&verifier, &session.access).await,
                    "fresh as of {complete_as_of}, and accepts a session that ended by {at}"
                );
                looks += 1;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    looks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_network_does_a_verifier_is_right_or_knows_that_it_is_stale() {
    let folder = tempdir().unwrap();
    let authority = Authority::start(folder.path(), 0).await;
    let mut sessions = Vec::new();
    for n in 0..SESSIONS {
        sessions.push(authority.sign_in(&format!("user-{n}"), "web").await);
    }
    let kept = authority.sign_in("kept", "web").await;

    let (ended, done) = (Ended::default(), Arc::new(AtomicBool::new(false)));
    let mut proxies = Vec::new();
    let mut verifiers = Vec::new();
    let mut watching = JoinSet::new();
    for seed in 1..=VERIFIERS {
        let proxy = Proxy::start(&authority.issuer, seed).await;
        let verifier = discover(&authority.issuer, &proxy.address).await;
        proxy.be_honest(false);
        watching.spawn(watch(
            verifier.clone(),
            Arc::clone(&ended),
            Arc::clone(&done),
        ));
        proxies.push(proxy);
        verifiers.push(verifier);
    }
    let pause = MISBEHAVIOUR / u32::try_from(SESSIONS).unwrap();
    for session in &sessions {
        authority.delete(session).await;
        ended.lock().push((now(), session.clone()));
        tokio::time::sleep(pause).await;
    }
    for proxy in &proxies {
        proxy.be_honest(true);
    }
    for (seed, verifier) in (1..).zip(&verifiers) {
        until(&format!("verifier {seed} is fresh"), async || {
            verifier.state().staleness().is_some_and(|stale| stale <= 2)
        })
        .await;
        for session in &sessions {
            until(&format!("verifier {seed} knows every end"), async || {
                !accepts(verifier, &session.access).await
            })
            .await;
        }
        assert!(
            accepts(verifier, &kept.access).await,
            "verifier {seed}: nobody ended this one"
        );
    }
    done.store(true, Ordering::SeqCst);
    let looks: usize = watching.join_all().await.into_iter().sum();
    assert!(
        looks > 1000,
        "fresh verifiers were looked at only {looks} times"
    );
    for (fault, name) in FAULTS.iter().enumerate() {
        let times: usize = proxies
            .iter()
            .map(|proxy| proxy.counts[fault].load(Ordering::SeqCst))
            .sum();
        assert!(times > 0, "nothing was {name}");
    }
}
