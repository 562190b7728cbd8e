//! The one place where a session's fate is decided.

use crate::deadline::over;
use crate::{
    AccessGrant, Class, Decision, EndReason, Event, Life, Policy, RefreshAnswer, Refusal, Renewal,
    Session, Standing, Timestamp, Verdict, access, refresh, renew,
};

/// Decides what `event` does to `session` at `now`. Total: every input has a decision, and nothing can fail.
///
/// `user` is the standing of the session's user, read together with the session. What is decided takes effect by storing
/// [`Decision::next`] with one compare-and-swap against the session that was given here.
#[must_use]
pub fn decide(
    session: &Session,
    user: &Standing,
    event: &Event<'_>,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    match event {
        Event::Refresh(refresh) => refresh::decide(session, user, refresh, now, policy),
        Event::Renew(renew) => renew::decide(session, user, renew, now, policy),
        Event::RequestSeen(at) => request_seen(session, user, (*at).min(now), now, policy),
        Event::Reauthenticated => reauthenticated(session, user, now, policy),
        Event::End(reason) => end(session, *reason, now),
    }
}

fn request_seen(
    session: &Session,
    user: &Standing,
    at: Timestamp,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let live = over(session, user, now, policy).is_none();
    if live && policy.activity == crate::Activity::Request && at > session.active_at {
        let next = Session {
            active_at: at.max(session.active_at),
            ..session.clone()
        };
        return Decision {
            verdict: Verdict::Noted,
            next,
        };
    }
    unchanged(session, Verdict::Noted)
}

/// Moves `auth_time` and the idle deadline; the absolute lifetime still counts from sign-in. Refused where something else
/// than a due reauthentication stands in the way.
fn reauthenticated(
    session: &Session,
    user: &Standing,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    let user = Standing {
        last_sign_in: Some(now),
        ..*user
    };
    let authenticated_at = now.max(session.authenticated_at);
    let next = Session {
        authenticated_at,
        ..session.clone()
    };
    if let Some(over) = over(&next, &user, now, policy) {
        return unchanged(session, refused_over(over.reason, true));
    }
    let mut next = Session {
        active_at: now.max(session.active_at),
        ..next
    };
    next.freeze(policy);
    let verdict = Verdict::Renewed(signed_in(&next, &user, now, policy));
    Decision { verdict, next }
}

fn end(session: &Session, reason: EndReason, now: Timestamp) -> Decision {
    match session.life {
        Life::Ended { reason, .. } => unchanged(session, refused_over(reason, true)),
        Life::Live => Decision {
            verdict: Verdict::Ended(reason),
            next: Session {
                life: Life::Ended { reason, at: now },
                ..session.clone()
            },
        },
    }
}

impl Session {
    /// The first tokens of a session that has just started (its user's `last_sign_in` is now), or that was just
    /// reauthenticated.
    #[must_use]
    pub fn first_tokens(&self, user: &Standing, now: Timestamp, policy: &Policy) -> Renewal {
        signed_in(self, user, now, policy)
    }
}

fn signed_in(session: &Session, user: &Standing, now: Timestamp, policy: &Policy) -> Renewal {
    let access: AccessGrant = access::grant(session, user, session.active_at, None, now, policy);
    let refresh = policy.uses_refresh_token().then_some(RefreshAnswer {
        generation: session.generation,
        key: session.key,
        in_body: true,
        set_cookie: true,
    });
    Renewal {
        class: Class::SignIn,
        refresh,
        access,
    }
}

pub(crate) fn unchanged(session: &Session, verdict: Verdict) -> Decision {
    Decision {
        verdict,
        next: session.clone(),
    }
}

pub(crate) fn refused(session: &Session, refusal: Refusal) -> Decision {
    unchanged(session, Verdict::Refused(refusal))
}

pub(crate) fn refused_over(reason: EndReason, disclose: bool) -> Verdict {
    Verdict::Refused(Refusal::Over { reason, disclose })
}
