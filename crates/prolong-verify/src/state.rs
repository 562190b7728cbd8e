//! What a running verifier knows, shared by all layers: keys, revocations, freshness, seen tokens.
//!
//! 1. Keys and revocations are replaced as one view; a request sees one view from beginning to end.
//! 2. Freshness never moves back.
//! 3. A key that comes again in a new document stays the same object, so that later sights stay cheap.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

use crate::{
    activity::{Activity, SessionUsed},
    claims::Claims,
    clock::system_now,
    expected::Expected,
    keys::Keys,
    rejection::Rejection,
    requirement::Requirement,
    revoked::Revoked,
    seen::SeenTokens,
    tower::Token,
    verify::Terms,
};

/// Tokens remembered by default.
const SEEN_TOKENS: usize = 100_000;
const NEVER: i64 = i64::MIN;

/// The shared state of one verifier. Filled by [`crate::Verifier`], or by hand.
pub struct State {
    expected: Expected,
    view: ArcSwap<View>,
    fresh_as_of: AtomicI64,
    served_stale: AtomicU64,
    seen: SeenTokens,
    clock: fn() -> i64,
    refetch: OnceLock<Refetch>,
    introspect: OnceLock<Introspect>,
    activity: OnceLock<Activity>,
}

#[derive(Clone, Default)]
pub(crate) struct View {
    keys: Arc<Keys>,
    revoked: Arc<Revoked>,
}

/// What came of asking the issuer for its keys because of an unknown `kid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refetched {
    /// The keys are as new as they need be: look once more.
    Current,
    /// The issuer could not be asked.
    Failed,
}

/// Asks the issuer for its keys; called where a token names an unknown one. It limits itself.
pub type Refetch =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Refetched> + Send>> + Send + Sync + 'static>;

/// What the authority says of a token when it is asked (RFC 7662).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Introspected {
    /// It is good.
    Active,
    /// It is not.
    Inactive,
    /// The authority could not be asked, or gave no clear answer.
    Failed,
}

/// Asks the authority about a token; called where a closed route is stale. It limits itself.
pub type Introspect =
    Box<dyn Fn(&str) -> Pin<Box<dyn Future<Output = Introspected> + Send>> + Send + Sync + 'static>;

impl State {
    /// No keys, nothing revoked, never fresh. `secret` is drawn at random at start and never stored: it keys the memory
    /// of seen tokens.
    #[must_use]
    pub fn new(expected: Expected, secret: &[u8; 32]) -> Self {
        Self {
            expected,
            view: ArcSwap::default(),
            fresh_as_of: AtomicI64::new(NEVER),
            served_stale: AtomicU64::new(0),
            seen: SeenTokens::new(SEEN_TOKENS, secret),
            clock: system_now,
            refetch: OnceLock::new(),
            introspect: OnceLock::new(),
            activity: OnceLock::new(),
        }
    }

    /// With another clock: seconds since the epoch.
    #[must_use]
    pub fn with_clock(mut self, clock: fn() -> i64) -> Self {
        self.clock = clock;
        self
    }

    /// With a way to ask for keys again. The first one given counts.
    pub fn on_unknown_key(&self, refetch: Refetch) {
        let _ = self.refetch.set(refetch);
    }

    /// With a way to ask about a token, for closed routes. The first one given counts.
    pub fn on_stale(&self, introspect: Introspect) {
        let _ = self.introspect.set(introspect);
    }

    /// From now on notes which sessions are used, for [`State::take_activity`].
    pub fn keep_activity(&self) {
        let _ = self.activity.set(Activity::default());
    }

    /// Takes at most so many sessions out that were used since they were last taken.
    #[must_use]
    pub fn take_activity(&self, at_most: usize) -> Vec<SessionUsed> {
        self.activity
            .get()
            .map_or_else(Vec::new, |activity| activity.take(at_most))
    }

    /// Puts back what could not be told.
    pub fn return_activity(&self, used: Vec<SessionUsed>) {
        if let Some(activity) = self.activity.get() {
            for SessionUsed { session, at } in used {
                activity.note(&session, at);
            }
        }
    }

    /// What is expected of every token.
    #[must_use]
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }

    /// Replaces the keys.
    pub fn set_keys(&self, keys: Keys) {
        let keys = Arc::new(keys.keeping(&self.view.load().keys));
        self.view.rcu(|old| View {
            keys: Arc::clone(&keys),
            revoked: Arc::clone(&old.revoked),
        });
    }

    /// Replaces what is revoked.
    pub fn set_revoked(&self, revoked: Revoked) {
        let revoked = Arc::new(revoked);
        self.view.rcu(|old| View {
            keys: Arc::clone(&old.keys),
            revoked: Arc::clone(&revoked),
        });
    }

    /// What is revoked is complete as of this second since the epoch.
    pub fn set_fresh(&self, as_of: i64) {
        self.fresh_as_of.fetch_max(as_of, Ordering::Relaxed);
    }

    /// The same by a clock that nobody sets: as of so many seconds ago, also where the wall clock was set meanwhile and
    /// that is earlier than what was said before.
    pub fn set_fresh_since(&self, seconds_ago: u64) {
        let as_of = self.now().saturating_sub_unsigned(seconds_ago);
        self.fresh_as_of.store(as_of, Ordering::Relaxed);
    }

    /// Nothing that was known of freshness holds any more.
    pub fn set_stale(&self) {
        self.fresh_as_of.store(NEVER, Ordering::Relaxed);
    }

    /// Seconds since what is revoked was known to be complete; `None`: never, or not any more.
    #[must_use]
    pub fn staleness(&self) -> Option<u64> {
        self.staleness_at(self.now())
    }

    /// The same at a second that was read already.
    pub(crate) fn staleness_at(&self, now: i64) -> Option<u64> {
        let as_of = self.fresh_as_of.load(Ordering::Relaxed);
        (as_of != NEVER).then(|| u64::try_from(now.saturating_sub(as_of)).unwrap_or_default())
    }

    /// How many requests were served while stale, on routes that stay open.
    #[must_use]
    pub fn served_stale(&self) -> u64 {
        self.served_stale.load(Ordering::Relaxed)
    }

    /// Whether there is a key at all.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.view.load().keys.is_empty()
    }

    pub(crate) fn count_stale(&self) {
        self.served_stale.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> i64 {
        (self.clock)()
    }

    pub(crate) fn verify(
        &self,
        token: &Token,
        expected: &Expected,
        requirement: &Requirement,
        now: i64,
    ) -> Result<Claims, Rejection> {
        let view = self.view.load();
        let terms = Terms {
            keys: &view.keys,
            expected,
            revoked: &view.revoked,
            now,
        };
        self.seen
            .sight(token.as_bytes(), || token.payload(), &terms, requirement)
    }

    pub(crate) fn note_activity(&self, claims: &Claims) {
        if let Some(activity) = self.activity.get()
            && let Some(session) = claims.session_id()
        {
            activity.note(session, self.now());
        }
    }

    /// `None`: there is nobody to ask.
    pub(crate) fn introspect(
        &self,
        token: &str,
    ) -> Option<Pin<Box<dyn Future<Output = Introspected> + Send>>> {
        self.introspect.get().map(|ask| ask(token))
    }

    /// `None`: there is nobody to ask.
    pub(crate) fn refetch(&self) -> Option<Pin<Box<dyn Future<Output = Refetched> + Send>>> {
        self.refetch.get().map(|ask| ask())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("expected", &self.expected)
            .field("staleness", &self.staleness())
            .finish_non_exhaustive()
    }
}
