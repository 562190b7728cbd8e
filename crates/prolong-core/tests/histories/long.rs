//! Long histories at random: any policy, any event, and a clock that is put back now and then.

use prolong_core::{EndReason, PresentedAccessToken};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use crate::history::{AccessToken, Cases, Change, History, Signed, Step, Token};
use crate::policies::any_policy;

fn rarely<T: Clone + std::fmt::Debug + 'static>(usual: T, other: T) -> impl Strategy<Value = T> {
    prop_oneof![24 => Just(usual), 1 => Just(other)]
}

fn any_token() -> impl Strategy<Value = Token> {
    let back = prop_oneof![10 => Just(0_i8), 6 => Just(1), 3 => 2_i8..5, 1 => -10_i8..0];
    let signed = prop_oneof![
        30 => Just(Signed::AsHanded),
        1 => Just(Signed::Older),
        1 => Just(Signed::Newer),
    ];
    let client = prop_oneof![20 => Just(None), 20 => Just(Some("web")), 1 => Just(Some("other"))];
    let access_token = prop_oneof![
        10 => Just(PresentedAccessToken::Authentic),
        1 => Just(PresentedAccessToken::Absent),
        1 => Just(PresentedAccessToken::Foreign),
    ];
    (
        (
            back,
            proptest::option::of(1_u8..3),
            proptest::option::weighted(0.2, 0_u16..700),
        ),
        (signed, rarely(true, false), client, access_token),
        (prop_oneof![Just(0), 18_u32..22], rarely(false, true)),
    )
        .prop_map(
            |(
                (back, attempt, idle),
                (signed, own_secret, client, access_token),
                (concurrent, restore),
            )| {
                Token {
                    back,
                    attempt,
                    idle,
                    signed,
                    own_secret,
                    client,
                    access_token,
                    concurrent,
                    restore,
                }
            },
        )
}

fn any_access_token() -> impl Strategy<Value = AccessToken> {
    (
        prop_oneof![6 => Just(0_usize), 1 => 1_usize..4],
        proptest::option::weighted(0.3, 0_u16..700),
        proptest::option::weighted(0.2, 0_u16..700),
        any::<bool>(),
    )
        .prop_map(|(back, idle, expires_in, by_request)| AccessToken {
            back,
            idle,
            expires_in,
            by_request,
        })
}

fn any_change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => Just(Change::SignInElsewhere),
        3 => Just(Change::RequireReauth),
        1 => Just(Change::RaiseVersion),
        1 => Just(Change::Disable),
        1 => Just(Change::Enable),
        1 => Just(Change::Delete),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_i64..20_000).prop_map(Step::Clock),
        8 => (20_000_i64..200_000).prop_map(Step::Clock),
        2 => (0_i64..3_000_000).prop_map(Step::Clock),
        2 => (-200_000_i64..0).prop_map(Step::Clock),
        24 => any_token().prop_map(Step::Present),
        10 => any_access_token().prop_map(Step::Renew),
        4 => (-60_i64..600).prop_map(Step::RequestSeen),
        2 => Just(Step::Reauthenticate),
        1 => any_change().prop_map(Step::User),
        1 => Just(Step::NewKey),
        1 => Just(Step::Longer),
        1 => Just(Step::Shorter),
        1 => any_policy().prop_map(|policy| Step::Policy(Box::new(policy))),
    ]
}

/// An end comes last, so that they do not cut every history short.
fn any_history() -> impl Strategy<Value = Vec<Step>> {
    let end = (
        0_usize..4,
        proptest::sample::select(EndReason::ALL.to_vec()),
    );
    (proptest::collection::vec(any_step(), 1..80), end).prop_map(|(mut steps, (after, reason))| {
        let place = steps.len().saturating_sub(after);
        steps.insert(place, Step::End(reason));
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn long_histories_hold(policy in any_policy(), steps in any_history()) {
        let mut history = History::new(policy);
        let mut cases = Cases::new();
        for step in &steps {
            history.step(step, &mut cases);
        }
    }
}

/// The same, from a seed that is always the same: every case of the table occurs.
#[test]
fn long_histories_come_to_every_case() {
    let config = ProptestConfig {
        cases: 1_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = std::cell::RefCell::new(Cases::new());
    let run = runner.run(&(any_policy(), any_history()), |(policy, steps)| {
        let mut history = History::new(policy);
        for step in &steps {
            history.step(step, &mut seen.borrow_mut());
        }
        Ok(())
    });
    run.unwrap();
    let seen: Vec<_> = seen.into_inner().into_iter().collect();
    let cases = "A1 A2 B1 B2 B2:too-many B3:denied B3:forgiven B3:reuse C1 C2 D D:too-far Q:foreign Q:missing R0 R1 R2 R3 wrong kind";
    assert_eq!(seen.join(" "), cases);
}
