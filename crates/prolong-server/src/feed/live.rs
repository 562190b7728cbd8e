//! The feed in memory: what is revoked, and the log that readers follow. Fed from commits, and from the store.
//!
//! 1. What was acknowledged is here: a commit is learnt before anybody is told of it.
//! 2. Commits may be learnt in any order; readers get them in the order of their numbers.
//! 3. `as_of` moves only by a look at the store's own head ([`LiveFeed::follow`]), so that a commit whose outcome was
//!    unknown is found before freshness is claimed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use prolong_core::Timestamp;
use prolong_protocol::feed::{Cursor, Heartbeat};
use prolong_store::{FeedLine, Store, StoreError};
use prolong_verify::Revoked;
use tokio::sync::watch;

use super::facts;
use super::log::{After, Log, entry_of, epoch_name};
use super::snapshot::Snapshots;
use super::token_life::TokenLife;
use crate::entropy::{Entropy, draw};

/// What has ended. Cheap to clone: all clones see the same.
#[derive(Clone)]
pub struct LiveFeed(Arc<Inner>);

struct Inner {
    salt: [u8; 16],
    token_life: TokenLife,
    revoked: RwLock<Revoked>,
    /// Knows nothing: for credentials that the store judges.
    nothing: Revoked,
    log: RwLock<Log>,
    /// Tells readers that the log has moved.
    moved: watch::Sender<()>,
    /// The second at which the store's head was known to be ours.
    as_of: AtomicU64,
    /// The frame that was made last: followers that keep up all read the same.
    newest_frame: Mutex<Option<Written>>,
    snapshots: Snapshots,
}

/// A frame as JSON.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) first: u64,
    /// Where the reader stands afterwards.
    pub(crate) cursor: Cursor,
    pub(crate) json: Bytes,
}

/// What a reader gets next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Entries.
    Frame(Written),
    /// It has everything.
    UpToDate(Heartbeat),
    /// Some of what comes next is forgotten: it needs a snapshot.
    Lost,
}

impl LiveFeed {
    /// Reads the feed from the store. `longest_token` is the longest life of an access token under today's policies.
    ///
    /// # Errors
    /// What the store says.
    pub async fn start(
        store: &dyn Store,
        entropy: &dyn Entropy,
        now: Timestamp,
        longest_token: Duration,
    ) -> Result<Self, StoreError> {
        let salt = facts::salt(store, || draw(entropy)).await?;
        let token_life = TokenLife::start(store, now, longest_token).await?;
        let epoch = store.feed_head().await?.epoch;
        let feed = Self(Arc::new(Inner {
            salt,
            token_life,
            revoked: RwLock::new(Revoked::new(salt)),
            nothing: Revoked::new(salt),
            log: RwLock::new(Log::new(prolong_store::FeedCursor::start(epoch))),
            moved: watch::Sender::new(()),
            as_of: AtomicU64::new(0),
            newest_frame: Mutex::new(None),
            snapshots: Snapshots::default(),
        }));
        feed.follow(store, now).await?;
        feed.prune(now);
        Ok(feed)
    }

    /// What keys of entries are hashed with.
    #[must_use]
    pub fn salt(&self) -> &[u8; 16] {
        &self.0.salt
    }

