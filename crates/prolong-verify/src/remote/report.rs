//! Tells the authority which sessions were used, in batches, in the background.
//!
//! 1. Every 10 s, at most 1,000 sessions in a call, until none is left.
//! 2. What was not acknowledged is kept and told again; the authority merges by maximum, so twice does no harm.
//! 3. It is told how long ago, not when: no two clocks are compared.

use std::{sync::Weak, time::Duration};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{error::DiscoverError, fetch::Fetch, machine::Machine};
use crate::{activity::SessionUsed, state::State};

const EVERY: Duration = Duration::from_secs(10);
const AT_MOST: usize = 1000;
const TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Reports {
    fetch: Fetch,
    machine: Machine,
    state: Weak<State>,
    every: Duration,
}

impl Reports {
    pub(super) const fn new(fetch: Fetch, machine: Machine, state: Weak<State>) -> Self {
        Self {
            fetch,
            machine,
            state,
            every: EVERY,
        }
    }

    pub(super) const fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Until the state is gone.
    pub(super) fn begin(mut self) {
        tokio::spawn(async move {
            loop {
                sleep(self.every).await;
                if self.state.strong_count() == 0 {
                    return;
                }
                self.tell_all().await;
            }
        });
    }

    async fn tell_all(&mut self) {
        while let Some(state) = self.state.upgrade() {
            let used = state.take_activity(AT_MOST);
            if used.is_empty() {
                return;
            }
            let body = body(&used, state.now());
            if let Err(error) = self.tell(&body).await {
                if matches!(error, DiscoverError::Status(_, 401 | 403)) {
                    self.machine.forget();
                }
                self.fetch.tell(&error);
                state.return_activity(used);
                return;
            }
        }
    }

    async fn tell(&mut self, body: &Value) -> Result<(), DiscoverError> {
        let url = self.fetch.own_url("/v1/activity")?;
        let name = url.to_string();
        let token = self.machine.token().await?;
        let request = self.fetch.post(url).bearer_auth(token).json(body);
        let response = request
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(|cause| super::fetch::unreachable(&name, cause))?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(DiscoverError::Status(name, status)),
        }
    }
}

fn body(used: &[SessionUsed], now: i64) -> Value {
    let ago = |at| u64::try_from(now.saturating_sub(at)).unwrap_or(0);
    let items = used
        .iter()
        .map(|one| json!({ "id": one.session, "idle_for": ago(one.at) }));
    json!({ "sessions": items.collect::<Vec<_>>() })
}
