//! Asks the authority about one token (RFC 7662), for closed routes while the feed is stale.
//!
//! 1. A clear `active: false` refuses the token; anything else than a clear answer within 2 s is no answer.
//! 2. At most 64 questions are under way at a time: a stale feed and a slow authority must not fill this API's memory.

use std::{sync::Arc, time::Duration};

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{error::DiscoverError, fetch::Fetch, machine::Credentials};
use crate::state::{Introspected, State};

const TIMEOUT: Duration = Duration::from_secs(2);
const AT_A_TIME: usize = 64;
const MAX_ANSWER_BYTES: usize = 64 * 1024;

pub(super) struct Introspection {
    fetch: Fetch,
    credentials: Credentials,
    url: reqwest::Url,
    room: Semaphore,
}

#[derive(Deserialize)]
struct Answer {
    active: bool,
}

impl Introspection {
    pub(super) fn new(
        fetch: Fetch,
        credentials: Credentials,
        endpoint: &str,
    ) -> Result<Self, DiscoverError> {
        let url = fetch.resolve(endpoint)?;
        Ok(Self {
            fetch,
            credentials,
            url,
            room: Semaphore::new(AT_A_TIME),
        })
    }

    /// Answers the state's questions.
    pub(super) fn begin(self, state: &State) {
        let this = Arc::new(self);
        state.on_stale(Box::new(move |token| {
            let (this, token) = (Arc::clone(&this), token.to_owned());
            Box::pin(async move { this.ask(&token).await })
        }));
    }

    async fn ask(&self, token: &str) -> Introspected {
        let Ok(_room) = self.room.try_acquire() else {
            return Introspected::Failed;
        };
        let form = [("token", token), ("token_type_hint", "access_token")];
        let request = self
            .credentials
            .put_on(self.fetch.post(self.url.clone()))
            .form(&form);
        let asked = self
            .fetch
            .body(request, self.url.as_str(), MAX_ANSWER_BYTES);
        let Ok(Ok(body)) = tokio::time::timeout(TIMEOUT, asked).await else {
            return Introspected::Failed;
        };
        match serde_json::from_slice(&body) {
            Ok(Answer { active: true }) => Introspected::Active,
            Ok(Answer { active: false }) => Introspected::Inactive,
            Err(_) => Introspected::Failed,
        }
    }
}
