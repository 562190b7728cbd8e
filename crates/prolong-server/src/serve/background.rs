//! What happens without anybody asking, in steps so small that no request waits for them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use prolong_core::{Limit, Timestamp};
use prolong_store::{Change, NotCommitted, Transaction};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::Authority;

/// The fact that holds the latest time this data folder has seen, in milliseconds since the epoch.
pub const CLOCK_HIGH_WATER: &str = "clock_high_water";

/// Works until it is dropped. What fails is logged and tried again at the next turn, and so is what panics.
pub async fn run_background(authority: Arc<Authority>) {
    tokio::join!(
        again(|| take_turns(&authority)),
        again(|| follow_feed(&authority)),
        again(|| respell_logins(&authority))
    );
}

/// Else one panic (the system has no thread for a query, say) would end all of it, while the server goes on answering.
async fn again<W: Future<Output = ()>>(work: impl Fn() -> W) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        tracing::error!("background work panicked; it begins anew");
        sleep(AFTER_PANIC).await;
    }
}

/// Once in the life of a database that an earlier release began.
async fn respell_logins(authority: &Authority) {
    while let Err(failure) = authority.respell_logins().await {
        tracing::warn!(
            failure = failure.detail,
            "logins of an earlier release could not be spelled anew; it is tried again"
        );
        sleep(TURN).await;
    }
}

/// Apart from the rest, which may take its time: what verifiers are told of freshness comes from here.
async fn follow_feed(authority: &Authority) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        look.tick().await;
        let outcome = authority.follow_feed().await;
        if let Err(error) = &outcome
            && !failed
        {
            tracing::warn!(%error, "the feed could not be read, so its readers become stale; it is tried again");
        }
        failed = outcome.is_err();
    }
}

async fn take_turns(authority: &Authority) {
    let mut turn = interval(TURN);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut activity = interval(ACTIVITY);
    activity.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sample = interval(SAMPLE);
    sample.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = sample.tick() => {
                if let Err(error) = authority.sample_password_hashes().await {
                    tracing::warn!(%error, "it could not be seen what kinds of password hashes there are");
                }
                continue;
            }
            _ = activity.tick() => {
                if let Err(error) = authority.store_activity().await {
                    tracing::warn!(%error, "activity that was seen could not be stored");
                }
                continue;
            }
            _ = turn.tick() => {}
        }
        let now = match authority.clock.trusted_now() {
            Ok(now) => now,
            Err(why) => {
                tracing::error!(
                    why,
                    "the clock cannot be trusted; nothing is decided until it can"
                );
                continue;
            }
        };
        if let Err(error) = authority.turn(now).await {
            tracing::warn!(%error, "background work failed; it is tried again in {} s", TURN.as_secs());
        }
        authority.feed.prune(now);
        let (store, retention) = (&*authority.store, &authority.settings.retention);
        let keys = &authority.signing;
        let (life, ahead) = (retention.signing_key, retention.publish_ahead);
        if let Err(error) = keys
            .tick(
                store,
                now,
                life,
                ahead,
                authority.longest_use(),
                &*authority.entropy,
            )
            .await
        {
            tracing::warn!(%error, "the signing keys were not looked after; it is tried again");
        }
    }
}

/// How often the store's head is looked at: freshness is claimed by nothing else (decision 0012).
const LOOK: Duration = Duration::from_millis(250);
const AFTER_PANIC: Duration = Duration::from_secs(1);
const TURN: Duration = Duration::from_secs(30);
/// Activity that was seen is stored so often: a crash forgets no more of it.
const ACTIVITY: Duration = Duration::from_secs(1);
/// Which kinds of password hashes are stored is looked at so often.
const SAMPLE: Duration = Duration::from_mins(10);
const BATCH: usize = 200;
const BATCHES: usize = 50;
const AUDIT_BATCH: usize = 1000;
/// As good as never, for a policy that asks for an expired token however old.
const YEAR: Duration = Duration::from_hours(8760);
/// Between two batches, so that requests go first.
const PAUSE: Duration = Duration::from_millis(20);

impl Authority {
    /// How long after its signature an access token may still be presented, with an hour to spare.
    fn longest_use(&self) -> Duration {
        let policies =
            self.settings.clients.values().flat_map(|client| {
                core::iter::once(&client.policy).chain(&client.policy_remembered)
            });
        let longest = policies
            .map(|policy| {
                let after = match policy.idle {
                    Limit::After(idle) if policy.require_access_token => idle,
                    Limit::Never if policy.require_access_token => YEAR,
                    _ => policy.accept_expired,
                };
                policy.access.saturating_add(after)
            })
            .max();
        longest
            .unwrap_or_default()
            .saturating_add(Duration::from_hours(1))
    }

    async fn turn(&self, now: Timestamp) -> Result<(), NotCommitted> {
        let retention = &self.settings.retention;
        let forget_audit = Change::ForgetAuditBefore(now.minus(retention.audit), AUDIT_BATCH);
        self.store
            .commit(Transaction {
                changes: vec![
                    Change::SetFact {
                        name: CLOCK_HIGH_WATER,
                        value: now.as_millis().to_string(),
                    },
                    Change::ForgetTicketsBefore(now),
                    Change::ForgetFeedBefore(now.as_secs()),
                    forget_audit.clone(),
                ],
            })
            .await?;
        self.sweep(now.minus(retention.sessions), &forget_audit)
            .await?;
        self.forget_tombstones(now.minus(self.longest_use())).await
    }

