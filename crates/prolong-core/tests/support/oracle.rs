//! The table of the state machine, written a second time, straight from `docs/reference/state-machine.md`: its lines in
//! their order, the first that matches counts, and times are plain milliseconds. It shares no rule with `decide`, which
//! is compared with it as a whole: the case, the tokens, and the session as it should be stored.

use core::time::Duration;

use prolong_core::{
    AccessGrant, Activity, Class, Decision, EndReason, Life, Limit, PlainPredecessor, Policy,
    PresentedAccessToken, ProducedBy, ProlongWith, Refresh, RefreshAnswer, Refusal, Renewal,
    RenewalHint, Session, Standing, Timestamp, Verdict,
};

/// A refresh token as it is presented, and everything that is known then.
pub(crate) struct Presented<'a> {
    pub(crate) row: &'a Session,
    pub(crate) user: &'a Standing,
    pub(crate) token: &'a Refresh<'a>,
    pub(crate) now: Timestamp,
    pub(crate) policy: &'a Policy,
}

/// What `decide` should come to.
pub(crate) fn expected(presented: &Presented<'_>) -> Decision {
    let case = presented.case();
    let next = presented.stored_after(case);
    let verdict = presented.verdict(case, &next);
    Decision { verdict, next }
}

struct Line {
    case: &'static str,
    when: fn(&Presented<'_>) -> bool,
}

const fn line(case: &'static str, when: fn(&Presented<'_>) -> bool) -> Line {
    Line { case, when }
}

/// Before anything of the generation counts.
const FIRST: [Line; 7] = [
    line("R0", |p| {
        p.token.client.is_some_and(|name| *name != *p.row.client)
    }),
    line("R1", |p| p.token.secret != p.row.secret),
    line("R1", |p| p.behind() <= 0 && p.token.key < p.row.key),
    // After an adoption the key of the predecessor is not known.
    line("R1", |p| {
        p.behind() == 1 && !p.adopted() && p.token.key != p.row.previous_key
    }),
    line("R2", |p| p.row.life != Life::Live),
    line("R3", |p| p.over().is_some()),
    line("wrong kind", |p| {
        p.policy.prolong_with != ProlongWith::RefreshToken
    }),
];

/// By generation. Where this comes to a reuse, nothing more is asked.
const THEN: [Line; 16] = [
    line("A1", |p| p.is_current() && !p.policy.rotate),
    line("A1", |p| p.is_current() && p.age() < p.rho()),
    line("A2", |p| p.is_current() && p.age() >= p.rho()),
    line("B1", |p| p.behind() == 1 && p.by_the_attempt_of_current()),
    line("B2:too-many", |p| {
        p.behind() == 1 && p.tolerated() && p.token.concurrent_answers >= 20
    }),
    line("B2", |p| p.behind() == 1 && p.tolerated()),
    line("B3:reuse", |p| p.behind() == 1 && p.row.flags.attempts_seen),
    line("B3:reuse", |p| {
        p.behind() == 1 && p.policy.plain_predecessor == PlainPredecessor::Revoke
    }),
    line("B3:denied", |p| {
        p.behind() == 1 && p.policy.plain_predecessor == PlainPredecessor::Deny
    }),
    line("B3:reuse", |p| p.behind() == 1 && p.forgiven_running()),
    line("B3:forgiven", |p| p.behind() == 1),
    line("C1", |p| {
        p.behind() == 2 && p.by_the_attempt_of_predecessor()
    }),
    line("C1", |p| p.behind() >= 2 && p.calm()),
    line("C2", |p| p.behind() >= 2),
    line("D:too-far", |p| {
        p.behind() < -8 && !p.token.restore_declared
    }),
    line("D", |_| true),
];

