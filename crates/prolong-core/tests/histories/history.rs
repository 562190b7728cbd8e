//! One history: a session, what happens to it, and what must hold after each step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prolong_core::{
    AccessGrant, Activity, Class, Decision, EndReason, Event, Generation, KeyId, Life, Limit,
    Policy, PresentedAccessToken, ProducedBy, Refresh, Refusal, Renew, Renewal, SecretHash,
    Session, Standing, Timestamp, Verdict, decide, over,
};

use crate::case::case;
use crate::oracle::{Presented, deadlines, expected};
use crate::support::{at, refresh, secs, start, user};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Moves the clock by so many milliseconds; it may be put back.
    Clock(i64),
    Present(Token),
    Renew(AccessToken),
    /// A request seen so many seconds ago; one of the future is taken for now.
    RequestSeen(i64),
    Reauthenticate,
    End(EndReason),
    User(Change),
    /// A newer refresh-token key takes over.
    NewKey,
    /// Deadlines ten times as long.
    Longer,
    /// Deadlines half as long.
    Shorter,
    Policy(Box<Policy>),
}

/// A refresh token, presented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// Generation c − back; negative: ahead of the store.
    pub(crate) back: i8,
    pub(crate) attempt: Option<u8>,
    /// A report of so many idle seconds.
    pub(crate) idle: Option<u16>,
    pub(crate) signed: Signed,
    pub(crate) own_secret: bool,
    pub(crate) client: Option<&'static str>,
    #[expect(clippy::struct_field_names, reason = "another token, that comes along")]
    pub(crate) access_token: PresentedAccessToken,
    pub(crate) concurrent: u32,
    pub(crate) restore: bool,
}

/// The key of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    AsHanded,
    Older,
    Newer,
}

impl Token {
    pub(crate) const fn new(back: i8, attempt: Option<u8>) -> Self {
        Self {
            back,
            attempt,
            idle: None,
            signed: Signed::AsHanded,
            own_secret: true,
            client: None,
            access_token: PresentedAccessToken::Authentic,
            concurrent: 0,
            restore: false,
        }
    }
}

/// An access token of this session, presented to be prolonged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AccessToken {
    /// The one that was minted last, the one before, …
    pub(crate) back: usize,
    pub(crate) idle: Option<u16>,
    pub(crate) expires_in: Option<u16>,
    pub(crate) by_request: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Disable,
    Enable,
    Delete,
    RaiseVersion,
    RequireReauth,
    SignInElsewhere,
}

#[derive(Clone)]
pub(crate) struct History {
    session: Session,
    user: Standing,
    policy: Policy,
    /// Milliseconds since the sign-in.
    now: i64,
    key: KeyId,
    /// Which key each generation was handed out with.
    handed: BTreeMap<u64, KeyId>,
    minted: Vec<(AccessGrant, Generation)>,
}

/// The cases of the table that occurred.
pub(crate) type Cases = BTreeSet<&'static str>;

impl History {
    pub(crate) fn new(policy: Policy) -> Self {
        let session = start(at(0), &policy);
        let first = session.first_tokens(&user(at(0)), at(0), &policy);
        let history = Self {
            handed: BTreeMap::from([(0, KeyId(1))]),
            minted: vec![(first.access, Generation(0))],
            user: user(at(0)),
            now: 0,
            key: KeyId(1),
            session,
            policy,
        };
        history.token_is_bounded(&first, &history.session);
        history
    }

    pub(crate) fn step(&mut self, step: &Step, cases: &mut Cases) {
        match step {
            Step::Clock(millis) => self.now += millis,
            Step::Present(token) => self.present(token, cases),
            Step::Renew(token) => self.renew(*token),
            Step::RequestSeen(ago) => self.request_seen(*ago),
            Step::Reauthenticate => self.reauthenticate(),
            Step::End(reason) => self.end(*reason),
            Step::User(change) => self.change_user(*change),
            Step::NewKey => self.key = KeyId(self.key.0.saturating_add(1)),
            Step::Longer => self.scale(|span| span * 10),
            Step::Shorter => self.scale(|span| span / 2),
            Step::Policy(policy) => self.policy = (**policy).clone(),
        }
        self.limits_are_half_open();
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(at(0).as_millis() + self.now)
    }

    fn scale(&mut self, by: fn(Duration) -> Duration) {
        for limit in [&mut self.policy.idle, &mut self.policy.lifetime] {
            if let Limit::After(span) = limit {
                *span = by(*span);
            }
        }
    }

