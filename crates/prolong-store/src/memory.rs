//! Everything in memory: for tests, and the plainest statement of what a store does.

mod apply;
mod read;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use prolong_core::{KeyId, Session, SessionId, Timestamp, UserKey};

use crate::writer_stats::Counters;
use crate::{
    AuditFilter, AuditLine, Committed, Counts, Decide, FeedCursor, FeedLine, Found, NotCommitted,
    Page, SealedKey, SessionFilter, Store, StoreError, Ticket, Transaction, User, UserFilter,
    WriterStats,
};

/// A store that forgets everything when it is dropped, and the last commits on demand.
pub struct MemoryStore {
    inner: Mutex<Inner>,
    counters: Counters,
    looked_up: AtomicU64,
}

#[derive(Default)]
struct Inner {
    state: State,
    /// How to take the last commits back, newest last.
    undo: VecDeque<Vec<Undo>>,
    /// So many writes are still to be refused.
    refusing: usize,
}

/// Takes one write back.
type Undo = Box<dyn FnOnce(&mut State) + Send>;

#[derive(Default)]
struct State {
    sessions: BTreeMap<SessionId, Session>,
    users: BTreeMap<UserKey, User>,
    keys: BTreeMap<String, SealedKey>,
    head: FeedCursor,
    feed: BTreeMap<u64, FeedLine>,
    last_audit: i64,
    audit: BTreeMap<i64, AuditLine>,
    tickets: BTreeMap<[u8; 32], Ticket>,
    facts: BTreeMap<String, String>,
}

/// So many commits can be lost.
const REMEMBERED: usize = 1024;

impl MemoryStore {
    /// An empty store whose feed has this epoch (16 random bytes).
    #[must_use]
    pub fn new(epoch: [u8; 16]) -> Self {
        let state = State {
            head: FeedCursor::start(epoch),
            ..State::default()
        };
        Self {
            inner: Mutex::new(Inner {
                state,
                undo: VecDeque::new(),
                refusing: 0,
            }),
            counters: Counters::default(),
            looked_up: AtomicU64::new(0),
        }
    }

    /// How often a session, a user or a ticket was looked up, for those who claim that it was not.
    #[must_use]
    pub fn look_ups(&self) -> u64 {
        self.looked_up.load(Ordering::Relaxed)
    }

    /// The same as a lock, for whoever looks somebody up.
    fn looking_up(&self) -> MutexGuard<'_, Inner> {
        self.looked_up.fetch_add(1, Ordering::Relaxed);
        self.inner.lock()
    }

    /// Loses the last `n` commits, as a failover to a standby that lags does. At most the last 1,024 can be lost.
    /// Says how many were.
    pub fn lose_last(&self, n: usize) -> usize {
        let mut inner = self.inner.lock();
        let inner = &mut *inner;
        let mut lost = 0;
        while lost < n {
            let Some(commit) = inner.undo.pop_back() else {
                break;
            };
            take_back(&mut inner.state, commit);
            lost += 1;
        }
        lost
    }

    /// Refuses the next `n` writes, as a disk without room does: each is worked on and then taken back.
    pub fn refuse_next(&self, n: usize) {
        self.inner.lock().refusing = n;
    }

    fn write(
        &self,
        inner: &mut Inner,
        transaction: Transaction,
    ) -> Result<Committed, NotCommitted> {
        let mut writing = apply::Writing::new(&mut inner.state);
        let outcome = transaction
            .changes
            .into_iter()
            .enumerate()
            .try_for_each(|(at, change)| writing.apply(change).ok_or(NotCommitted::Conflict(at)));
        let (undo, committed) = writing.finish();
        // No disk, no time; each transaction is a commit of its own.
        self.counters
            .committed(1, usize::from(outcome.is_err()), Duration::ZERO);
        if let Err(conflict) = outcome {
            take_back(&mut inner.state, undo);
            return Err(conflict);
        }
        if inner.refusing > 0 {
            inner.refusing -= 1;
            take_back(&mut inner.state, undo);
            return Err(StoreError::Unavailable("no room".to_owned()).into());
        }
        inner.undo.push_back(undo);
        if inner.undo.len() > REMEMBERED {
            inner.undo.pop_front();
        }
        Ok(committed)
    }
}

fn take_back(state: &mut State, undo: Vec<Undo>) {
    for step in undo.into_iter().rev() {
        step(state);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, transaction: Transaction) -> Result<Committed, NotCommitted> {
        self.write(&mut self.inner.lock(), transaction)
    }

    async fn turn(&self, id: SessionId, decide: Decide) -> Result<Committed, NotCommitted> {
        let mut inner = self.looking_up();
        let transaction = decide(inner.state.session(id));
        self.write(&mut inner, transaction)
    }

    async fn session(&self, id: SessionId) -> Result<Option<Found>, StoreError> {
        Ok(self.looking_up().state.session(id))
    }

    async fn sessions_of(&self, user: UserKey) -> Result<Vec<Session>, StoreError> {
        Ok(self.looking_up().state.sessions_of(user))
    }

    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &Page,
    ) -> Result<Vec<Found>, StoreError> {
        Ok(self.inner.lock().state.list_sessions(filter, page))
    }

    async fn user(&self, key: UserKey) -> Result<Option<User>, StoreError> {
        Ok(self.looking_up().state.users.get(&key).cloned())
    }

    async fn user_by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let inner = self.looking_up();
        let mut users = inner.state.users.values();
        Ok(users
            .find(|user| user.login.as_deref() == Some(login))
            .cloned())
    }

    async fn users(&self, filter: &UserFilter, page: &Page) -> Result<Vec<User>, StoreError> {
        Ok(self.inner.lock().state.list_users(filter, page))
    }

    async fn ticket(&self, hash: [u8; 32]) -> Result<Option<Ticket>, StoreError> {
        Ok(self.looking_up().state.tickets.get(&hash).cloned())
    }

    async fn signing_keys(&self) -> Result<Vec<SealedKey>, StoreError> {
        Ok(self.inner.lock().state.signing_keys())
    }

    async fn feed_head(&self) -> Result<FeedCursor, StoreError> {
        Ok(self.inner.lock().state.head)
    }

    async fn feed_after(&self, seq: u64, limit: usize) -> Result<Vec<FeedLine>, StoreError> {
        let Some(first) = seq.checked_add(1) else {
            return Ok(Vec::new());
        };
        let inner = self.inner.lock();
        Ok(inner
            .state
            .feed
            .range(first..)
            .take(limit)
            .map(|(_, line)| *line)
            .collect())
    }

    async fn audit(&self, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditLine>, StoreError> {
        Ok(self.inner.lock().state.list_audit(filter, page))
    }

    async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(self.inner.lock().state.facts.get(name).cloned())
    }

    async fn removable_sessions(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(self.inner.lock().state.removable(before, limit))
    }

    async fn removable_users(
        &self,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<UserKey>, StoreError> {
        Ok(self.inner.lock().state.removable_users(before, limit))
    }

    async fn key_in_use(&self, key: KeyId) -> Result<bool, StoreError> {
        Ok(self.inner.lock().state.key_in_use(key))
    }

    async fn counts(&self) -> Result<Counts, StoreError> {
        Ok(self.inner.lock().state.counts())
    }

    fn writer_stats(&self) -> WriterStats {
        self.counters.snapshot()
    }
}
