//! A route's rules, and the layer that carries them.

use std::sync::Arc;

use http::{HeaderName, Request};
use tower::Layer;

use super::{credentials::Token, response::Refusal, service::Access};
use crate::{
    claims::Claims,
    expected::{Expected, SoftExpiry},
    rejection::Rejection,
    requirement::{Caller, Requirement},
    state::State,
};

const ACTIVITY: HeaderName = HeaderName::from_static("prolong-activity");
/// From how many seconds on revocations count as stale.
const STALE_AFTER: u64 = 5;
/// Under [`Staleness::Shrink`], tokens younger than so many seconds are still accepted.
const YOUNG: i64 = 120;

/// What to do when the revocations may be incomplete: the feed was last known to be at its head over 5 s ago.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Staleness {
    /// Serve, and count it in [`State::served_stale`].
    #[default]
    Open,
    /// Serve tokens issued less than 120 s ago; others are told to renew.
    Shrink,
    /// Ask the authority about each token (RFC 7662); where it cannot be asked, serve nobody: 503 with `Retry-After`.
    Closed,
}

/// Lets requests through only with a good access token; see the rule in this module's documentation.
#[derive(Clone, Debug)]
pub struct AccessLayer {
    state: Arc<State>,
    rules: Arc<Rules>,
}

#[derive(Clone, Debug)]
pub(super) struct Rules {
    expected: Expected,
    pub(super) requirement: Requirement,
    staleness: Staleness,
    pub(super) optional: bool,
    background: bool,
}

/// What the rules come to without asking anybody.
pub(super) enum Judged {
    /// It is served.
    Good(Claims),
    /// It is good as far as is known here, and the authority must be asked.
    Ask(Claims),
}

impl AccessLayer {
    /// A user's good token, and nothing more.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        let rules = Rules {
            expected: state.expected().clone(),
            requirement: Requirement::default(),
            staleness: Staleness::default(),
            optional: false,
            background: false,
        };
        Self {
            state,
            rules: Arc::new(rules),
        }
    }

    /// Replaces everything that the route asks beyond a good token.
    #[must_use]
    pub fn require(self, requirement: Requirement) -> Self {
        self.change(|rules| rules.requirement = requirement)
    }

    /// Also asks for this scope: printable ASCII without space, `"` and `\` (RFC 6749 §3.3).
    #[must_use]
    pub fn scope(self, scope: impl Into<String>) -> Self {
        let scope = scope.into();
        self.change(|rules| rules.requirement.scopes.push(scope))
    }

    /// Also asks for a sign-in less than so many seconds ago (RFC 9470).
    #[must_use]
    pub fn max_age(self, seconds: u32) -> Self {
        self.change(|rules| rules.requirement.max_age = Some(seconds))
    }

    /// Whose token it may be: a user's, unless this says otherwise.
    #[must_use]
    pub fn caller(self, caller: Caller) -> Self {
        self.change(|rules| rules.requirement.caller = caller)
    }

    /// What a stale feed means here.
    #[must_use]
    pub fn staleness(self, staleness: Staleness) -> Self {
        self.change(|rules| rules.staleness = staleness)
    }

    /// What a passed soft expiry means here.
    #[must_use]
    pub fn soft_expiry(self, soft_expiry: SoftExpiry) -> Self {
        self.change(|rules| rules.expected.soft_expiry = soft_expiry)
    }

    /// Lets requests without credentials pass, without claims. Bad credentials are refused still.
    #[must_use]
    pub fn optional(self) -> Self {
        self.change(|rules| rules.optional = true)
    }

    /// Requests here do not count as activity of a person: polling, prefetching, health of a page. A single request is
    /// marked so by `Prolong-Activity: background`.
    #[must_use]
    pub fn background(self) -> Self {
        self.change(|rules| rules.background = true)
    }

    fn change(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access::new(inner, Arc::clone(&self.state), Arc::clone(&self.rules))
    }
}

impl Rules {
    /// Whose tokens are expected: it documents the problems, too.
    pub(super) fn issuer(&self) -> &str {
        &self.expected.issuer
    }

    /// Conditions 2 to 4. What is known here comes first: it needs neither feed nor authority.
    pub(super) fn judge(&self, state: &State, token: &Token) -> Result<Judged, Refusal> {
        let now = state.now();
        let claims = state
            .verify(token, &self.expected, &self.requirement, now)
            .map_err(Refusal::Token)?;
        if state
            .staleness_at(now)
            .is_none_or(|seconds| seconds > STALE_AFTER)
        {
            match self.staleness {
                Staleness::Open => state.count_stale(),
                Staleness::Shrink if now.saturating_sub(claims.issued_at()) < YOUNG => {}
                Staleness::Shrink => return Err(Refusal::Token(Rejection::SoftExpired)),
                Staleness::Closed => return Ok(Judged::Ask(claims)),
            }
        }
        Ok(Judged::Good(claims))
    }

    /// Whether a request that is served counts as activity of its session.
    pub(super) fn counts<B>(&self, request: &Request<B>) -> bool {
        !self.background
            && request
                .headers()
                .get(ACTIVITY)
                .is_none_or(|value| !value.as_bytes().eq_ignore_ascii_case(b"background"))
    }
}
