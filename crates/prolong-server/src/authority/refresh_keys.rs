//! What an administrator does to the keys of refresh tokens, which come from the master keys.

use std::sync::Arc;

use prolong_core::{EndReason, KeyId, Session, SessionId};
use prolong_protocol::problem::Code;
use prolong_store::{Change, NotCommitted, Page, SessionFilter, StoreError, Transaction};
use serde_json::json;

use super::Authority;
use super::change_user::ended_line;
use super::signing_keys::to_the_end;
use crate::http::problem::Failure;

/// What distrusting a key of refresh tokens came to.
pub(crate) struct Distrusted {
    /// Sessions that were ended.
    pub(crate) ended: u64,
    /// It is the newest key, so new sessions hang on it again.
    pub(crate) newest: bool,
}

impl Authority {
    /// The keys of refresh tokens, newest first, each with whether a live session hangs on it.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn refresh_keys_in_use(&self) -> Result<Vec<(KeyId, bool)>, StoreError> {
        let mut keys = Vec::new();
        for id in self.refresh_keys.ids() {
            keys.push((id, self.store.key_in_use(id).await?));
        }
        Ok(keys)
    }

    /// Ends every session that hangs on a key of refresh tokens, as its current key or the one before, with the reason
    /// `key_distrusted`. It runs to its end even if the caller does not wait for it.
    ///
    /// # Errors
    /// `NOT_FOUND` for an id that is not in the list of master keys; `UNAVAILABLE`: what was ended stays ended, and
    /// asking again goes on.
    pub(crate) async fn distrust_refresh_key(
        self: &Arc<Self>,
        id: KeyId,
        actor: &str,
    ) -> Result<Distrusted, Failure> {
        if !self.refresh_keys.ids().any(|known| known == id) {
            let detail = format!("there is no master key {} in the list", id.0);
            return Err(Failure::new(Code::NotFound, detail));
        }
        let (authority, actor) = (Arc::clone(self), actor.to_owned());
        to_the_end(async move {
            let ended = authority.end_all_pinned(id, &actor).await?;
            let detail = json!({ "master_key": id.0, "sessions_ended": ended });
            let line = authority.key_line("key.distrusted", &actor, &detail);
            let noted = authority.commit_and_tell(Transaction::of(line)).await;
            noted.map_err(Failure::unavailable)?;
            let newest = authority.refresh_keys.newest() == id;
            Ok(Distrusted { ended, newest })
        })
        .await
    }

    async fn end_all_pinned(&self, id: KeyId, actor: &str) -> Result<u64, Failure> {
        let filter = SessionFilter {
            not_ended: true,
            ..SessionFilter::default()
        };
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        let mut ended = 0;
        loop {
            let found = self.store.sessions(&filter, &page).await;
            let found = found.map_err(Failure::unavailable)?;
            let last = found.last().map(|found| found.session.id.to_string());
            let whole = found.len() == PAGE;
            let mut pinned: Vec<Session> = found
                .into_iter()
                .map(|found| found.session)
                .filter(|session| session.key == id || session.previous_key == id)
                .collect();
            while !pinned.is_empty() {
                let batch: Vec<Session> = pinned.drain(..pinned.len().min(BATCH)).collect();
                ended += self.end_batch(batch, actor).await?;
            }
            if !whole || last.is_none() {
                return Ok(ended);
            }
            page.after = last;
        }
    }

    /// Ends these in one commit. A session that ended meanwhile is left out, and the rest is tried again.
    async fn end_batch(&self, mut batch: Vec<Session>, actor: &str) -> Result<u64, Failure> {
        while !batch.is_empty() {
            let now = self.decisive_now()?;
            let changes: Vec<Change> = batch
                .iter()
                .flat_map(|session| self.end_as_distrusted(session.id, session, now, actor))
                .collect();
            match self.commit_and_tell(Transaction { changes }).await {
                Ok(_) => return Ok(batch.len() as u64),
                Err(NotCommitted::Conflict(at)) => {
                    batch.remove((at / CHANGES_EACH).min(batch.len() - 1));
                }
                Err(NotCommitted::Failed(error)) => return Err(Failure::unavailable(error)),
            }
        }
        Ok(0)
    }

    fn end_as_distrusted(
        &self,
        id: SessionId,
        session: &Session,
        at: prolong_core::Timestamp,
        actor: &str,
    ) -> [Change; CHANGES_EACH] {
        let reason = EndReason::KeyDistrusted;
        [
            Change::EndSession {
                id,
                reason,
                at,
                at_generation: None,
            },
            Change::AppendFeed(self.session_ended(id, reason)),
            ended_line(at, actor, session, reason),
        ]
    }
}

const PAGE: usize = 1000;
const BATCH: usize = 100;
const CHANGES_EACH: usize = 3;