    fn change_user(&mut self, change: Change) {
        let now = self.now();
        match change {
            Change::Disable => {
                self.user.disabled = true;
                self.user.version += 1;
            }
            Change::Enable => self.user.disabled = false,
            Change::Delete => self.user.deleted = true,
            Change::RaiseVersion => self.user.version += 1,
            Change::RequireReauth => self.user.reauth_at = Some(now),
            Change::SignInElsewhere => self.user.last_sign_in = Some(now),
        }
    }

    fn present(&mut self, token: &Token, cases: &mut Cases) {
        let current = self.session.generation.0;
        let Some(generation) = current.checked_add_signed(-i64::from(token.back)) else {
            return;
        };
        let handed = self.handed.get(&generation).copied();
        let key = handed.unwrap_or(self.session.key);
        let event = Refresh {
            client: token.client,
            key: match token.signed {
                Signed::AsHanded => key,
                Signed::Older => KeyId(key.0.saturating_sub(1)),
                Signed::Newer => KeyId(key.0.saturating_add(1)),
            },
            secret: SecretHash(if token.own_secret { [7; 32] } else { [8; 32] }),
            idle_for: token.idle.map(|seconds| secs(seconds.into())),
            access_token: token.access_token,
            concurrent_answers: token.concurrent,
            newest_key: self.key,
            restore_declared: token.restore,
            ..refresh(generation, token.attempt)
        };
        let before = self.session.clone();
        let decision = self.decide(&Event::Refresh(event.clone()));
        let presented = Presented {
            row: &before,
            user: &self.user,
            token: &event,
            now: self.now(),
            policy: &self.policy,
        };
        assert_eq!(
            decision,
            expected(&presented),
            "the table: {before:?} {event:?}"
        );
        cases.insert(case(&before, event.generation, &decision.verdict));

        let next = &decision.next;
        match &decision.verdict {
            Verdict::Renewed(renewal) => {
                self.may_go_on(&before);
                self.refresh_token_is_right(renewal, token.back, &before, next);
                self.token_is_bounded(renewal, next);
                self.take(renewal, next);
            }
            Verdict::Refused(Refusal::Reuse) => {
                assert!(token.back >= 1, "no reuse of the current token");
                let reason = EndReason::ReuseDetected;
                let at = self.now();
                assert_eq!(next.life, Life::Ended { reason, at });
            }
            Verdict::Refused(refusal) => {
                assert_eq!(*next, before, "a refusal has no consequence");
                let honest = handed.is_some() && token.signed == Signed::AsHanded;
                let leak = *refusal == Refusal::KeyLeak;
                assert!(
                    !(leak && honest && token.own_secret),
                    "a token of ours is no leak"
                );
                self.the_spent_ends_it(token, &event, &before, *refusal);
            }
            other => panic!("{other:?}"),
        }
        self.session = decision.next;
    }

    /// Puts an event to the session, and looks at what no event may do.
    fn decide(&self, event: &Event<'_>) -> Decision {
        let (before, now) = (&self.session, self.now());
        let decision = decide(before, &self.user, event, now, &self.policy);
        let next = &decision.next;
        assert!(
            next.generation >= before.generation,
            "no generation comes back"
        );
        assert!(
            next.active_at >= before.active_at,
            "activity never goes back"
        );
        assert!(
            next.active_at <= now.max(before.active_at),
            "nor ahead of now"
        );
        assert!(next.authenticated_at >= before.authenticated_at);
        assert!(
            next.flags.attempts_seen >= before.flags.attempts_seen,
            "it sticks"
        );
        assert!(
            next.flags.evidence_seen >= before.flags.evidence_seen,
            "it sticks"
        );
        let unmoved = Session {
            life: next.life,
            flags: next.flags,
            generation: next.generation,
            key: next.key,
            previous_key: next.previous_key,
            produced_by: next.produced_by,
            predecessor_attempt: next.predecessor_attempt,
            forgiven: next.forgiven,
            rotated_at: next.rotated_at,
            active_at: next.active_at,
            authenticated_at: next.authenticated_at,
            idle: next.idle,
            absolute_end: next.absolute_end,
            ..before.clone()
        };
        assert_eq!(*next, unmoved, "the rest is for ever");
        if before.life != Life::Live {
            assert_eq!(*next, *before, "nothing dead comes back");
            let gave = matches!(decision.verdict, Verdict::Renewed(_));
            assert!(!gave, "nothing is minted after an end");
        }
        decision
    }

    /// Tokens are given to the living only.
    fn may_go_on(&self, before: &Session) {
        assert_eq!(before.life, Life::Live);
        let ends = deadlines(before, &self.user, &self.policy);
        let now = self.now().as_millis();
        assert!(
            ends.into_iter().flatten().all(|end| now < end),
            "past a deadline"
        );
        assert!(!self.user.deleted && !self.user.disabled);
        assert!(before.version >= self.user.version);
        assert!(self.user.reauth_at <= Some(before.authenticated_at));
    }

