//! What moves the idle deadline.

use core::time::Duration;

use crate::deadline::{idle, idle_end};
use crate::{Activity, Limit, Policy, Session, Timestamp};

/// What a prolongation proves about the person: when they were last active, and whether the client reports activity.
#[derive(Clone, Copy)]
pub(crate) struct Evidence {
    pub(crate) active_at: Timestamp,
    pub(crate) evidence_seen: bool,
}

/// Weighs a prolongation at `now` that may say how long the person has been idle. `active_at` never goes back.
pub(crate) fn weigh(
    session: &Session,
    idle_for: Option<Duration>,
    now: Timestamp,
    policy: &Policy,
) -> Evidence {
    let unmoved = session.active_at;
    let reported = idle_for.map(|idle| now.minus(idle));
    let evidence_seen = session.flags.evidence_seen || reported.is_some();
    let seen = match policy.activity {
        Activity::Person => match reported {
            Some(at) => at,
            None if session.flags.evidence_seen => unmoved,
            None => now,
        },
        Activity::PersonOnly => reported.unwrap_or(unmoved),
        Activity::Renewal => now,
        Activity::Request => unmoved,
    };
    Evidence {
        active_at: unmoved.max(seen.min(now)),
        evidence_seen,
    }
}

/// Whether a token justified by `active_at` would live past the idle deadline that is stored. Then the activity is
/// stored whatever it costs: the token must not outlive its session, and must not be cut to the older deadline.
pub(crate) fn outlives_stored_deadline(
    session: &Session,
    active_at: Timestamp,
    now: Timestamp,
    policy: &Policy,
) -> bool {
    active_at > session.active_at
        && idle_end(session, session.active_at, policy)
            .is_some_and(|end| now.plus(policy.access) > end)
}

/// Whether a prolongation without a rotation stores what it learnt: activity worth a write, or needed by the token;
/// and the first report of activity, since from then on a renewal without one no longer counts.
pub(crate) fn must_be_stored(
    session: &Session,
    evidence: Evidence,
    now: Timestamp,
    policy: &Policy,
) -> bool {
    evidence.evidence_seen != session.flags.evidence_seen
        || worth_a_write(session, evidence.active_at, idle(session, policy), now)
        || outlives_stored_deadline(session, evidence.active_at, now, policy)
}

/// Whether activity that moved from the stored point to `active_at` is worth a write of its own: it moved by
/// min(60 s, idle/16) or more, or under a minute is left.
pub(crate) fn worth_a_write(
    session: &Session,
    active_at: Timestamp,
    idle: Limit,
    now: Timestamp,
) -> bool {
    let Limit::After(idle) = idle else {
        return active_at.since(session.active_at) >= MINUTE;
    };
    if active_at <= session.active_at {
        return false;
    }
    let left = session.active_at.plus(idle).since(now);
    active_at.since(session.active_at) >= MINUTE.min(idle / 16) || left < MINUTE
}

const MINUTE: Duration = Duration::from_mins(1);
