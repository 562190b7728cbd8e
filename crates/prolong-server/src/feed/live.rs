//! What has ended, in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use prolong_core::Timestamp;
use prolong_protocol::feed::{Entry, Kind};
use prolong_store::{Change, FeedLine, NotCommitted, Store, StoreError, Transaction};
use prolong_verify::Revoked;

use crate::entropy::{Entropy, draw};

/// What has ended. Cheap to clone: all clones see the same.
#[derive(Clone)]
pub struct LiveFeed(Arc<Inner>);

struct Inner {
    salt: [u8; 16],
    revoked: RwLock<Revoked>,
    /// Knows nothing: for credentials that the store judges.
    nothing: Revoked,
    /// Every entry up to this number was read from the store.
    read_to: AtomicU64,
    /// No token of an earlier run lives past this second.
    earlier_tokens_until: i64,
    /// The longest life of an access token under today's policies.
    longest_token: Duration,
}

impl LiveFeed {
    /// Reads the feed from the store. `longest_token` is the longest life of an access token under today's policies.
    ///
    /// The highest `exp` ever issued is bounded without a write per token: what is stored is the longest life of each
    /// run, and a later run assumes a token of the earlier one that was minted just now.
    ///
    /// # Errors
    /// What the store says.
    pub async fn start(
        store: &dyn Store,
        entropy: &dyn Entropy,
        now: Timestamp,
        longest_token: Duration,
    ) -> Result<Self, StoreError> {
        let salt = match stored_salt(store).await? {
            Some(salt) => salt,
            None => {
                let salt: [u8; 16] = draw(entropy);
                set(store, vec![(SALT, hex(&salt))]).await?;
                // Another node may have drawn one at the same moment: the stored one is the feed's.
                stored_salt(store).await?.unwrap_or(salt)
            }
        };
        let earlier_tokens_until = earlier_tokens(store, now, longest_token).await?;
        let feed = Self(Arc::new(Inner {
            salt,
            revoked: RwLock::new(Revoked::new(salt)),
            nothing: Revoked::new(salt),
            read_to: AtomicU64::new(0),
            earlier_tokens_until,
            longest_token,
        }));
        feed.catch_up(store).await?;
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
        let tokens_of_today = now.plus(self.0.longest_token).as_secs().saturating_add(1);
        tokens_of_today
            .max(self.0.earlier_tokens_until)
            .saturating_add(SPARE_SECONDS)
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
        let mut revoked = self.0.revoked.write();
        for entry in lines.iter().filter_map(entry_of) {
            if let Err(unknown) = revoked.apply(&entry) {
                tracing::error!(seq = entry.seq, "{unknown}");
            }
        }
    }

    /// Learns what other nodes and commands have appended meanwhile. Call it at least every 250 ms where several nodes
    /// share a store.
    ///
    /// # Errors
    /// What the store says.
    pub async fn catch_up(&self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let from = self.0.read_to.load(Ordering::Acquire);
            let lines = store.feed_after(from, BATCH).await?;
            self.learn(&lines);
            let Some(last) = lines.last() else {
                return Ok(());
            };
            self.0.read_to.fetch_max(last.seq, Ordering::AcqRel);
        }
    }

    /// Forgets what no acceptable token can match any more.
    pub fn prune(&self, now: Timestamp) {
        self.0
            .revoked
            .write()
            .prune(u64::try_from(now.as_secs()).unwrap_or(0));
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
}

/// The entry as it goes over the wire.
fn entry_of(line: &FeedLine) -> Option<Entry> {
    Some(Entry {
        seq: line.seq,
        kind: Kind::new(line.entry.kind.letter())?,
        key: line.entry.key,
        arg: line.entry.arg,
        until: u64::try_from(line.entry.until).unwrap_or(0),
    })
}

async fn earlier_tokens(
    store: &dyn Store,
    now: Timestamp,
    longest: Duration,
) -> Result<i64, StoreError> {
    let number = |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok());
    let known = number(store.fact(TOKENS_UNTIL).await?).unwrap_or(0);
    let earlier_longest = number(store.fact(LONGEST_TOKEN).await?).unwrap_or(0);
    let until = known.max(
        now.as_secs()
            .saturating_add(earlier_longest)
            .saturating_add(1),
    );
    let facts = vec![
        (TOKENS_UNTIL, until.to_string()),
        (LONGEST_TOKEN, longest.as_secs().to_string()),
    ];
    set(store, facts).await?;
    Ok(until)
}

async fn stored_salt(store: &dyn Store) -> Result<Option<[u8; 16]>, StoreError> {
    let Some(text) = store.fact(SALT).await? else {
        return Ok(None);
    };
    let salt = u128::from_str_radix(&text, 16)
        .map_err(|_| StoreError::Damaged("the feed's salt".to_owned()))?;
    Ok(Some(salt.to_be_bytes()))
}

async fn set(store: &dyn Store, facts: Vec<(&'static str, String)>) -> Result<(), StoreError> {
    let changes = facts
        .into_iter()
        .map(|(name, value)| Change::SetFact { name, value })
        .collect();
    match store.commit(Transaction { changes }).await {
        Ok(_) => Ok(()),
        Err(NotCommitted::Failed(error)) => Err(error),
        Err(NotCommitted::Conflict(_)) => Err(StoreError::Damaged(
            "a fact has no guard, and yet met one".to_owned(),
        )),
    }
}

fn hex(salt: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*salt))
}

const SALT: &str = "feed_salt";
const TOKENS_UNTIL: &str = "tokens_until";
const LONGEST_TOKEN: &str = "longest_token_seconds";
const SPARE_SECONDS: i64 = 60;
const BATCH: usize = 10_000;

#[cfg(test)]
mod tests {
    use prolong_core::{EndReason, SessionId};
    use prolong_store::MemoryStore;

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
        let week = Duration::from_secs(7 * 86_400);
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
