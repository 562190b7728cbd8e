//! The machine for refresh tokens: cases R0 to D, first match wins.

use core::time::Duration;

use crate::activity::{self, Evidence};
use crate::deadline::over;
use crate::decide::{refused, refused_over, unchanged};
use crate::{
    Class, Decision, EndReason, Flags, Life, PlainPredecessor, Policy, PresentedAccessToken,
    ProducedBy, Refresh, RefreshAnswer, Refusal, Renewal, Session, Standing, Timestamp, Verdict,
    access,
};

/// Answers to the predecessor as concurrent, per generation and node.
const CONCURRENT_AT_MOST: u32 = 20;
/// Generations a token may be ahead of the store without a declared restore.
const AHEAD_AT_MOST: u64 = 8;

pub(crate) fn decide(
    session: &Session,
    user: &Standing,
    event: &Refresh<'_>,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let case = Case {
        session,
        user,
        event,
        now,
        policy,
    };
    let (presented, current) = (event.generation.0, session.generation.0);

    // R0: another client's token.
    if event
        .client
        .is_some_and(|client| client != &*session.client)
    {
        return refused(session, Refusal::ForeignClient);
    }
    // R1: authentic by its tag, impossible by what is stored.
    if case.key_leaked() {
        return refused(session, Refusal::KeyLeak);
    }
    // R2, R3: over, and only a token of generation c-1 or later may hear why.
    if let Some(over) = over(session, user, now, policy) {
        let disclose = presented.saturating_add(1) >= current;
        return unchanged(session, refused_over(over.reason, disclose));
    }
    if !policy.uses_refresh_token() {
        return refused(session, Refusal::WrongCredential);
    }
    let standing = case.classify();
    // Reuse is judged before anything below is asked for.
    if standing == Place::Reuse {
        let life = Life::Ended {
            reason: EndReason::ReuseDetected,
            at: now,
        };
        let next = Session {
            life,
            ..session.clone()
        };
        return Decision {
            verdict: Verdict::Refused(Refusal::Reuse),
            next,
        };
    }
    // Q: the policy wants the access token along.
    if policy.require_access_token {
        match event.access_token {
            PresentedAccessToken::Absent => return refused(session, Refusal::AccessTokenMissing),
            PresentedAccessToken::Foreign => return refused(session, Refusal::AccessTokenForeign),
            PresentedAccessToken::Authentic => {}
        }
    }
    match standing {
        Place::Coalesced => case.renewed_without_rotation(Class::Coalesced, session.clone()),
        Place::Rotate => case.rotate(),
        Place::Retry => case.renewed_without_rotation(Class::Retry, session.clone()),
        Place::Concurrent => case.renewed_without_rotation(Class::Concurrent, session.clone()),
        Place::Forgive => case.forgive(),
        Place::Spent => refused(session, Refusal::SpentToken),
        Place::TooMany => refused(session, Refusal::TooManyConcurrent),
        Place::Superseded => refused(session, Refusal::Superseded),
        Place::TooFarAhead => refused(session, Refusal::TooFarAhead),
        Place::Ahead => case.adopt(),
        Place::Reuse => refused(session, Refusal::Reuse),
    }
}

/// Where a presented token stands against the current generation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Coalesced,
    Rotate,
    Retry,
    Concurrent,
    TooMany,
    Forgive,
    Spent,
    Superseded,
    Reuse,
    Ahead,
    TooFarAhead,
}

struct Case<'a> {
    session: &'a Session,
    user: &'a Standing,
    event: &'a Refresh<'a>,
    now: Timestamp,
    policy: &'a Policy,
}

