//! The loop that follows the feed: snapshot, then the stream, and again from where it stood.
//!
//! 1. What is revoked is published before the freshness that vouches for it.
//! 2. A stream without an event for 3 s is given up: the authority beats every second.
//! 3. Between two attempts there is a pause, 0.1 s at first, twice as long each time, at most 1 s: whoever comes back
//!    must not serve ended sessions for longer because it was away for long.
//! 4. A dead key in a frame has the keys fetched at once: tokens are signed with another one from now on.
//! 5. How long ago we were known to be complete is counted by a clock that nobody sets.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use prolong_protocol::feed::{Cursor, Frame, Heartbeat, Kind, Snapshot};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout};

use super::{
    error::DiscoverError,
    fetch::{Fetch, accept, unreachable},
    jwks::KeySource,
    machine::Machine,
    sse::Events,
};
use crate::{
    follower::{Follower, Need},
    state::State,
};

const MAX_SNAPSHOT_BYTES: usize = 256 * 1024 * 1024;
const SILENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Feed {
    fetch: Fetch,
    /// As whom the feed is read; `None`: as anyone.
    reader: Option<Machine>,
    keys: Arc<KeySource>,
    state: Weak<State>,
    follower: Follower,
    /// When we were last known to be complete.
    complete_at: Option<Instant>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Event {
    Frame(Frame),
    Heartbeat(Heartbeat),
}

impl Feed {
    pub(super) fn new(
        fetch: Fetch,
        reader: Option<Machine>,
        keys: Arc<KeySource>,
        state: Weak<State>,
    ) -> Self {
        Self {
            fetch,
            reader,
            keys,
            state,
            follower: Follower::default(),
            complete_at: None,
        }
    }

    /// Loads the first snapshot, then follows in the background.
    pub(super) async fn begin(mut self) -> Result<(), DiscoverError> {
        self.snapshot().await?;
        tokio::spawn(self.follow());
        Ok(())
    }

    async fn follow(mut self) {
        let mut pause = FIRST_PAUSE;
        while self.state.strong_count() > 0 {
            match self.once().await {
                Ok(()) => pause = FIRST_PAUSE,
                Err(error) => {
                    self.heed(&error);
                    self.fetch.tell(&error);
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
            self.publish(false);
            sleep(pause).await;
        }
    }

    /// One stream, from its beginning to its end or to a loss that it cannot repair.
    async fn once(&mut self) -> Result<(), DiscoverError> {
        let cursor = match self.follower.cursor().cloned() {
            Some(cursor) => cursor,
            None => self.snapshot().await?,
        };
        let mut url = self.fetch.own_url("/v1/feed")?;
        let name = url.to_string();
        url.query_pairs_mut()
            .append_pair("cursor", &cursor.to_string());
        let request = self
            .authorised(self.fetch.get(url))
            .await?
            .header("accept", "text/event-stream");
        let silent = || DiscoverError::BadAnswer(name.clone());
        let mut response = timeout(SILENCE, accept(request, &name))
            .await
            .map_err(|_| silent())??;
        let mut events = Events::default();
        while let Some(chunk) = timeout(SILENCE, response.chunk())
            .await
            .map_err(|_| silent())?
            .map_err(|cause| unreachable(&name, cause))?
        {
            let complete = events.push(&chunk).map_err(|_| silent())?;
            let mut learnt = false;
            let mut need = Need::Nothing;
            for event in complete {
                need = match serde_json::from_slice(&event).map_err(|_| silent())? {
                    Event::Frame(frame) => {
                        learnt = true;
                        self.heed_dead_keys(&frame);
                        self.follower.frame(&frame)
                    }
                    Event::Heartbeat(beat) => self.heartbeat(&beat),
                };
                if need != Need::Nothing {
                    break;
                }
            }
            self.publish(learnt);
            if need != Need::Nothing || self.state.strong_count() == 0 {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn snapshot(&mut self) -> Result<Cursor, DiscoverError> {
        let url = self.fetch.own_url("/v1/feed/snapshot")?;
        let name = url.to_string();
        let request = self.authorised(self.fetch.get(url)).await?;
        let body = self.fetch.body(request, &name, MAX_SNAPSHOT_BYTES).await?;
        let snapshot: Snapshot =
            serde_json::from_slice(&body).map_err(|_| DiscoverError::BadAnswer(name.clone()))?;
        self.follower.snapshot(&snapshot);
        self.publish(true);
        self.follower
            .cursor()
            .cloned()
            .ok_or(DiscoverError::BadAnswer(name))
    }

    fn publish(&mut self, learnt: bool) {
        let Some(state) = self.state.upgrade() else {
            return;
        };
        let now = state.now();
        if learnt {
            self.follower.prune(u64::try_from(now).unwrap_or(0));
            state.set_revoked(self.follower.revoked().clone());
        }
        match self.complete_at {
            Some(at) if self.follower.staleness(0).is_some() => {
                // Rounded up, so that nothing is claimed that is not so.
                let since = at.elapsed();
                state.set_fresh_since(since.as_secs() + u64::from(since.subsec_nanos() > 0));
            }
            _ => state.set_stale(),
        }
    }

    /// What is asked for here need not be true: at worst, the keys are fetched once more.
    fn heed_dead_keys(&self, frame: &Frame) {
        if frame
            .entries
            .iter()
            .any(|entry| entry.kind == Kind::SIGNING_KEY)
        {
            let keys = Arc::clone(&self.keys);
            tokio::spawn(async move { keys.succeed().await });
        }
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Need {
        let Some(state) = self.state.upgrade() else {
            return Need::Nothing;
        };
        let now = u64::try_from(state.now()).unwrap_or(0);
        let need = self.follower.heartbeat(beat, now);
        if need == Need::Nothing {
            let age = Duration::from_secs(now.saturating_sub(beat.as_of));
            self.complete_at = self.complete_at.max(Instant::now().checked_sub(age));
        }
        need
    }

    /// A refused cursor costs the cursor; a refused token costs the token.
    fn heed(&mut self, error: &DiscoverError) {
        match error {
            DiscoverError::Status(_, 401 | 403) => {
                if let Some(reader) = &mut self.reader {
                    reader.forget();
                }
            }
            DiscoverError::Status(_, 400 | 404 | 409 | 410 | 422) => {
                let _ = self.follower.cursor_refused();
            }
            _ => {}
        }
    }

    async fn authorised(
        &mut self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::RequestBuilder, DiscoverError> {
        match &mut self.reader {
            None => Ok(request),
            Some(reader) => Ok(request.bearer_auth(reader.token().await?)),
        }
    }
}
