//! Properties of every history: all short ones exhaustively, long ones at random.
//!
//! Exhaustive: every sequence of up to 5 steps of an alphabet of 13 (402 233 histories, prefixes shared).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use std::collections::BTreeMap;

use prolong_core::{
    Class, EndReason, Event, KeyId, Life, Limit, Policy, Preset, Refresh, Refusal, Session,
    Verdict, decide,
};
use proptest::prelude::*;
use support::{at, refresh, secs, start, user};

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u16),
    /// Present generation c − back (negative: ahead), with an attempt.
    Present(i8, Option<u8>),
    /// The same with a report of so many idle seconds.
    Idle(u16),
    NewKey,
    Longer,
    End,
}

const ALPHABET: [Step; 13] = [
    Step::Wait(10),
    Step::Wait(31),
    Step::Wait(299),
    Step::Present(0, None),
    Step::Present(0, Some(1)),
    Step::Present(1, None),
    Step::Present(1, Some(1)),
    Step::Present(1, Some(2)),
    Step::Present(2, Some(1)),
    Step::Present(3, None),
    Step::Present(-1, Some(1)),
    Step::Idle(100),
    Step::Longer,
];

#[derive(Clone)]
struct History {
    session: Session,
    policy: Policy,
    now: i64,
    key: KeyId,
    /// Which key each generation was handed out with.
    handed: BTreeMap<u64, KeyId>,
    dead: bool,
}

impl History {
    fn new() -> Self {
        let policy = Policy {
            access: secs(60),
            idle: Limit::After(secs(300)),
            lifetime: Limit::After(secs(1_000)),
            ..Preset::Aal2.policy()
        };
        let session = start(at(0), &policy);
        let handed = BTreeMap::from([(0, KeyId(1))]);
        Self {
            session,
            policy,
            now: 0,
            key: KeyId(1),
            handed,
            dead: false,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Wait(seconds) => self.now += i64::from(seconds),
            Step::NewKey => self.key = KeyId(self.key.0.saturating_add(1)),
            Step::Longer => {
                self.policy.idle = Limit::After(secs(3_000));
                self.policy.lifetime = Limit::After(secs(9_000));
            }
            Step::End => {
                let end = Event::End(EndReason::SignedOut);
                let next = decide(
                    &self.session,
                    &user(at(0)),
                    &end,
                    at(self.now),
                    &self.policy,
                );
                self.session = next.next;
                self.dead = true;
            }
            Step::Present(back, id) => self.present(back, id, None),
            Step::Idle(seconds) => self.present(0, None, Some(seconds)),
        }
    }

    fn present(&mut self, back: i8, id: Option<u8>, idle: Option<u16>) {
        let current = self.session.generation.0;
        let Some(generation) = current.checked_add_signed(-i64::from(back)) else {
            return;
        };
        let key = self
            .handed
            .get(&generation)
            .copied()
            .unwrap_or(self.session.key);
        let event = Refresh {
            key,
            newest_key: self.key,
            idle_for: idle.map(|seconds| secs(u64::from(seconds))),
            ..refresh(generation, id)
        };
        let before = self.session.clone();
        let now = at(self.now);
        let past = |end: Option<prolong_core::Timestamp>| end.is_some_and(|end| now >= end);
        let frozen_end = past(before.idle.end(before.active_at)) || past(before.absolute_end);
        self.dead |= frozen_end || before.life != Life::Live;
        let attempt = event.attempt;
        let decision = decide(
            &before,
            &user(at(0)),
            &Event::Refresh(event),
            now,
            &self.policy,
        );
        let next = &decision.next;

        assert!(
            next.generation >= before.generation,
            "the generation never goes back"
        );
        assert!(
            next.active_at >= before.active_at,
            "activity never goes back"
        );
        assert!(next.active_at <= now.max(before.active_at));
        match decision.verdict {
            Verdict::Renewed(renewal) => {
                assert!(!self.dead, "nothing dead comes back");
                assert!(
                    back <= 1,
                    "only c and c-1 (and what is ahead of the store) ever yield tokens"
                );
                assert_eq!(renewal.class == Class::Adopted, back < 0);
                assert_eq!(
                    next.generation.0 > current,
                    back < 0 || renewal.class == Class::Rotated
                );
                let refresh = renewal.refresh.unwrap();
                assert_eq!(
                    refresh.generation, next.generation,
                    "a single live successor"
                );
                let handed = self
                    .handed
                    .entry(refresh.generation.0)
                    .or_insert(refresh.key);
                assert_eq!(*handed, refresh.key, "a replay is the same token");
                let idle_end = next.idle.min(self.policy.idle).end(next.active_at);
                assert!(idle_end.is_none_or(|end| renewal.access.expires_at <= end));
                assert!(
                    next.absolute_end
                        .is_none_or(|end| renewal.access.expires_at <= end)
                );
                assert!(renewal.access.expires_at <= now.plus(self.policy.access));
            }
            Verdict::Refused(Refusal::Reuse) => {
                assert!(back >= 1, "no reuse of the current token");
                assert!(matches!(
                    next.life,
                    Life::Ended {
                        reason: EndReason::ReuseDetected,
                        ..
                    }
                ));
            }
            Verdict::Refused(_) => {
                assert_eq!(
                    *next, before,
                    "a refusal without consequence stores nothing"
                );
            }
            ref other => panic!("{other:?}"),
        }
        let adopted = before.produced_by == prolong_core::ProducedBy::Adopted
            && now.since(before.rotated_at) < self.policy.min_rotation_interval;
        let duplicate = back == 2 && attempt.is_some() && attempt == before.predecessor_attempt;
        if back >= 2 && !self.dead && !adopted && !duplicate {
            assert!(
                matches!(next.life, Life::Ended { .. }),
                "an old token ends the session"
            );
        }
        self.session = decision.next;
    }
}

fn explore(history: &History, depth: u32) -> u64 {
    if depth == 0 {
        return 1;
    }
    1 + ALPHABET
        .into_iter()
        .map(|step| {
            let mut next = history.clone();
            next.step(step);
            explore(&next, depth - 1)
        })
        .sum::<u64>()
}

#[test]
fn every_short_history_holds() {
    assert_eq!(
        explore(&History::new(), 5),
        402_234,
        "histories, the empty one among them"
    );
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u16..120).prop_map(Step::Wait),
        1 => (120_u16..400).prop_map(Step::Wait),
        8 => (-2_i8..4, proptest::option::of(1_u8..3)).prop_map(|(g, id)| Step::Present(g, id)),
        8 => proptest::option::of(1_u8..3).prop_map(|id| Step::Present(0, id)),
        2 => (0_u16..400).prop_map(Step::Idle),
        1 => Just(Step::NewKey),
        1 => Just(Step::Longer),
        1 => Just(Step::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn long_histories_hold(steps in proptest::collection::vec(any_step(), 1..80)) {
        let mut history = History::new();
        for step in steps {
            history.step(step);
        }
    }
}
