//! Every preset, and valid policies at random.

use std::time::Duration;

use prolong_core::{Activity, Limit, PlainPredecessor, Policy, PolicyDraft, Preset, ProlongWith};
use proptest::prelude::*;

pub(crate) fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![
        1 => proptest::sample::select(Preset::ALL.to_vec()).prop_map(Preset::policy),
        4 => (spans(), words(), any::<[bool; 3]>()).prop_filter_map("contradicts itself", |(spans, words, flags)| {
            drawn(&spans, words, flags).build().ok()
        }),
    ]
}

/// Spans in seconds; each is drawn so that most drafts do not contradict themselves.
#[derive(Clone, Debug)]
struct Spans {
    grace: u64,
    slack: u64,
    access: u64,
    idle: Option<u64>,
    lifetime: Option<u64>,
    /// Hundredths of the access token's life.
    soft: Option<u64>,
    sign_in_within: Option<u64>,
    accept_expired: u64,
    renew_every: Option<u64>,
}

fn spans() -> impl Strategy<Value = Spans> {
    let rotation = prop_oneof![4 => (0_u64..40, 15_u64..60), 1 => Just((0, 0))];
    let optional = |range: std::ops::Range<u64>| proptest::option::weighted(0.3, range);
    (
        rotation,
        1_u64..600,
        proptest::option::weighted(0.8, 0_u64..2_000),
        proptest::option::weighted(0.8, 0_u64..6_000),
        proptest::option::weighted(0.3, 0_u64..100),
        optional(0..3_000),
        0_u64..600,
        optional(1..600),
    )
        .prop_map(
            |(
                (grace, slack),
                access,
                idle,
                lifetime,
                soft,
                sign_in_within,
                accept_expired,
                renew_every,
            )| {
                let access = access + grace + slack;
                let idle = idle.map(|more| access + more);
                let lifetime = lifetime.map(|more| idle.unwrap_or(access) + more);
                Spans {
                    grace,
                    slack,
                    access,
                    idle,
                    lifetime,
                    soft,
                    sign_in_within: sign_in_within.map(|more| access + more),
                    accept_expired,
                    renew_every,
                }
            },
        )
}

#[derive(Clone, Copy, Debug)]
struct Words {
    prolong_with: &'static str,
    activity: &'static str,
    plain_predecessor: &'static str,
}

fn words() -> impl Strategy<Value = Words> {
    let word = |words: &'static [&'static str]| proptest::sample::select(words);
    // Most rules are about refresh tokens.
    let prolong_with =
        prop_oneof![2 => Just(ProlongWith::RefreshToken.as_str()), 1 => word(ProlongWith::WORDS)];
    (
        prolong_with,
        word(Activity::WORDS),
        word(PlainPredecessor::WORDS),
    )
        .prop_map(|(prolong_with, activity, plain_predecessor)| Words {
            prolong_with,
            activity,
            plain_predecessor,
        })
}

fn drawn(spans: &Spans, words: Words, [rotate, supersede, both]: [bool; 3]) -> PolicyDraft {
    let secs = Duration::from_secs;
    let prolong_with = ProlongWith::parse(words.prolong_with).unwrap();
    let by_refresh_token = prolong_with == ProlongWith::RefreshToken;
    let limit = |seconds: Option<u64>| seconds.map_or(Limit::Never, |n| Limit::After(secs(n)));
    PolicyDraft {
        access: Some(secs(spans.access)),
        soft: spans.soft.map(|part| secs(spans.access * part / 100)),
        idle: Some(limit(spans.idle)),
        lifetime: Some(limit(spans.lifetime)),
        sign_in_within: spans.sign_in_within.map(secs),
        renew_every: spans.renew_every.map(secs),
        prolong_with: Some(prolong_with),
        accept_expired: Some(secs(if by_refresh_token {
            0
        } else {
            spans.accept_expired
        })),
        require_access_token: Some(by_refresh_token && both),
        rotate: Some(rotate || supersede),
        supersede: Some(supersede && prolong_with != ProlongWith::AnyRequest),
        grace: Some(secs(spans.grace)),
        min_rotation_interval: Some(secs(spans.grace + spans.slack)),
        activity: Activity::parse(words.activity),
        plain_predecessor: PlainPredecessor::parse(words.plain_predecessor),
        ..PolicyDraft::default()
    }
}