impl Presented<'_> {
    fn case(&self) -> &'static str {
        let first = |lines: &[Line]| {
            let found = lines.iter().find(|line| (line.when)(self));
            found.map(|line| line.case)
        };
        if let Some(case) = first(&FIRST) {
            return case;
        }
        let case = first(&THEN).unwrap();
        if ends(case) || !self.policy.require_access_token {
            return case;
        }
        match self.token.access_token {
            PresentedAccessToken::Absent => "Q:missing",
            PresentedAccessToken::Foreign => "Q:foreign",
            PresentedAccessToken::Authentic => case,
        }
    }

    /// c − g.
    fn behind(&self) -> i128 {
        i128::from(self.row.generation.0) - i128::from(self.token.generation.0)
    }

    /// g = c, by the key of the row; by a newer one it is ahead of the store.
    fn is_current(&self) -> bool {
        self.behind() == 0 && self.token.key == self.row.key
    }

    fn age(&self) -> i64 {
        (self.now.as_millis() - self.row.rotated_at.as_millis()).max(0)
    }

    fn rho(&self) -> i64 {
        span(self.policy.min_rotation_interval)
    }

    fn adopted(&self) -> bool {
        self.row.produced_by == ProducedBy::Adopted
    }

    /// Just after an adoption.
    fn calm(&self) -> bool {
        self.adopted() && self.age() < self.rho()
    }

    fn tolerated(&self) -> bool {
        let grace = span(self.policy.grace);
        (self.rho() > 0 && self.age() <= grace) || self.calm()
    }

    fn by_the_attempt_of_current(&self) -> bool {
        match (self.row.produced_by, self.token.attempt) {
            (ProducedBy::Attempt(one), Some(other)) => one == other,
            _ => false,
        }
    }

    fn by_the_attempt_of_predecessor(&self) -> bool {
        match (self.row.predecessor_attempt, self.token.attempt) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        }
    }

    fn forgiven_running(&self) -> bool {
        let before = self.token.generation.0.checked_sub(1);
        before.is_some() && self.row.forgiven.map(|g| g.0) == before
    }

    /// The first reason that holds, of those that are not stored.
    fn over(&self) -> Option<EndReason> {
        use EndReason::{
            IdleTimeout, LifetimeReached, ReauthRequired, SignInTooOld, UserDeleted, UserDisabled,
            VersionRaised,
        };
        let [idle, absolute, sign_in] = deadlines(self.row, self.user, self.policy);
        let passed = |end: Option<i64>| end.is_some_and(|end| self.now.as_millis() >= end);
        let reasons = [
            (IdleTimeout, passed(idle)),
            (LifetimeReached, passed(absolute)),
            (UserDeleted, self.user.deleted),
            (UserDisabled, self.user.disabled),
            (VersionRaised, self.row.version < self.user.version),
            (
                ReauthRequired,
                self.user.reauth_at > Some(self.row.authenticated_at),
            ),
            (SignInTooOld, passed(sign_in)),
        ];
        reasons
            .iter()
            .find(|(_, holds)| *holds)
            .map(|(why, _)| *why)
    }

    fn stored_after(&self, case: &str) -> Session {
        let (row, token) = (self.row, self.token);
        let mut next = row.clone();
        match case {
            _ if ends(case) => {
                next.life = Life::Ended {
                    reason: EndReason::ReuseDetected,
                    at: self.now,
                };
            }
            "A2" => {
                next.generation.0 += 1;
                next.previous_key = row.key;
                next.key = row.key.max(token.newest_key);
                next.predecessor_attempt = attempt_of(row);
                next.produced_by = match token.attempt {
                    Some(hash) => ProducedBy::Attempt(hash),
                    None => ProducedBy::Unnamed,
                };
                next.flags.attempts_seen |= token.attempt.is_some();
                next.rotated_at = self.now;
                self.renew(&mut next);
            }
            "D" => {
                next.generation = token.generation;
                next.previous_key = row.key;
                next.key = token.key;
                let one_ahead = self.behind() == -1;
                next.predecessor_attempt = if one_ahead { attempt_of(row) } else { None };
                next.produced_by = ProducedBy::Adopted;
                next.rotated_at = self.now;
                self.renew(&mut next);
            }
            "A1" | "B1" | "B2" | "B3:forgiven" => {
                if case == "B3:forgiven" && row.forgiven != Some(token.generation) {
                    next.forgiven = Some(token.generation);
                    next.rotated_at = self.now;
                }
                if self.worth_storing() {
                    self.renew(&mut next);
                }
            }
            _ => {}
        }
        next
    }

    /// What each stored success brings.
    fn renew(&self, next: &mut Session) {
        next.active_at = self.active_at();
        next.flags.evidence_seen |= self.token.idle_for.is_some();
        next.idle = self.policy.idle;
        next.absolute_end = self.policy.lifetime.end(next.started_at);
    }

    fn active_at(&self) -> Timestamp {
        let said = self.token.idle_for.map(|idle| self.now.minus(idle));
        let seen = match (self.policy.activity, said) {
            (Activity::Renewal, _) => self.now,
            (Activity::Person | Activity::PersonOnly, Some(said)) => said,
            (Activity::Person, None) if !self.row.flags.evidence_seen => self.now,
            _ => self.row.active_at,
        };
        seen.max(self.row.active_at)
    }

    /// Without a new generation: activity that moved far enough, that is needed, or the first that is reported.
    fn worth_storing(&self) -> bool {
        let (row, policy) = (self.row, self.policy);
        if self.token.idle_for.is_some() && !row.flags.evidence_seen {
            return true;
        }
        let longer = policy.lifetime.end(row.started_at) != row.absolute_end;
        if !policy.rotate && (longer || row.idle != policy.idle) {
            return true;
        }
        let moved = self.active_at().as_millis() - row.active_at.as_millis();
        let idle = millis(row.idle)
            .into_iter()
            .chain(millis(policy.idle))
            .min();
        let Some(idle) = idle else {
            return moved >= 60_000;
        };
        let left = row.active_at.as_millis() + idle - self.now.as_millis();
        let access = span(policy.access);
        // Sixteenths, so that nothing is rounded.
        let far = moved >= 60_000 || moved * 16 >= idle;
        moved > 0 && (far || left < 60_000 || left < access)
    }

    fn verdict(&self, case: &str, next: &Session) -> Verdict {
        let told = self.behind() <= 1;
        let over = |reason| Refusal::Over {
            reason,
            disclose: told,
        };
        let class = match case {
            "A1" => Class::Coalesced,
            "A2" => Class::Rotated,
            "B1" => Class::Retry,
            "B2" => Class::Concurrent,
            "B3:forgiven" => Class::Forgiven,
            "D" => Class::Adopted,
            _ => {
                return Verdict::Refused(match case {
                    "R0" => Refusal::ForeignClient,
                    "R1" => Refusal::KeyLeak,
                    "R2" => match self.row.life {
                        Life::Ended { reason, .. } => over(reason),
                        Life::Live => unreachable!(),
                    },
                    "R3" => over(self.over().unwrap()),
                    "wrong kind" => Refusal::WrongCredential,
                    "B2:too-many" => Refusal::TooManyConcurrent,
                    "B3:denied" => Refusal::SpentToken,
                    "B3:reuse" | "C2" => Refusal::Reuse,
                    "C1" => Refusal::Superseded,
                    "D:too-far" => Refusal::TooFarAhead,
                    "Q:missing" => Refusal::AccessTokenMissing,
                    "Q:foreign" => Refusal::AccessTokenForeign,
                    other => panic!("{other}"),
                });
            }
        };
        let has_it = matches!(case, "A1" | "D");
        let refresh = Some(RefreshAnswer {
            generation: next.generation,
            key: next.key,
            in_body: !has_it || self.token.attempt.is_none(),
            set_cookie: !has_it,
        });
        let access = self.access(next);
        Verdict::Renewed(Renewal {
            class,
            refresh,
            access,
        })
    }

    /// exp = min(now + access, active + idle, absolute end), in whole seconds; softexp ≤ exp.
    fn access(&self, next: &Session) -> AccessGrant {
        let [idle, absolute, sign_in] = deadlines(next, self.user, self.policy);
        let now = self.now.as_millis();
        let full = now + span(self.policy.access);
        let deadline = [idle, absolute, sign_in].into_iter().flatten().min();
        let end = deadline.unwrap_or(i64::MAX);
        let (issued, expires) = (now.div_euclid(1_000), full.min(end).div_euclid(1_000));
        let soft = self.policy.soft.map(|soft| {
            let soft = (now + span(soft)).div_euclid(1_000);
            soft.min(expires)
        });
        let hint = if end < full {
            RenewalHint::Absent
        } else {
            RenewalHint::After {
                life: Duration::from_secs(u64::try_from(expires - issued).unwrap_or(0)),
                at_most: self.policy.renew_every,
            }
        };
        AccessGrant {
            issued_at: Timestamp::from_secs(issued),
            expires_at: Timestamp::from_secs(expires),
            soft_expires_at: soft.map(Timestamp::from_secs),
            hint,
            idle_end: idle.map(Timestamp::from_millis),
            absolute_end: absolute.map(Timestamp::from_millis),
        }
    }
}

