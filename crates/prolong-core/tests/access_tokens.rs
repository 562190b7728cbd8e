//! The machine for access tokens at its edges, and what a reauthentication freezes.
#![expect(
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use prolong_core::{
    Class, Decision, EndReason, Event, Generation, KeyId, Limit, Policy, Preset, Refresh, Refusal,
    Renew, Session, Standing, Verdict, decide, over,
};
use support::{at, refresh, secs, start, user};

fn superseding() -> Policy {
    Policy {
        supersede: true,
        ..Preset::SoftExpiry.policy()
    }
}

/// Presents an access token of `generation` that expires late enough.
fn renew(session: &Session, generation: u64, now: i64, policy: &Policy) -> Decision {
    let event = Event::Renew(Renew {
        issued_at: at(now),
        expires_at: at(now + 600),
        generation: Some(Generation(generation)),
        idle_for: None,
        expires_in: None,
        by_request: false,
    });
    decide(session, &user(at(0)), &event, at(now), policy)
}

fn generation(decision: &Decision) -> u64 {
    match decision.verdict {
        Verdict::Renewed(_) => decision.next.generation.0,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn supersede_advances_the_generation_once_per_interval() {
    let policy = superseding();
    let session = start(at(0), &policy);
    let early = renew(&session, 0, 29, &policy);
    assert_eq!(generation(&early), 0);
    assert_eq!(early.next.rotated_at, at(0), "the interval goes on");
    let turned = renew(&early.next, 0, 30, &policy);
    assert_eq!(generation(&turned), 1);
    assert_eq!(turned.next.rotated_at, at(30));
    let again = renew(&turned.next, 1, 59, &policy);
    assert_eq!(generation(&again), 1);
    assert_eq!(generation(&renew(&again.next, 1, 60, &policy)), 2);
}

#[test]
fn the_access_token_before_still_renews_and_any_older_one_is_told_to() {
    let policy = superseding();
    let session = Session {
        generation: Generation(5),
        rotated_at: at(100),
        ..start(at(0), &policy)
    };
    let lost_answer = renew(&session, 4, 101, &policy);
    assert_eq!(
        generation(&lost_answer),
        5,
        "the same generation, not a sibling"
    );
    let older = renew(&session, 3, 101, &policy);
    assert_eq!(
        (&older.verdict, &older.next),
        (&Verdict::Refused(Refusal::AccessTokenSuperseded), &session),
        "no consequence"
    );
    assert_eq!(generation(&renew(&session, 4, 130, &policy)), 6);
}

#[test]
fn a_generation_ahead_of_the_store_is_not_given_out_a_second_time() {
    let policy = superseding();
    let session = start(at(0), &policy);
    assert_eq!(generation(&renew(&session, 7, 10, &policy)), 7);
    assert_eq!(generation(&renew(&session, 7, 30, &policy)), 8);
}

/// The policy of a client was changed from refresh tokens to access tokens, and perhaps back: what was handed out is no leak.
#[test]
fn a_refresh_token_of_an_earlier_policy_is_not_taken_for_a_leak() {
    let policy = superseding();
    let session = Session {
        generation: Generation(5),
        key: KeyId(2),
        previous_key: KeyId(1),
        ..start(at(0), &policy)
    };
    let next = renew(&session, 5, 30, &policy).next;
    assert_eq!(next.generation, Generation(6));
    let token = Refresh {
        key: KeyId(2),
        ..refresh(5, None)
    };
    let put = |policy| {
        let event = Event::Refresh(token.clone());
        decide(&next, &user(at(0)), &event, at(35), policy).verdict
    };
    assert_eq!(put(&policy), Verdict::Refused(Refusal::WrongCredential));
    let Verdict::Renewed(renewal) = put(&Preset::Refresh.policy()) else {
        panic!("refused")
    };
    assert_eq!(renewal.class, Class::Concurrent);
}

#[test]
fn a_renewal_by_request_never_takes_activity_back() {
    let policy = Preset::LastAccess.policy();
    let session = Session {
        active_at: at(500),
        ..start(at(0), &policy)
    };
    let event = Event::Renew(Renew {
        issued_at: at(0),
        expires_at: at(900),
        generation: None,
        idle_for: None,
        expires_in: None,
        by_request: true,
    });
    let decision = decide(&session, &user(at(0)), &event, at(499), &policy);
    assert!(matches!(decision.verdict, Verdict::Renewed(_)));
    assert_eq!(decision.next.active_at, at(500), "the clock was put back");
}

#[test]
fn without_supersede_the_generation_of_an_access_token_does_not_matter() {
    let policy = Preset::SoftExpiry.policy();
    let session = Session {
        generation: Generation(5),
        ..start(at(0), &policy)
    };
    for presented in [0, 5, 9] {
        assert_eq!(generation(&renew(&session, presented, 60, &policy)), 5);
    }
}

#[test]
fn a_reauthentication_freezes_the_deadlines_of_the_policy_anew() {
    let short = Policy {
        idle: Limit::After(secs(3_600)),
        lifetime: Limit::After(secs(7_200)),
        ..Preset::Aal2.policy()
    };
    let long = Policy {
        idle: Limit::After(secs(10_000)),
        lifetime: Limit::After(secs(20_000)),
        ..short.clone()
    };
    let session = start(at(0), &short);
    let due = Standing {
        reauth_at: Some(at(50)),
        ..user(at(0))
    };
    let reason = |session: &Session, now, policy: &Policy| {
        over(session, &due, at(now), policy).map(|over| over.reason)
    };
    assert_eq!(reason(&session, 60, &long), Some(EndReason::ReauthRequired));
    let Decision { verdict, next } = decide(&session, &due, &Event::Reauthenticated, at(60), &long);
    let Verdict::Renewed(renewal) = verdict else {
        panic!("{verdict:?}")
    };
    assert_eq!(next.authenticated_at, at(60));
    assert_eq!(next.active_at, at(60), "whoever types a password is there");
    assert_eq!(next.idle, long.idle);
    assert_eq!(
        next.absolute_end,
        Some(at(20_000)),
        "the lifetime still counts from sign-in"
    );
    assert_eq!(renewal.access.idle_end, Some(at(10_060)));
    assert_eq!(reason(&next, 10_059, &long), None);
    assert_eq!(reason(&next, 10_060, &long), Some(EndReason::IdleTimeout));
    // Under the shorter policy nothing that was frozen counts for more.
    assert_eq!(reason(&next, 3_660, &short), Some(EndReason::IdleTimeout));
}

#[test]
fn a_reauthentication_revives_nothing_that_is_over_for_another_reason() {
    let policy = Preset::Aal2.policy();
    let session = start(at(0), &policy);
    let at_the_end = decide(
        &session,
        &user(at(0)),
        &Event::Reauthenticated,
        at(3_600),
        &policy,
    );
    let reason = EndReason::IdleTimeout;
    let disclose = true;
    assert_eq!(
        (&at_the_end.verdict, &at_the_end.next),
        (
            &Verdict::Refused(Refusal::Over { reason, disclose }),
            &session
        )
    );
}