    fn refresh_token_is_right(
        &self,
        renewal: &Renewal,
        back: i8,
        before: &Session,
        next: &Session,
    ) {
        assert!(
            back <= 1,
            "only c and c-1, and what is ahead of the store, yield tokens"
        );
        let grown = next.generation.0 - before.generation.0;
        let rotated = renewal.class == Class::Rotated;
        if rotated {
            assert_eq!((grown, next.rotated_at), (1, self.now()));
            let age = self.now().since(before.rotated_at);
            assert!(
                age >= self.policy.min_rotation_interval,
                "no rotation sooner than ρ"
            );
        }
        if back < 0 {
            assert_eq!(renewal.class, Class::Adopted);
        }
        assert_eq!(grown > 0, back < 0 || rotated);
        let answer = renewal.refresh.unwrap();
        assert_eq!(
            answer.generation, next.generation,
            "a single live successor"
        );
        if renewal.class != Class::Adopted
            && let Some(handed) = self.handed.get(&answer.generation.0)
        {
            assert_eq!(*handed, answer.key, "a replay is the same token");
        }
    }

    /// An old token ends the session, but for the exceptions.
    fn the_spent_ends_it(
        &self,
        token: &Token,
        event: &Refresh<'_>,
        before: &Session,
        refusal: Refusal,
    ) {
        let listened = matches!(
            refusal,
            Refusal::ForeignClient | Refusal::KeyLeak | Refusal::Over { .. }
        );
        if token.back < 2 || listened || !self.policy.uses_refresh_token() {
            return;
        }
        let adopted = before.produced_by == ProducedBy::Adopted
            && self.now().since(before.rotated_at) < self.policy.min_rotation_interval;
        let duplicate = token.back == 2
            && event.attempt.is_some()
            && event.attempt == before.predecessor_attempt;
        assert!(
            adopted || duplicate,
            "an old token ends the session, and not {refusal:?}"
        );
    }

    fn take(&mut self, renewal: &Renewal, next: &Session) {
        if let Some(answer) = renewal.refresh {
            if renewal.class == Class::Adopted {
                self.handed.split_off(&answer.generation.0);
            }
            self.handed.insert(answer.generation.0, answer.key);
        }
        self.minted.push((renewal.access, next.generation));
    }

    /// No access token outlives its session, as it is stored.
    fn token_is_bounded(&self, renewal: &Renewal, next: &Session) {
        let (access, now) = (renewal.access, self.now());
        let ends = deadlines(next, &self.user, &self.policy);
        let exp = access.expires_at;
        assert!(exp <= now.plus(self.policy.access));
        assert!(
            ends.into_iter().flatten().all(|end| exp.as_millis() <= end),
            "it outlives its session"
        );
        assert!(access.issued_at <= now && now.since(access.issued_at) < secs(1));
        assert_eq!(access.soft_expires_at.is_some(), self.policy.soft.is_some());
        assert!(access.soft_expires_at.is_none_or(|soft| soft <= exp));
        let whole = [Some(exp), Some(access.issued_at), access.soft_expires_at];
        assert!(
            whole
                .into_iter()
                .flatten()
                .all(|time| time.floor_to_second() == time)
        );
    }

    fn renew(&mut self, token: AccessToken) {
        let Some((access, generation)) = self.minted.iter().rev().nth(token.back).copied() else {
            return;
        };
        let event = Renew {
            expires_at: access.expires_at,
            issued_at: access.issued_at,
            generation: self.policy.supersede.then_some(generation),
            idle_for: token.idle.map(|seconds| secs(seconds.into())),
            expires_in: token.expires_in.map(|seconds| secs(seconds.into())),
            by_request: token.by_request,
        };
        let before = self.session.clone();
        let decision = self.decide(&Event::Renew(event));
        let (next, now) = (&decision.next, self.now());
        match &decision.verdict {
            Verdict::Renewed(renewal) => {
                self.may_go_on(&before);
                assert!(!self.policy.uses_refresh_token());
                assert!(now < access.expires_at.plus(self.policy.accept_expired));
                assert_eq!((renewal.class, renewal.refresh), (Class::AccessToken, None));
                self.token_is_bounded(renewal, next);
                let asked = event.expires_in.unwrap_or(Duration::MAX);
                assert!(renewal.access.expires_at <= now.plus(asked));
                if token.by_request {
                    let life = access.expires_at.since(access.issued_at);
                    assert!(now.since(access.issued_at) >= life / 2, "not due");
                }
                self.access_generation_is_right(generation, &before, next);
                self.activity_is_right(event, &before, next);
                self.take(renewal, next);
            }
            Verdict::Refused(_) => assert_eq!(*next, before, "a refusal has no consequence"),
            other => panic!("{other:?}"),
        }
        self.session = decision.next;
    }