fn ends(case: &str) -> bool {
    matches!(case, "B3:reuse" | "C2")
}

fn attempt_of(row: &Session) -> Option<prolong_core::AttemptHash> {
    match row.produced_by {
        ProducedBy::Attempt(hash) => Some(hash),
        ProducedBy::Unnamed | ProducedBy::Adopted => None,
    }
}

/// Idle, absolute, last sign-in: the frozen one or the policy's, whichever is sooner.
pub(crate) fn deadlines(row: &Session, user: &Standing, policy: &Policy) -> [Option<i64>; 3] {
    let sooner = |one: Option<i64>, other: Option<i64>| one.into_iter().chain(other).min();
    let (active, started) = (row.active_at.as_millis(), row.started_at.as_millis());
    let idle = sooner(millis(row.idle), millis(policy.idle)).map(|idle| active + idle);
    let frozen = row.absolute_end.map(Timestamp::as_millis);
    let absolute = sooner(frozen, millis(policy.lifetime).map(|life| started + life));
    let sign_in = policy.sign_in_within.map(|within| {
        let last = user.last_sign_in.map_or(0, Timestamp::as_millis);
        last + span(within)
    });
    [idle, absolute, sign_in]
}

fn millis(limit: Limit) -> Option<i64> {
    match limit {
        Limit::After(limit) => Some(span(limit)),
        Limit::Never => None,
    }
}

fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}
