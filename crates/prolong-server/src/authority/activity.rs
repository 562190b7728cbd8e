//! Activity under `activity = request`: what forward-auth saw, kept in memory and stored in batches.
//!
//! A crash forgets at most the last [`EVERY`] of it, and so may only shorten idle time by that much.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use prolong_core::{Event, SessionId, Timestamp, decide};
use prolong_store::{Change, NotCommitted, Transaction};

use super::Authority;

/// Sessions seen since they were last stored.
#[derive(Default)]
pub(crate) struct ActivitySeen(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    at: HashMap<SessionId, Timestamp>,
    stored_at: Option<Timestamp>,
}

impl Authority {
    /// Notes a request; `true` if it is time to store what was noted.
    pub(super) fn note_activity(&self, id: SessionId, now: Timestamp) -> bool {
        let mut seen = self.activity.0.lock();
        let at = seen.at.entry(id).or_insert(now);
        *at = now.max(*at);
        let since = *seen.stored_at.get_or_insert(now);
        let due = now.since(since) >= EVERY || seen.at.len() >= AT_MOST;
        if due {
            seen.stored_at = Some(now);
        }
        due
    }

    /// Stores what was noted of one session, so that a decision about it knows.
    ///
    /// # Errors
    /// What the store says; it is noted again then.
    pub(super) async fn store_activity_of(&self, id: SessionId) -> Result<(), NotCommitted> {
        let at = self.activity.0.lock().at.remove(&id);
        match at {
            Some(at) => self.store_seen(vec![(id, at)]).await,
            None => Ok(()),
        }
    }

    /// Stores what forward-auth saw. Call it every few seconds, and before the end.
    ///
    /// # Errors
    /// What the store says; it is noted again then.
    pub async fn store_activity(&self) -> Result<(), NotCommitted> {
        let seen: Vec<_> = self.activity.0.lock().at.drain().collect();
        for batch in seen.chunks(BATCH) {
            self.store_seen(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn store_seen(&self, seen: Vec<(SessionId, Timestamp)>) -> Result<(), NotCommitted> {
        let outcome = self.worth_storing(&seen).await;
        if outcome.is_err() {
            let mut noted = self.activity.0.lock();
            for (id, at) in seen {
                let known = noted.at.entry(id).or_insert(at);
                *known = at.max(*known);
            }
        }
        outcome
    }

    async fn worth_storing(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), NotCommitted> {
        let mut transaction = Transaction::default();
        for (id, at) in seen {
            let Some(found) = self.store.session(*id).await? else {
                continue;
            };
            let Some(policy) = self.policy_of(&found.session) else {
                continue;
            };
            // Judged at the time it was seen: it counts even where it is stored later.
            let decision = decide(
                &found.session,
                &found.user.standing,
                &Event::RequestSeen(*at),
                *at,
                policy,
            );
            if decision.next.active_at > found.session.active_at {
                transaction = transaction.and(Change::SeenActive {
                    id: *id,
                    at: decision.next.active_at,
                });
            }
        }
        if !transaction.changes.is_empty() {
            self.store.commit(transaction).await?;
        }
        Ok(())
    }
}

const EVERY: Duration = Duration::from_secs(5);
const AT_MOST: usize = 10_000;
const BATCH: usize = 200;