    /// Removes users who were deleted before `before`, once their last session was swept: no token of theirs can be
    /// alive, so nothing needs to be refused in their name.
    async fn forget_tombstones(&self, before: Timestamp) -> Result<(), NotCommitted> {
        let old = self.store.removable_users(before, BATCH).await?;
        if old.is_empty() {
            return Ok(());
        }
        let changes = old.into_iter().map(Change::RemoveUser).collect();
        self.store.commit(Transaction { changes }).await.map(drop)
    }

    /// Removes sessions that ended, or were over, before `before`. Where many go, many lines of the audit log are old, too.
    async fn sweep(&self, before: Timestamp, forget_audit: &Change) -> Result<(), NotCommitted> {
        for _ in 0..BATCHES {
            let old = self.store.removable_sessions(before, BATCH).await?;
            let last = old.len() < BATCH;
            if !old.is_empty() {
                let removed = Transaction::of(Change::RemoveSessions(old));
                self.store.commit(removed.and(forget_audit.clone())).await?;
            }
            if last {
                break;
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use prolong_core::{EndReason, PolicyDraft, Preset, SessionId};
    use prolong_store::{NewAuditLine, Store as _};
    use tokio::time::Instant;

    use super::*;
    use crate::feed::ended_entry;
    use crate::world::{preset, world};

    #[tokio::test]
    async fn a_tombstone_goes_when_its_sessions_are_swept_and_its_tokens_dead() {
        let w = world(PolicyDraft::default()).await;
        let authority = &w.authority;
        let user = w.brought("maryo", "web").await.unwrap().session.user;
        authority.delete_user(user, "operator").await.unwrap();
        let turn = async || {
            let now = authority.clock.now();
            authority.turn(now).await.unwrap();
            authority.store.user(user).await.unwrap()
        };
        assert!(turn().await.is_some());
        w.later(6 * 86_400);
        assert!(
            turn().await.is_some(),
            "its sessions still tell why they ended"
        );
        w.later(86_400 + 1);
        assert!(turn().await.is_none());
    }

    /// Thousands a minute may come, so thousands must be able to go.
    #[tokio::test]
    async fn the_audit_log_is_forgotten_as_fast_as_sessions_are() {
        let w = world(PolicyDraft::default()).await;
        let line = |_| {
            Change::AppendAudit(NewAuditLine {
                at: w.authority.clock.now(),
                what: "user.changed",
                actor: "operator".to_owned(),
                user: None,
                session: None,
                detail: "{}".to_owned(),
            })
        };
        let changes = (0..2 * AUDIT_BATCH).map(line).collect();
        w.store.commit(Transaction { changes }).await.unwrap();
        for _ in 0..=BATCH {
            w.signed_in("web").await;
        }
        w.later(100 * 86_400);
        let now = w.authority.clock.now();
        w.authority.turn(now).await.unwrap();
        let counts = w.store.counts().await.unwrap();
        assert_eq!((counts.sessions, counts.audit_lines), (0, 0));
    }

    /// Where a token is taken long after it expired, the tombstone stays so long, whatever became of the sessions.
    #[tokio::test]
    async fn a_tombstone_outlives_the_last_token() {
        let w = world(preset(Preset::WeeklySliding)).await;
        let authority = &w.authority;
        let user = w.brought("maryo", "web").await.unwrap().session.user;
        authority.delete_user(user, "operator").await.unwrap();
        let swept = 7 * 86_400 + 1;
        let dead = i64::try_from(authority.longest_use().as_secs()).unwrap() + 1;
        assert!(dead > swept);
        for (later, there) in [(swept, true), (dead - swept, false)] {
            w.later(later);
            authority.turn(authority.clock.now()).await.unwrap();
            let user = authority.store.user(user).await.unwrap();
            assert_eq!(user.is_some(), there);
        }
    }

    /// What another node appends, or a commit of ours whose outcome was not known, is told to nobody here.
    #[tokio::test(start_paused = true)]
    async fn what_was_appended_elsewhere_is_found_within_250_ms() {
        let w = world(PolicyDraft::default()).await;
        let authority = &w.authority;
        let scene = async {
            for number in 1..5 {
                let session = SessionId([number; 16]);
                let (salt, until) = (authority.feed.salt(), i64::MAX);
                let entry = ended_entry(salt, session, EndReason::SignedOut, until);
                let change = Change::AppendFeed(entry);
                authority
                    .store
                    .commit(Transaction::of(change))
                    .await
                    .unwrap();
                let begun = Instant::now();
                while authority.feed.len() < usize::from(number) {
                    sleep(Duration::from_millis(1)).await;
                }
                assert!(begun.elapsed() <= Duration::from_millis(251), "{number}");
            }
        };
        tokio::select! {
            () = follow_feed(authority) => {}
            () = scene => {}
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_panics_begins_anew() {
        let begun = AtomicU32::new(0);
        super::again(|| async {
            assert!(begun.fetch_add(1, Ordering::Relaxed) == 2, "planned");
        })
        .await;
        assert_eq!(begun.into_inner(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn logins_of_an_earlier_release_are_spelled_anew_by_themselves() {
        let w = world(PolicyDraft::default()).await;
        let user = w.user_with_hash("rene\u{301}", None).await;
        let working = tokio::spawn(super::run_background(w.authority.clone()));
        tokio::time::sleep(super::LOOK).await;
        working.abort();
        assert_eq!(w.stored(&user).await.login.as_deref(), Some("ren\u{e9}"));
    }
}