impl Case<'_> {
    fn key_leaked(&self) -> bool {
        let (session, event) = (self.session, self.event);
        if event.secret != session.secret {
            return true;
        }
        let (presented, current) = (event.generation, session.generation);
        if presented >= current && event.key < session.key {
            return true;
        }
        // After an adoption nobody knows which key signed the predecessor.
        presented.next() == current
            && event.key != session.previous_key
            && session.produced_by != ProducedBy::Adopted
    }

    fn classify(&self) -> Place {
        let (presented, current) = (self.event.generation.0, self.session.generation.0);
        if presented > current || (presented == current && self.event.key > self.session.key) {
            return self.ahead(presented - current);
        }
        if presented == current {
            return if self.age() < self.policy.min_rotation_interval || !self.policy.rotate {
                Place::Coalesced
            } else {
                Place::Rotate
            };
        }
        if presented + 1 == current {
            return self.predecessor();
        }
        let late_duplicate = presented + 2 == current
            && self.event.attempt.is_some()
            && self.event.attempt == self.session.predecessor_attempt;
        if late_duplicate || self.just_adopted() {
            Place::Superseded
        } else {
            Place::Reuse
        }
    }

    fn predecessor(&self) -> Place {
        let (session, event) = (self.session, self.event);
        if event.attempt.is_some() && session.produced_by.attempt() == event.attempt {
            return Place::Retry;
        }
        let strict = self.policy.min_rotation_interval.is_zero();
        if (!strict && self.age() <= self.policy.grace) || self.just_adopted() {
            return if event.concurrent_answers < CONCURRENT_AT_MOST {
                Place::Concurrent
            } else {
                Place::TooMany
            };
        }
        if session.flags.attempts_seen {
            return Place::Reuse;
        }
        match self.policy.plain_predecessor {
            PlainPredecessor::Revoke => Place::Reuse,
            PlainPredecessor::Deny => Place::Spent,
            PlainPredecessor::Forgive if self.forgave_the_one_before() => Place::Reuse,
            PlainPredecessor::Forgive => Place::Forgive,
        }
    }

    /// Two generations running are never forgiven; the same one may be, again (its answer may be lost again).
    fn forgave_the_one_before(&self) -> bool {
        self.session
            .forgiven
            .is_some_and(|forgiven| forgiven.next() == self.event.generation)
    }

    fn ahead(&self, by: u64) -> Place {
        if by > AHEAD_AT_MOST && !self.event.restore_declared {
            Place::TooFarAhead
        } else {
            Place::Ahead
        }
    }

    fn just_adopted(&self) -> bool {
        self.session.produced_by == ProducedBy::Adopted
            && self.age() < self.policy.min_rotation_interval
    }

    fn age(&self) -> Duration {
        self.now.since(self.session.rotated_at)
    }

    /// A2: generation c+1, and everything that a success renews.
    fn rotate(&self) -> Decision {
        let (session, event) = (self.session, self.event);
        let mut next = Session {
            generation: session.generation.next(),
            previous_key: session.key,
            key: session.key.max(event.newest_key),
            produced_by: event
                .attempt
                .map_or(ProducedBy::Unnamed, ProducedBy::Attempt),
            predecessor_attempt: session.produced_by.attempt(),
            rotated_at: self.now,
            flags: Flags {
                attempts_seen: session.flags.attempts_seen || event.attempt.is_some(),
                ..session.flags
            },
            ..session.clone()
        };
        next.succeed(self.evidence(), self.policy);
        self.renewed(Class::Rotated, next)
    }

    /// B3, forgiven: starts a new interval, so that the client's next renewal does not push its own requests, still under
    /// way with this token, two generations back. Only the first forgiveness of a generation does: repeating it would
    /// let a thief hold off rotation, and so its own discovery.
    fn forgive(&self) -> Decision {
        let session = self.session;
        let first = session.forgiven != Some(self.event.generation);
        let next = Session {
            forgiven: Some(self.event.generation),
            rotated_at: if first { self.now } else { session.rotated_at },
            ..session.clone()
        };
        self.renewed_without_rotation(Class::Forgiven, next)
    }

    /// A1, B1, B2, B3: the current generation, once more. Writes only what must be stored.
    fn renewed_without_rotation(&self, class: Class, mut next: Session) -> Decision {
        let evidence = self.evidence();
        let moved = activity::must_be_stored(self.session, evidence, self.now, self.policy);
        // Without rotation there is no other success from which a longer policy could count.
        let refreeze = !self.policy.rotate && !self.session.is_frozen_as(self.policy);
        if moved || refreeze {
            next.succeed(evidence, self.policy);
        }
        self.renewed(class, next)
    }

    /// D: the store lost an acknowledged write; the token is the witness.
    fn adopt(&self) -> Decision {
        let (session, event) = (self.session, self.event);
        let one_ahead = event.generation == session.generation.next();
        let mut next = Session {
            generation: event.generation,
            key: event.key,
            previous_key: session.key,
            produced_by: ProducedBy::Adopted,
            predecessor_attempt: session.produced_by.attempt().filter(|_| one_ahead),
            rotated_at: self.now,
            ..session.clone()
        };
        next.succeed(self.evidence(), self.policy);
        self.renewed(Class::Adopted, next)
    }

    fn evidence(&self) -> Evidence {
        activity::weigh(self.session, self.event.idle_for, self.now, self.policy)
    }

    fn renewed(&self, class: Class, next: Session) -> Decision {
        // The client has this very token, and a client that names its attempts need not be told again.
        let presented_again = matches!(class, Class::Coalesced | Class::Adopted);
        let refresh = Some(RefreshAnswer {
            generation: next.generation,
            key: next.key,
            in_body: !(presented_again && self.event.attempt.is_some()),
            set_cookie: !presented_again,
        });
        let active_at = next.active_at;
        let access = access::grant(&next, self.user, active_at, None, self.now, self.policy);
        let verdict = Verdict::Renewed(Renewal {
            class,
            refresh,
            access,
        });
        Decision { verdict, next }
    }
}