    /// The second from which an entry made `now` can be forgotten: no token that was ever issued is acceptable then.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> i64 {
        self.0.token_life.until(now)
    }

    /// Runs `judge` on what is revoked now.
    pub fn with_revoked<T>(&self, judge: impl FnOnce(&Revoked) -> T) -> T {
        judge(&self.0.revoked.read())
    }

    /// An empty set, for credentials that the store judges.
    #[must_use]
    pub fn nothing_revoked(&self) -> &Revoked {
        &self.0.nothing
    }

    /// Learns what a commit appended. The order does not matter: nothing is un-learnt.
    pub fn learn(&self, lines: &[FeedLine]) {
        if lines.is_empty() {
            return;
        }
        self.revoke(lines);
        if self.0.log.write().append(lines) {
            self.0.moved.send_replace(());
        }
    }

    /// Looks where the store stands, and learns what is missing here: what other nodes appended, and what a commit
    /// appended whose outcome was not known. `now` was read before. Call it at least every 250 ms.
    ///
    /// # Errors
    /// What the store says; `as_of` stays as it was then.
    pub async fn follow(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        self.catch_up(store).await?;
        self.0.as_of.store(seconds(now), Ordering::Release);
        Ok(())
    }

    /// The same without a word on when that was: `as_of` stays as it is.
    ///
    /// # Errors
    /// What the store says.
    pub async fn catch_up(&self, store: &dyn Store) -> Result<(), StoreError> {
        let head = store.feed_head().await?;
        let here = || self.0.log.read().head();
        let mut moved = false;
        while here().seq < head.seq {
            let lines = store.feed_after(here().seq, BATCH).await?;
            self.revoke(&lines);
            if !self.0.log.write().read(&lines) {
                break;
            }
            moved = true;
        }
        // Lines that the store has forgotten already are not missed.
        moved |= self.0.log.write().reach(head);
        if moved {
            self.0.moved.send_replace(());
        }
        Ok(())
    }

    /// Forgets what no acceptable token can match any more.
    pub fn prune(&self, now: Timestamp) {
        self.0.revoked.write().prune(seconds(now));
        self.0.log.write().prune(now.as_secs());
    }

    /// How many facts are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.revoked.read().len()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a reader who stands here can go on without a snapshot.
    pub(crate) fn knows(&self, cursor: &Cursor) -> bool {
        self.0.log.read().knows(cursor)
    }

    /// What a reader who stands after `seq` of `epoch` gets next.
    pub(crate) fn next(&self, epoch: &str, seq: u64) -> Next {
        let made = self.0.newest_frame.lock().clone();
        if let Some(made) =
            made.filter(|made| Some(made.first) == seq.checked_add(1) && made.cursor.epoch == epoch)
            && made.cursor.seq == self.0.log.read().head().seq
        {
            return Next::Frame(made);
        }
        let log = self.0.log.read();
        match log.after(epoch, seq, FRAME_ENTRIES) {
            After::Nothing => Next::UpToDate(log.heartbeat(self.as_of())),
            After::Lost => Next::Lost,
            After::Frame(frame) => {
                drop(log);
                let cursor = Cursor {
                    epoch: epoch.to_owned(),
                    seq: frame.last,
                    chain: frame.chain,
                };
                let json = serde_json::to_vec(&frame).unwrap_or_default().into();
                let written = Written {
                    first: frame.first,
                    cursor,
                    json,
                };
                *self.0.newest_frame.lock() = Some(written.clone());
                Next::Frame(written)
            }
        }
    }

    /// Resolves at every move of the log after this call.
    pub(crate) fn moves(&self) -> watch::Receiver<()> {
        self.0.moved.subscribe()
    }

    /// The second at which this feed was known to be complete.
    pub(crate) fn as_of(&self) -> u64 {
        self.0.as_of.load(Ordering::Acquire)
    }

    /// How far this feed is, whatever a reader has.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        self.0.log.read().heartbeat(self.as_of())
    }

    /// The snapshot at today's head, and its name.
    pub(crate) async fn snapshot(&self, now: Timestamp) -> (String, Bytes) {
        let head = self.0.log.read().head();
        let name = format!("{}.{}", epoch_name(&head), head.seq);
        let read = || {
            let log = self.0.log.read();
            (log.head(), log.lines(), self.0.salt)
        };
        self.0.snapshots.get(&name, now, read).await
    }

    fn revoke(&self, lines: &[FeedLine]) {
        let mut revoked = self.0.revoked.write();
        for entry in lines.iter().filter_map(entry_of) {
            if let Err(unknown) = revoked.apply(&entry) {
                tracing::error!(seq = entry.seq, "{unknown}");
            }
        }
    }
}

fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_secs()).unwrap_or(0)
}

const BATCH: usize = 10_000;
const FRAME_ENTRIES: usize = 250;

#[cfg(test)]
mod tests {
    use prolong_core::{EndReason, SessionId};
    use prolong_store::{Change, MemoryStore, Transaction};

    use super::*;
    use crate::feed::ended_entry;

    struct Zeros;
    impl Entropy for Zeros {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[tokio::test]
    async fn a_new_run_keeps_the_salt_and_outlives_the_tokens_of_the_one_before() {
        let store = MemoryStore::new([1; 16]);
        let now = Timestamp::from_secs(1_000_000);
        let week = Duration::from_hours(168);
        let first = LiveFeed::start(&store, &Zeros, now, week).await.unwrap();
        assert_eq!(first.until(now), 1_000_000 + 7 * 86_400 + 61);
        let entry = ended_entry(
            first.salt(),
            SessionId([3; 16]),
            EndReason::SignedOut,
            first.until(now),
        );
        store
            .commit(Transaction::of(Change::AppendFeed(entry)))
            .await
            .unwrap();

        // The policy got shorter, but tokens of the week before are still about.
        let later = Timestamp::from_secs(1_000_500);
        let second = LiveFeed::start(&store, &Zeros, later, Duration::from_mins(5))
            .await
            .unwrap();
        assert_eq!(second.salt(), first.salt());
        assert_eq!(second.until(later), 1_000_500 + 7 * 86_400 + 61);
        assert_eq!(second.len(), 1, "what ended before the start is known");
    }

    #[tokio::test]
    async fn what_others_append_is_found_by_catching_up_and_pruned_when_it_no_longer_matters() {
        let store = MemoryStore::new([1; 16]);
        let now = Timestamp::from_secs(1_000_000);
        let feed = LiveFeed::start(&store, &Zeros, now, Duration::from_mins(5))
            .await
            .unwrap();
        let entry = ended_entry(
            feed.salt(),
            SessionId([3; 16]),
            EndReason::SignedOut,
            feed.until(now),
        );
        store
            .commit(Transaction::of(Change::AppendFeed(entry)))
            .await
            .unwrap();
        assert!(feed.is_empty());
        feed.catch_up(&store).await.unwrap();
        assert_eq!(feed.len(), 1);
        feed.prune(Timestamp::from_secs(entry.until - 1));
        assert_eq!(feed.len(), 1);
        feed.prune(Timestamp::from_secs(entry.until));
        assert!(feed.is_empty());
    }
}
