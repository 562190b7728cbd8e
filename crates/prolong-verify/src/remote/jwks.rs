//! The issuer's keys: refreshed in the background, and once more where a token names an unknown one.
//!
//! 1. A document that cannot be fetched or is refused changes nothing: the known keys stay.
//! 2. For unknown keys there is one fetch at a time and at most one in 30 s; everyone who asks meanwhile gets its answer.
//!    A fetch that failed has told nothing, and those tokens may be good: the next is made a second later, then two, four …
//! 3. A key that the feed declares dead has a successor that nobody was told of before: it is fetched at once, however
//!    lately somebody asked for an unknown key.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{error::DiscoverError, fetch::Fetch};
use crate::{
    keys::{Keys, MAX_JWKS_BYTES},
    state::{Refetched, State},
};

const REFRESH: Duration = Duration::from_mins(5);
const RETRY: Duration = Duration::from_secs(30);
const COOLDOWN: Duration = Duration::from_secs(30);

/// When keys were last asked for because of a token, and how often that has failed since it worked.
#[derive(Clone, Copy)]
struct Asked {
    at: Instant,
    failures: u32,
}

pub(super) struct KeySource {
    fetch: Fetch,
    url: reqwest::Url,
    state: Weak<State>,
    last: Mutex<Option<Asked>>,
}

impl KeySource {
    pub(super) fn new(
        fetch: Fetch,
        address: &str,
        state: Weak<State>,
    ) -> Result<Arc<Self>, DiscoverError> {
        let url = fetch.resolve(address)?;
        Ok(Arc::new(Self {
            fetch,
            url,
            state,
            last: Mutex::default(),
        }))
    }

    /// Fetches the keys and puts them in place. An issuer without any usable key counts as a fault.
    pub(super) async fn fetch(&self) -> Result<(), DiscoverError> {
        let request = self.fetch.get(self.url.clone());
        let body = self
            .fetch
            .body(request, self.url.as_str(), MAX_JWKS_BYTES)
            .await?;
        let keys = Keys::from_jwks(body).map_err(DiscoverError::Keys)?;
        if keys.is_empty() {
            return Err(DiscoverError::NoKeys(keys.left_out().to_vec()));
        }
        if let Some(state) = self.state.upgrade() {
            state.set_keys(keys);
        }
        Ok(())
    }

    /// Answers the state's questions, and refreshes until the state is gone.
    pub(super) fn keep_fresh(self: Arc<Self>, state: &State) {
        let asked = Arc::clone(&self);
        state.on_unknown_key(Box::new(move || {
            let source = Arc::clone(&asked);
            // A task of its own: a caller who goes away must not undo the limit.
            let fetching = tokio::spawn(async move { source.refetch().await });
            Box::pin(async move { fetching.await.unwrap_or(Refetched::Failed) })
        }));
        tokio::spawn(async move {
            let mut pause = REFRESH;
            loop {
                sleep(pause).await;
                if self.state.strong_count() == 0 {
                    return;
                }
                pause = match self.fetch().await {
                    Ok(()) => REFRESH,
                    Err(fault) => {
                        self.fetch.tell(&fault);
                        RETRY
                    }
                };
            }
        });
    }

    /// A key is dead: fetches its successor. Who meets an unknown key meanwhile waits for it.
    pub(super) async fn succeed(&self) {
        let mut last = self.last.lock().await;
        *last = None;
        self.fetch_once(&mut last).await;
    }

    async fn refetch(&self) -> Refetched {
        let mut last = self.last.lock().await;
        match *last {
            Some(asked) if asked.at.elapsed() < rest(asked.failures) => outcome(asked.failures),
            _ => self.fetch_once(&mut last).await,
        }
    }

    async fn fetch_once(&self, last: &mut Option<Asked>) -> Refetched {
        let failures = match self.fetch().await {
            Ok(()) => 0,
            Err(fault) => {
                self.fetch.tell(&fault);
                last.map_or(0, |asked| asked.failures).saturating_add(1)
            }
        };
        let at = Instant::now();
        *last = Some(Asked { at, failures });
        outcome(failures)
    }
}

fn outcome(failures: u32) -> Refetched {
    if failures == 0 {
        Refetched::Current
    } else {
        Refetched::Failed
    }
}

/// How long after a fetch the next unknown key is not asked for.
fn rest(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(1) else {
        return COOLDOWN;
    };
    Duration::from_secs(1_u64 << doublings.min(5)).min(COOLDOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_told_nothing_asks_again_soon_and_then_less_often() {
        let rests: Vec<u64> = (0..8).map(|failures| rest(failures).as_secs()).collect();
        assert_eq!(rests, [30, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(rest(u32::MAX), COOLDOWN);
    }
}
