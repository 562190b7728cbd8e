//! Committing, and telling the feed in memory; the feed entries that other operations append.

use std::sync::Arc;

use prolong_core::{EndReason, Generation, Session, SessionId, Timestamp};
use prolong_protocol::problem::Code;
use prolong_store::{Change, Committed, NewFeedEntry, NotCommitted, StoreError, Transaction};

use super::Authority;
use crate::feed::{ended_entry, generation_entry, key_dead_entry, version_entry};
use crate::http::problem::Failure;
use crate::settings::Client;

impl Authority {
    /// The time, if it can be trusted; else nothing is decided.
    ///
    /// # Errors
    /// `UNAVAILABLE`.
    pub(crate) fn decisive_now(&self) -> Result<Timestamp, Failure> {
        self.clock.trusted_now().map_err(Failure::unavailable)
    }

    /// Commits, and lets this node's feed know at once. A caller that goes away does not stop it half-way: what was
    /// committed is always told.
    pub(crate) async fn commit_and_tell(
        &self,
        transaction: Transaction,
    ) -> Result<Committed, NotCommitted> {
        let tells = transaction
            .changes
            .iter()
            .any(|change| matches!(change, Change::AppendFeed(_)));
        if !tells {
            return self.store.commit(transaction).await;
        }
        let ends: Vec<EndReason> = transaction
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::EndSession { reason, .. } => Some(*reason),
                _ => None,
            })
            .collect();
        let (store, feed) = (Arc::clone(&self.store), self.feed.clone());
        let task = tokio::spawn(async move {
            let outcome = store.commit(transaction).await;
            match &outcome {
                Ok(committed) => feed.learn(&committed.feed_lines),
                // It may have been committed all the same, and whoever reads again may see it.
                Err(NotCommitted::Failed(_)) => {
                    if let Err(error) = feed.catch_up(&*store).await {
                        tracing::warn!(%error, "the feed could not be read after a failed commit; it is tried again");
                    }
                }
                Err(NotCommitted::Conflict(_)) => {}
            }
            outcome
        });
        let committed: Result<Committed, NotCommitted> = task.await.unwrap_or_else(|error| {
            Err(NotCommitted::Failed(StoreError::Unavailable(
                error.to_string(),
            )))
        });
        if committed.is_ok() {
            for reason in ends {
                self.metrics.ended(reason);
            }
        }
        committed
    }

    /// The feed entry of a session's end.
    pub(crate) fn session_ended(&self, id: SessionId, reason: EndReason) -> NewFeedEntry {
        ended_entry(self.feed.salt(), id, reason, self.feed_until())
    }

    /// The feed entry of a raised version.
    pub(crate) fn version_raised(&self, sub: &str, version: u64) -> NewFeedEntry {
        version_entry(self.feed.salt(), sub, version, self.feed_until())
    }

    /// The feed entry of a session's newest good generation.
    pub(crate) fn generation_moved(&self, id: SessionId, generation: Generation) -> NewFeedEntry {
        generation_entry(self.feed.salt(), id, generation, self.feed_until())
    }

    /// The feed entry of a signing key that was declared unsafe.
    pub(crate) fn key_dead(&self, kid: &str) -> NewFeedEntry {
        key_dead_entry(self.feed.salt(), kid, self.clock.now())
    }

    /// The client of a session.
    ///
    /// # Errors
    /// `INVALID_TOKEN` where it is registered no more.
    pub(crate) fn client_of(&self, session: &Session) -> Result<&Arc<Client>, Failure> {
        self.client(&session.client).ok_or_else(|| {
            Failure::new(
                Code::InvalidToken,
                "the session's client is registered no more",
            )
        })
    }

    /// Looks where the store's feed stands; see [`crate::feed::LiveFeed::follow`]. With a clock that cannot be trusted,
    /// what is new is learnt, but freshness is not claimed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn follow_feed(&self) -> Result<(), StoreError> {
        match self.clock.trusted_now() {
            Ok(now) => self.feed.follow(&*self.store, now).await,
            Err(_) => self.feed.catch_up(&*self.store).await,
        }
    }

    fn feed_until(&self) -> i64 {
        self.feed.until(self.clock.now())
    }
}
