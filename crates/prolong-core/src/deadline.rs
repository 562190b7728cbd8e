//! When a session is over. Computed from what is stored, never written, so that a wrong clock can be put right.

use crate::{EndReason, Life, Limit, Policy, Session, Standing, Timestamp};

/// A session that is over: why, and since when where that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Over {
    /// The first reason that holds.
    pub reason: EndReason,
    /// Since when; `None` where only the fact is known (a user's state).
    pub since: Option<Timestamp>,
}

/// Whether, and why, a session may not go on at `now`. Where several reasons hold, the first counts: the stored end,
/// idle timeout, lifetime, user deleted, user disabled, version raised, reauthentication due, sign-in too old.
/// Every limit is half-open: at its end, it is over.
#[must_use]
pub fn over(session: &Session, user: &Standing, now: Timestamp, policy: &Policy) -> Option<Over> {
    if let Life::Ended { reason, at } = session.life {
        return Some(Over {
            reason,
            since: Some(at),
        });
    }
    let passed = |end: Option<Timestamp>| end.filter(|end| now >= *end);
    let because = |reason, since| Some(Over { reason, since });
    if let Some(end) = passed(idle_end(session, session.active_at, policy)) {
        return because(EndReason::IdleTimeout, Some(end));
    }
    if let Some(end) = passed(absolute_end(session, policy)) {
        return because(EndReason::LifetimeReached, Some(end));
    }
    if user.deleted {
        return because(EndReason::UserDeleted, None);
    }
    if user.disabled {
        return because(EndReason::UserDisabled, None);
    }
    if session.version < user.version {
        return because(EndReason::VersionRaised, None);
    }
    if let Some(at) = user.reauth_at.filter(|at| session.authenticated_at < *at) {
        return because(EndReason::ReauthRequired, Some(at));
    }
    if let Some(end) = passed(sign_in_end(user, policy)) {
        return because(EndReason::SignInTooOld, Some(end));
    }
    None
}

/// The idle deadline counted from `active_at`: the shorter of the frozen timeout and the policy's.
pub(crate) fn idle_end(
    session: &Session,
    active_at: Timestamp,
    policy: &Policy,
) -> Option<Timestamp> {
    idle(session, policy).end(active_at)
}

/// The idle timeout in force: a policy that got shorter bites at once, one that got longer from the next success.
pub(crate) fn idle(session: &Session, policy: &Policy) -> Limit {
    session.idle.min(policy.idle)
}

/// The absolute end in force, in the same way.
pub(crate) fn absolute_end(session: &Session, policy: &Policy) -> Option<Timestamp> {
    earliest([
        session.absolute_end,
        policy.lifetime.end(session.started_at),
    ])
}

/// When the user's last sign-in becomes too old, where the policy says so. A user who never signed in has no sign-in
/// that could be recent, so the limit counts from the epoch.
pub(crate) fn sign_in_end(user: &Standing, policy: &Policy) -> Option<Timestamp> {
    policy
        .sign_in_within
        .map(|within| user.last_sign_in.unwrap_or(Timestamp::EPOCH).plus(within))
}

pub(crate) fn earliest<const N: usize>(ends: [Option<Timestamp>; N]) -> Option<Timestamp> {
    ends.into_iter().flatten().min()
}