    fn access_generation_is_right(&self, presented: Generation, before: &Session, next: &Session) {
        let turned = self.now().since(before.rotated_at) >= self.policy.min_rotation_interval;
        let rotated_at = if turned {
            self.now()
        } else {
            before.rotated_at
        };
        assert_eq!(next.rotated_at, rotated_at, "at most once per ρ");
        if self.policy.supersede {
            assert!(presented.next() >= before.generation, "superseded");
            let newest = before.generation.max(presented);
            let expected = if turned { newest.next() } else { newest };
            assert_eq!(next.generation, expected);
        } else {
            assert_eq!(next.generation, before.generation);
        }
    }

    fn activity_is_right(&self, event: Renew, before: &Session, next: &Session) {
        let now = self.now();
        let moved = next.active_at > before.active_at;
        let reported = event.idle_for.map(|idle| now.minus(idle));
        let shown = match self.policy.activity {
            Activity::Renewal => Some(now),
            Activity::Request => event.by_request.then_some(now),
            Activity::PersonOnly => reported,
            Activity::Person if before.flags.evidence_seen => reported,
            Activity::Person => Some(reported.unwrap_or(now)),
        };
        assert!(
            !moved || Some(next.active_at) == shown,
            "activity that nobody showed"
        );
    }

    fn request_seen(&mut self, ago: i64) {
        let seen = Timestamp::from_millis(self.now().as_millis() - ago * 1_000);
        let before = self.session.clone();
        let decision = self.decide(&Event::RequestSeen(seen));
        assert_eq!(decision.verdict, Verdict::Noted);
        let live = over(&before, &self.user, self.now(), &self.policy).is_none();
        let counts = live && self.policy.activity == Activity::Request;
        let seen = if counts {
            seen.min(self.now())
        } else {
            before.active_at
        };
        let expected = Session {
            active_at: seen.max(before.active_at),
            ..before
        };
        assert_eq!(decision.next, expected);
        self.session = decision.next;
    }

    fn reauthenticate(&mut self) {
        let before = self.session.clone();
        let decision = self.decide(&Event::Reauthenticated);
        let now = self.now();
        if let Verdict::Renewed(renewal) = &decision.verdict {
            // Whoever reauthenticates signs in: nothing else that stands in the way is forgiven.
            self.user.last_sign_in = Some(now);
            let [idle, absolute, _] = deadlines(&before, &self.user, &self.policy);
            let passed = |end: Option<i64>| end.is_some_and(|end| now.as_millis() >= end);
            assert!(
                !passed(idle) && !passed(absolute),
                "a deadline is a deadline"
            );
            assert!(!self.user.deleted && !self.user.disabled);
            assert!(before.version >= self.user.version);
            let next = &decision.next;
            assert_eq!(next.authenticated_at, now.max(before.authenticated_at));
            assert!(
                self.user.reauth_at <= Some(next.authenticated_at),
                "still due"
            );
            assert_eq!(next.generation, before.generation);
            self.token_is_bounded(renewal, next);
            let renewal = *renewal;
            let next = decision.next.clone();
            self.take(&renewal, &next);
        } else {
            assert_eq!(decision.next, before, "a refusal has no consequence");
        }
        self.session = decision.next;
    }

    fn end(&mut self, reason: EndReason) {
        let before = self.session.clone();
        let decision = self.decide(&Event::End(reason));
        if before.life == Life::Live {
            let at = self.now();
            let life = Life::Ended { reason, at };
            assert_eq!(decision.verdict, Verdict::Ended(reason));
            assert_eq!(decision.next, Session { life, ..before });
        }
        self.session = decision.next;
    }

    /// At the end of a limit it is over, and a millisecond before it is not.
    fn limits_are_half_open(&self) {
        if self.session.life != Life::Live {
            return;
        }
        let ends = deadlines(&self.session, &self.user, &self.policy);
        let Some(first) = ends.into_iter().flatten().min() else {
            return;
        };
        let over = |millis| {
            let now = Timestamp::from_millis(millis);
            over(&self.session, &self.user, now, &self.policy).map(|over| over.reason)
        };
        assert!(over(first).is_some(), "at the end of a limit, it is over");
        let timed = [
            EndReason::IdleTimeout,
            EndReason::LifetimeReached,
            EndReason::SignInTooOld,
        ];
        let before = over(first - 1);
        assert!(
            !before.is_some_and(|reason| timed.contains(&reason)),
            "{before:?} too soon"
        );
    }
}
