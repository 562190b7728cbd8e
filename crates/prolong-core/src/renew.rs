//! The machine for access tokens: no rotation of a secret, and so no reuse detection; a finite lifetime instead.

use crate::deadline::over;
use crate::decide::{refused, refused_over, unchanged};
use crate::{
    Class, Decision, Policy, ProducedBy, ProlongWith, Refusal, Renew, Renewal, Session, Standing,
    Timestamp, Verdict, access, activity,
};

pub(crate) fn decide(
    session: &Session,
    user: &Standing,
    event: &Renew,
    now: Timestamp,
    policy: &Policy,
) -> Decision {
    if let Some(over) = over(session, user, now, policy) {
        return unchanged(session, refused_over(over.reason, true));
    }
    if policy.uses_refresh_token() {
        return refused(session, Refusal::WrongCredential);
    }
    if now >= event.expires_at.plus(policy.accept_expired) {
        return refused(session, Refusal::AccessTokenTooOld);
    }
    // A client whose answer was lost still holds the generation before.
    if policy.supersede
        && event
            .generation
            .is_some_and(|g| g.next() < session.generation)
    {
        return refused(session, Refusal::AccessTokenSuperseded);
    }
    if event.by_request && !due(event, now) {
        return refused(session, Refusal::NotDue);
    }
    let evidence = if policy.activity == crate::Activity::Request {
        let active_at = if event.by_request {
            now.max(session.active_at)
        } else {
            session.active_at
        };
        activity::Evidence {
            active_at,
            evidence_seen: session.flags.evidence_seen,
        }
    } else {
        activity::weigh(session, event.idle_for, now, policy)
    };
    let mut next = session.clone();
    let turn = now.since(session.rotated_at) >= policy.min_rotation_interval;
    if policy.supersede {
        // A generation ahead of the store was acknowledged and then lost: it must not be given out a second time.
        let newest = event
            .generation
            .map_or(session.generation, |g| g.max(session.generation));
        next.generation = if turn { newest.next() } else { newest };
        if next.generation > session.generation {
            // Under an earlier policy the session may have had a refresh token: it is of the generation before, now.
            next.previous_key = session.key;
            next.predecessor_attempt = session.produced_by.attempt();
            next.produced_by = ProducedBy::Unnamed;
        }
    }
    if turn || activity::must_be_stored(session, evidence, now, policy) {
        next.succeed(evidence, policy);
    }
    if turn {
        next.rotated_at = now;
    }
    let access = access::grant(&next, user, next.active_at, event.expires_in, now, policy);
    let renewal = Renewal {
        class: Class::AccessToken,
        refresh: None,
        access,
    };
    Decision {
        verdict: Verdict::Renewed(renewal),
        next,
    }
}

/// From half of the token's life on.
fn due(event: &Renew, now: Timestamp) -> bool {
    let life = event.expires_at.since(event.issued_at);
    now >= event.issued_at.plus(life / 2)
}

impl Policy {
    /// Whether sessions under this policy have a refresh token.
    #[must_use]
    pub fn uses_refresh_token(&self) -> bool {
        self.prolong_with == ProlongWith::RefreshToken
    }
}
