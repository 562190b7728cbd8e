//! How long an access token may live: never longer than its session.

use core::time::Duration;

use crate::deadline::{absolute_end, earliest, idle_end, sign_in_end};
use crate::{Policy, Session, Standing, Timestamp};

/// The access token to mint. Times are whole seconds, rounded down, so that no token outlives its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessGrant {
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `softexp`, where the policy has one; never after `exp`.
    pub soft_expires_at: Option<Timestamp>,
    /// When to renew.
    pub hint: RenewalHint,
    /// The idle deadline after this answer; `None`: never.
    pub idle_end: Option<Timestamp>,
    /// The absolute end; `None`: never.
    pub absolute_end: Option<Timestamp>,
}

/// When the client should renew. The jitter is drawn outside the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalHint {
    /// Between 0.6 and 0.9 of this span from now, and within `at_most`.
    After {
        /// The life of the access token.
        life: Duration,
        /// The policy's `renew_every`.
        at_most: Option<Duration>,
    },
    /// A deadline of the session and not `access` limits the token: renewing by itself gains nothing.
    Absent,
}

/// The access token for `session` at `now`, with activity up to `active_at`; `shorten` can only shorten it.
pub(crate) fn grant(
    session: &Session,
    user: &Standing,
    active_at: Timestamp,
    shorten: Option<Duration>,
    now: Timestamp,
    policy: &Policy,
) -> AccessGrant {
    let issued_at = now.floor_to_second();
    let wanted = shorten.map_or(policy.access, |span| span.min(policy.access));
    let by_access = now.plus(wanted);
    let idle_end = idle_end(session, active_at, policy);
    let absolute_end = absolute_end(session, policy);
    let deadline = earliest([idle_end, absolute_end, sign_in_end(user, policy)]);
    let expires_at = deadline
        .map_or(by_access, |end| end.min(by_access))
        .floor_to_second();
    let soft_expires_at = policy
        .soft
        .map(|soft| now.plus(soft).min(expires_at).floor_to_second());
    let hint = if deadline.is_some_and(|end| end < by_access) {
        RenewalHint::Absent
    } else {
        RenewalHint::After {
            life: expires_at.since(issued_at),
            at_most: policy.renew_every,
        }
    };
    AccessGrant {
        issued_at,
        expires_at,
        soft_expires_at,
        hint,
        idle_end,
        absolute_end,
    }
}
