//! Activity under `activity = request`: what forward-auth saw, and what verifiers report.
//!
//! 1. It is stored before it is acknowledged: a crash loses none of it.
//! 2. What is stored is the end of the second it was seen in, so a session is written at most once a second, and its idle
//!    time is longer than the policy says by less than a second. Nothing makes it shorter.
//! 3. It merges by maximum and is judged as of the moment it was seen: late or repeated reports do no harm, and none
//!    brings back a session that was over by then.
//! 4. What could not be stored is kept in memory and tried again; a crash in that time loses it.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use prolong_core::{Activity, Event, SessionId, Timestamp, decide};
use prolong_store::{Change, NotCommitted, Transaction};

use super::Authority;

/// What need not, and what could not, be stored.
#[derive(Default)]
pub(crate) struct ActivitySeen(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Stored up to here.
    stored: HashMap<SessionId, Timestamp>,
    swept_at: Timestamp,
    /// Seen then, and not stored.
    owed: HashMap<SessionId, Timestamp>,
}

impl Authority {
    /// Counts a request of a session: stored when this returns, except where the store fails.
    pub(super) async fn note_activity(&self, id: SessionId, now: Timestamp) {
        if self.activity.covers(id, now) {
            return;
        }
        if let Err(error) = self.store_seen(&[(id, now)]).await {
            tracing::warn!(%error, "activity could not be stored; it is tried again");
        }
    }

    /// Counts what a verifier saw.
    ///
    /// # Errors
    /// What the store says; nothing is kept then, since the verifier reports it again.
    pub(crate) async fn report_activity(
        &self,
        seen: &[(SessionId, Timestamp)],
    ) -> Result<(), NotCommitted> {
        for batch in seen.chunks(BATCH) {
            self.worth_storing(batch).await?;
        }
        Ok(())
    }

    /// Stores what is owed of one session, so that a decision about it knows.
    ///
    /// # Errors
    /// What the store says; it is still owed then.
    pub(super) async fn store_activity_of(&self, id: SessionId) -> Result<(), NotCommitted> {
        let at = self.activity.0.lock().owed.remove(&id);
        match at {
            Some(at) => self.store_seen(&[(id, at)]).await,
            None => Ok(()),
        }
    }

    /// Stores what is owed. Call it every few seconds, and before the end.
    ///
    /// # Errors
    /// What the store says; it is still owed then.
    pub async fn store_activity(&self) -> Result<(), NotCommitted> {
        let owed: Vec<_> = self.activity.0.lock().owed.drain().collect();
        let mut outcome = Ok(());
        for batch in owed.chunks(BATCH) {
            outcome = outcome.and(self.store_seen(batch).await);
        }
        outcome
    }

    async fn store_seen(&self, seen: &[(SessionId, Timestamp)]) -> Result<(), NotCommitted> {
        let outcome = self.worth_storing(seen).await;
        match &outcome {
            Ok(()) => self.activity.are_stored(seen),
            Err(_) => self.activity.are_owed(seen),
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
            if policy.activity != Activity::Request {
                continue;
            }
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
                    at: end_of_second(*at),
                });
            }
        }
        if !transaction.changes.is_empty() {
            self.store.commit(transaction).await?;
        }
        Ok(())
    }
}

impl ActivitySeen {
    fn covers(&self, id: SessionId, now: Timestamp) -> bool {
        let seen = self.0.lock();
        seen.stored.get(&id).is_some_and(|upto| now <= *upto)
    }

    fn are_stored(&self, all: &[(SessionId, Timestamp)]) {
        let mut seen = self.0.lock();
        let latest = all.iter().map(|(_, at)| *at).max().unwrap_or_default();
        if latest.since(seen.swept_at) >= SWEEP {
            seen.stored.retain(|_, upto| *upto >= latest);
            seen.swept_at = latest;
        }
        for (id, at) in all {
            let known = seen.stored.entry(*id).or_default();
            *known = end_of_second(*at).max(*known);
        }
    }

    fn are_owed(&self, all: &[(SessionId, Timestamp)]) {
        let mut seen = self.0.lock();
        for (id, at) in all {
            let known = seen.owed.entry(*id).or_insert(*at);
            *known = (*at).max(*known);
        }
    }
}

fn end_of_second(at: Timestamp) -> Timestamp {
    match at.as_millis().rem_euclid(1000) {
        0 => at,
        past => at.plus(Duration::from_millis(
            u64::try_from(1000 - past).unwrap_or(0),
        )),
    }
}

/// How long what was stored is remembered, roughly; an entry is of use for a second.
const SWEEP: Duration = Duration::from_secs(5);
const BATCH: usize = 200;
