//! The cap on a user's sessions.

use crate::deadline::over;
use crate::{Action, Policy, Session, SessionId, Standing, Timestamp, WhenFull};

/// What the cap says to one more session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CapVerdict {
    /// It may start, once these have ended (`displaced`): the least recently active ones.
    StartAfterEnding(Vec<SessionId>),
    /// The cap is reached, and the policy refuses.
    Refused,
}

/// Makes room for one more session of a user. Only live sessions count, and those that a
/// reauthentication or this very sign-in would bring back; `policy_of` gives each session its policy.
#[must_use]
pub fn make_room<'p>(
    sessions: &[Session],
    user: &Standing,
    now: Timestamp,
    policy: &Policy,
    policy_of: impl Fn(&Session) -> &'p Policy,
) -> CapVerdict {
    let Some(cap) = policy.sessions_per_user else {
        return CapVerdict::StartAfterEnding(Vec::new());
    };
    let mut live: Vec<&Session> = sessions
        .iter()
        .filter(|session| may_go_on(session, user, now, policy_of(session)))
        .collect();
    let cap = usize::try_from(cap.get()).unwrap_or(usize::MAX);
    let excess = (live.len() + 1).saturating_sub(cap);
    if excess > 0 && policy.when_full == WhenFull::Refuse {
        return CapVerdict::Refused;
    }
    live.sort_by_key(|session| (session.active_at, session.id));
    CapVerdict::StartAfterEnding(live.iter().take(excess).map(|session| session.id).collect())
}

fn may_go_on(session: &Session, user: &Standing, now: Timestamp, policy: &Policy) -> bool {
    over(session, user, now, policy)
        .is_none_or(|over| over.reason.action() == Action::Reauthenticate)
}
