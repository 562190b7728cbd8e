//! Each rule of the state machine at its edge: the table reads like the one in `docs/reference/state-machine.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod support;

use prolong_core::{
    CapVerdict, Class, Decision, EndReason, Event, Generation, KeyId, Life, Limit,
    OnPasswordChange, PlainPredecessor, Policy, PolicyDraft, PresentedAccessToken, Preset, Refresh,
    Refusal, Renew, SecretHash, Session, SessionId, Standing, Timestamp, Verdict, WhenFull, decide,
    ended_by_password_change, make_room, over,
};
use support::{at, refresh, secs, start, user};

fn put(session: &Session, event: Refresh<'_>, now: Timestamp, policy: &Policy) -> Decision {
    decide(session, &user(at(0)), &Event::Refresh(event), now, policy)
}

fn policy() -> Policy {
    Preset::Refresh.policy()
}

fn class(decision: &Decision) -> Class {
    match &decision.verdict {
        Verdict::Renewed(renewal) => renewal.class,
        other => panic!("{other:?}"),
    }
}

fn refusal(decision: &Decision) -> Refusal {
    match decision.verdict {
        Verdict::Refused(refusal) => refusal,
        ref other => panic!("{other:?}"),
    }
}

/// Generation `n`, each rotated 60 s after the last with the given attempt.
fn rotated(n: u64, id: Option<u8>, policy: &Policy) -> Session {
    (0..n).fold(start(at(0), policy), |session, g| {
        let now = at(60 * (i64::try_from(g).unwrap() + 1));
        let decision = put(&session, refresh(g, id), now, policy);
        assert_eq!(class(&decision), Class::Rotated);
        decision.next
    })
}

#[test]
fn a_current_token_rotates_from_rho_on() {
    let session = start(at(0), &policy());
    let early = put(&session, refresh(0, None), at(29), &policy());
    assert_eq!(class(&early), Class::Coalesced);
    assert_eq!(early.next.generation, Generation(0));
    assert_eq!(
        class(&put(&session, refresh(0, None), at(30), &policy())),
        Class::Rotated
    );
}

#[test]
fn the_predecessor_is_concurrent_up_to_grace_twenty_times() {
    let session = rotated(1, Some(1), &policy());
    assert_eq!(
        class(&put(&session, refresh(0, Some(2)), at(70), &policy())),
        Class::Concurrent
    );
    assert_eq!(
        refusal(&put(&session, refresh(0, Some(2)), at(71), &policy())),
        Refusal::Reuse
    );
    let event = |n| Refresh {
        concurrent_answers: n,
        ..refresh(0, Some(2))
    };
    assert_eq!(
        class(&put(&session, event(19), at(61), &policy())),
        Class::Concurrent
    );
    let much = put(&session, event(20), at(61), &policy());
    assert_eq!(refusal(&much), Refusal::TooManyConcurrent);
    assert_eq!(much.next, session);
}

#[test]
fn a_retry_is_known_by_its_attempt_and_absent_never_matches_absent() {
    let session = rotated(1, Some(1), &policy());
    assert_eq!(
        class(&put(&session, refresh(0, Some(1)), at(9_000), &policy())),
        Class::Retry
    );
    assert_eq!(
        refusal(&put(&session, refresh(0, None), at(9_000), &policy())),
        Refusal::Reuse
    );
    let plain = rotated(1, None, &policy());
    assert_eq!(
        class(&put(&plain, refresh(0, None), at(9_000), &policy())),
        Class::Forgiven
    );
    let plain = rotated(2, None, &policy());
    assert_eq!(
        refusal(&put(&plain, refresh(0, None), at(121), &policy())),
        Refusal::Reuse
    );
}

#[test]
fn a_plain_predecessor_is_forgiven_but_not_two_generations_running() {
    let policy = policy();
    let forgiven = put(
        &rotated(1, None, &policy),
        refresh(0, None),
        at(80),
        &policy,
    );
    assert_eq!(class(&forgiven), Class::Forgiven);
    let again = put(&forgiven.next, refresh(0, None), at(91), &policy);
    assert_eq!(
        class(&again),
        Class::Forgiven,
        "its answer may be lost again"
    );
    let next = put(&again.next, refresh(1, None), at(120), &policy).next;
    assert_eq!(
        refusal(&put(&next, refresh(1, None), at(140), &policy)),
        Refusal::Reuse
    );
    let later = put(&next, refresh(2, None), at(160), &policy).next;
    assert_eq!(
        class(&put(&later, refresh(2, None), at(180), &policy)),
        Class::Forgiven
    );
}

#[test]
fn the_first_forgiveness_of_a_generation_starts_a_new_interval_and_no_other_does() {
    let policy = policy();
    let session = rotated(1, None, &policy);
    let forgiven = put(&session, refresh(0, None), at(600), &policy).next;
    let other_tab = put(&forgiven, refresh(0, None), at(610), &policy);
    assert_eq!(class(&other_tab), Class::Concurrent);
    let soon = put(&forgiven, refresh(1, None), at(629), &policy);
    assert_eq!(
        class(&soon),
        Class::Coalesced,
        "else the other tab's request would be two generations old"
    );
    let again = put(&forgiven, refresh(0, None), at(629), &policy);
    assert_eq!(
        (class(&again), &again.next),
        (Class::Forgiven, &forgiven),
        "rotation cannot be held off"
    );
    assert_eq!(
        class(&put(&again.next, refresh(1, None), at(630), &policy)),
        Class::Rotated
    );
}

#[test]
fn deny_refuses_without_consequence_and_revoke_takes_it_for_theft() {
    let session = rotated(1, None, &policy());
    let with = |plain_predecessor| Policy {
        plain_predecessor,
        ..policy()
    };
    let denied = put(
        &session,
        refresh(0, None),
        at(80),
        &with(PlainPredecessor::Deny),
    );
    assert_eq!(
        (refusal(&denied), &denied.next),
        (Refusal::SpentToken, &session)
    );
    let revoked = put(
        &session,
        refresh(0, None),
        at(80),
        &with(PlainPredecessor::Revoke),
    );
    assert_eq!(refusal(&revoked), Refusal::Reuse);
    let reason = EndReason::ReuseDetected;
    assert_eq!(revoked.next.life, Life::Ended { reason, at: at(80) });
}

#[test]
fn strict_rotation_judges_every_predecessor() {
    let strict = Policy {
        grace: secs(0),
        min_rotation_interval: secs(0),
        ..policy()
    };
    let session = put(&start(at(0), &strict), refresh(0, Some(1)), at(0), &strict);
    assert_eq!(class(&session), Class::Rotated);
    assert_eq!(
        refusal(&put(&session.next, refresh(0, Some(2)), at(0), &strict)),
        Refusal::Reuse
    );
    assert_eq!(
        class(&put(&session.next, refresh(0, Some(1)), at(0), &strict)),
        Class::Retry
    );
}

#[test]
fn a_late_duplicate_is_superseded_and_any_other_old_token_is_reuse() {
    let session = rotated(2, Some(1), &policy());
    let late = put(&session, refresh(0, Some(1)), at(121), &policy());
    assert_eq!(
        (refusal(&late), &late.next),
        (Refusal::Superseded, &session)
    );
    assert_eq!(
        refusal(&put(&session, refresh(0, Some(2)), at(121), &policy())),
        Refusal::Reuse
    );
    let session = rotated(3, Some(1), &policy());
    assert_eq!(
        refusal(&put(&session, refresh(0, Some(1)), at(181), &policy())),
        Refusal::Reuse
    );
}

#[test]
fn a_token_ahead_is_adopted_up_to_eight_and_calms_for_rho() {
    let session = rotated(1, Some(1), &policy());
    let adopted = put(&session, refresh(9, Some(1)), at(100), &policy());
    assert_eq!(class(&adopted), Class::Adopted);
    assert_eq!(adopted.next.generation, Generation(9));
    let far = put(&session, refresh(10, Some(1)), at(100), &policy());
    assert_eq!((refusal(&far), &far.next), (Refusal::TooFarAhead, &session));
    let declared = Refresh {
        restore_declared: true,
        ..refresh(10, None)
    };
    assert_eq!(
        class(&put(&session, declared, at(100), &policy())),
        Class::Adopted
    );
    let calm = |g, now| put(&adopted.next, refresh(g, Some(3)), at(now), &policy());
    assert_eq!(class(&calm(8, 129)), Class::Concurrent);
    assert_eq!(refusal(&calm(8, 130)), Refusal::Reuse);
    assert_eq!(refusal(&calm(3, 129)), Refusal::Superseded);
    assert_eq!(refusal(&calm(3, 130)), Refusal::Reuse);
    let one = put(&session, refresh(2, Some(1)), at(100), &policy()).next;
    assert_eq!(
        refusal(&put(&one, refresh(0, Some(1)), at(200), &policy())),
        Refusal::Superseded
    );
}

#[test]
fn an_authentic_tag_on_an_impossible_token_is_a_leak() {
    let session = Session {
        key: KeyId(3),
        previous_key: KeyId(2),
        ..rotated(1, None, &policy())
    };
    let with = |g, key| Refresh {
        key: KeyId(key),
        ..refresh(g, None)
    };
    let put = |event| put(&session, event, at(61), &policy());
    assert_eq!(refusal(&put(with(1, 2))), Refusal::KeyLeak);
    assert_eq!(refusal(&put(with(2, 2))), Refusal::KeyLeak);
    assert_eq!(refusal(&put(with(0, 3))), Refusal::KeyLeak);
    assert_eq!(class(&put(with(0, 2))), Class::Concurrent);
    assert_eq!(class(&put(with(1, 4))), Class::Adopted);
    let secret = SecretHash([8; 32]);
    let event = Refresh {
        secret,
        ..with(1, 3)
    };
    let leak = put(event);
    assert_eq!((refusal(&leak), &leak.next), (Refusal::KeyLeak, &session));
    let foreign = Refresh {
        client: Some("other"),
        ..with(1, 3)
    };
    assert_eq!(refusal(&put(foreign)), Refusal::ForeignClient);
}

#[test]
fn a_rotation_signs_with_the_newest_key_and_a_replay_with_the_same() {
    let event = Refresh {
        newest_key: KeyId(2),
        ..refresh(0, Some(1))
    };
    let session = put(&start(at(0), &policy()), event.clone(), at(60), &policy()).next;
    assert_eq!((session.key, session.previous_key), (KeyId(2), KeyId(1)));
    let event = Refresh {
        newest_key: KeyId(5),
        ..event
    };
    let Verdict::Renewed(replay) = put(&session, event, at(600), &policy()).verdict else {
        panic!("not replayed")
    };
    let answer = replay.refresh.unwrap();
    assert_eq!(
        (answer.generation, answer.key, answer.set_cookie),
        (Generation(1), KeyId(2), true)
    );
}

#[test]
fn an_answer_leaves_out_only_what_an_attempt_naming_client_presented_itself() {
    let answer = |session: &Session, g, id, now| {
        let decision = put(session, refresh(g, id), at(now), &policy());
        let Verdict::Renewed(renewal) = decision.verdict else {
            panic!("refused")
        };
        let answer = renewal.refresh.unwrap();
        (answer.in_body, answer.set_cookie)
    };
    let session = rotated(1, Some(1), &policy());
    assert_eq!(answer(&session, 1, Some(2), 61), (false, false), "A1");
    assert_eq!(answer(&session, 1, None, 61), (true, false), "A1 plain");
    assert_eq!(answer(&session, 1, Some(2), 99), (true, true), "A2");
    assert_eq!(answer(&session, 0, Some(1), 99), (true, true), "B1");
    assert_eq!(answer(&session, 0, Some(2), 61), (true, true), "B2");
    assert_eq!(answer(&session, 2, Some(2), 61), (false, false), "D");
}

#[test]
fn reuse_is_judged_before_the_access_token_is_asked_for() {
    let policy = Policy {
        require_access_token: true,
        ..policy()
    };
    let session = rotated(2, Some(1), &self::policy());
    assert_eq!(
        refusal(&put(&session, refresh(0, None), at(121), &policy)),
        Refusal::Reuse
    );
    let missing = put(&session, refresh(2, None), at(200), &policy);
    assert_eq!(
        (refusal(&missing), &missing.next),
        (Refusal::AccessTokenMissing, &session)
    );
    let with = |access_token| Refresh {
        access_token,
        ..refresh(2, None)
    };
    let foreign = put(
        &session,
        with(PresentedAccessToken::Foreign),
        at(200),
        &policy,
    );
    assert_eq!(refusal(&foreign), Refusal::AccessTokenForeign);
    let own = put(
        &session,
        with(PresentedAccessToken::Authentic),
        at(200),
        &policy,
    );
    assert_eq!(class(&own), Class::Rotated);
}

#[test]
fn every_limit_is_half_open_and_the_first_reason_counts() {
    let policy = Policy {
        idle: Limit::After(secs(3_600)),
        ..policy()
    };
    let session = start(at(0), &policy);
    let why = |session: &Session, user: &Standing, now| {
        over(session, user, at(now), &policy).map(|over| over.reason)
    };
    assert_eq!(why(&session, &user(at(0)), 3_599), None);
    assert_eq!(
        why(&session, &user(at(0)), 3_600),
        Some(EndReason::IdleTimeout)
    );
    let mut user = Standing {
        version: 2,
        disabled: true,
        deleted: true,
        reauth_at: Some(at(1)),
        last_sign_in: None,
    };
    let mut session = Session {
        absolute_end: Some(at(10)),
        ..session
    };
    session.idle = Limit::After(secs(10));
    assert_eq!(why(&session, &user, 10), Some(EndReason::IdleTimeout));
    session.idle = Limit::Never;
    assert_eq!(why(&session, &user, 10), Some(EndReason::LifetimeReached));
    assert_eq!(why(&session, &user, 9), Some(EndReason::UserDeleted));
    user.deleted = false;
    assert_eq!(why(&session, &user, 9), Some(EndReason::UserDisabled));
    user.disabled = false;
    assert_eq!(why(&session, &user, 9), Some(EndReason::VersionRaised));
    user.version = 1;
    assert_eq!(why(&session, &user, 9), Some(EndReason::ReauthRequired));
    user.reauth_at = Some(at(0));
    assert_eq!(why(&session, &user, 9), None);
    let within = Policy {
        sign_in_within: Some(secs(5)),
        ..policy
    };
    user.last_sign_in = Some(at(5));
    assert_eq!(over(&session, &user, at(9), &within), None);
    user.last_sign_in = Some(at(4));
    let over = over(&session, &user, at(9), &within).unwrap();
    assert_eq!(
        (over.reason, over.since),
        (EndReason::SignInTooOld, Some(at(9)))
    );
}

#[test]
fn only_a_token_of_the_last_two_generations_hears_why() {
    let session = rotated(3, Some(1), &policy());
    let end = Event::End(EndReason::EndedByAdmin);
    let ended = decide(&session, &user(at(0)), &end, at(200), &policy()).next;
    for (g, disclose) in [(0, false), (1, false), (2, true), (3, true), (4, true)] {
        let reason = EndReason::EndedByAdmin;
        let told = refusal(&put(&ended, refresh(g, None), at(201), &policy()));
        assert_eq!(told, Refusal::Over { reason, disclose }, "generation {g}");
    }
}

#[test]
fn a_shorter_policy_bites_at_once_and_a_longer_one_from_the_next_success() {
    let of = |secs_idle| Policy {
        idle: Limit::After(secs(secs_idle)),
        ..policy()
    };
    let session = start(at(0), &of(3_600));
    let over = |session: &Session, now, policy| over(session, &user(at(0)), at(now), &policy);
    assert!(over(&session, 1_800, of(1_800)).is_some());
    assert!(over(&session, 3_600, of(7_200)).is_some());
    let next = put(&session, refresh(0, None), at(3_599), &of(7_200)).next;
    assert!(over(&next, 3_599 + 7_199, of(7_200)).is_none());
    let still = Policy {
        rotate: false,
        ..of(7_200)
    };
    let next = put(&session, refresh(0, None), at(3_599), &still).next;
    assert_eq!((next.generation, next.idle), (Generation(0), still.idle));
}

#[test]
fn a_second_after_sign_in_a_renewed_token_really_lives_longer() {
    for preset in [Preset::WeeklySliding, Preset::Timer, Preset::SoftExpiry] {
        let policy = preset.policy();
        let session = start(at(0), &policy);
        let first = session.first_tokens(&user(at(0)), at(0), &policy).access;
        let event = Event::Renew(Renew {
            expires_at: first.expires_at,
            issued_at: first.issued_at,
            generation: None,
            idle_for: None,
            expires_in: None,
            by_request: false,
        });
        let Decision { verdict, next } = decide(&session, &user(at(0)), &event, at(1), &policy);
        let Verdict::Renewed(renewal) = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(
            renewal.access.expires_at,
            first.expires_at.plus(secs(1)),
            "{preset:?}"
        );
        assert_ne!(next, session, "the activity that justifies it is stored");
    }
}

#[test]
fn the_first_report_of_activity_sticks_even_where_it_moves_nothing() {
    let policy = Preset::Aal2.policy();
    let session = start(at(0), &policy);
    let event = Refresh {
        idle_for: Some(secs(20)),
        ..refresh(0, None)
    };
    let next = put(&session, event, at(20), &policy).next;
    assert!(next.flags.evidence_seen);
    assert_eq!(
        put(&next, refresh(0, None), at(600), &policy)
            .next
            .active_at,
        at(0)
    );
}

#[test]
fn activity_never_goes_back_and_small_moves_are_not_written() {
    let policy = policy();
    let session = start(at(0), &policy);
    assert_eq!(
        put(&session, refresh(0, None), at(29), &policy).next,
        session
    );
    let idle = Refresh {
        idle_for: Some(secs(900)),
        ..refresh(0, None)
    };
    let person = Preset::Aal2.policy();
    let session = Session {
        active_at: at(50),
        ..start(at(0), &person)
    };
    assert_eq!(put(&session, idle, at(60), &person).next.active_at, at(50));
}

#[test]
fn the_cap_counts_what_may_go_on_and_ends_the_least_recently_active() {
    let policy = PolicyDraft {
        sessions_per_user: Some(2),
        ..PolicyDraft::default()
    };
    let policy = policy.build().unwrap();
    let session = |n: u8, active| Session {
        id: SessionId([n; 16]),
        active_at: at(active),
        ..start(at(0), &policy)
    };
    let sessions = [session(1, 30), session(2, 20)];
    let room = |user: &Standing| make_room(&sessions, user, at(60), &policy, |_| &policy);
    let oldest = CapVerdict::StartAfterEnding(vec![sessions[1].id]);
    assert_eq!(room(&user(at(0))), oldest);
    assert_eq!(
        room(&Standing {
            reauth_at: Some(at(50)),
            ..user(at(0))
        }),
        oldest
    );
    let raised = Standing {
        version: 2,
        ..user(at(0))
    };
    assert_eq!(room(&raised), CapVerdict::StartAfterEnding(Vec::new()));
}

#[test]
fn under_a_minute_before_the_idle_deadline_every_activity_is_written() {
    // A token of 30 s, so that it is not the token that needs it.
    let policy = PolicyDraft {
        access: Some(secs(30)),
        idle: Some(Limit::After(secs(1800))),
        ..PolicyDraft::default()
    };
    let policy = policy.build().unwrap();
    let stored = |left: i64| {
        let now = 1800 - left;
        let mut session = Session {
            rotated_at: at(now - 5),
            ..start(at(0), &policy)
        };
        session.flags.evidence_seen = true;
        let a_second = Refresh {
            idle_for: Some(secs(u64::try_from(now - 1).unwrap())),
            ..refresh(0, None)
        };
        put(&session, a_second, at(now), &policy).next.active_at
    };
    assert_eq!((stored(60), stored(59)), (at(0), at(1)));
}

#[test]
fn a_full_user_is_refused_where_the_policy_says_so() {
    let draft = PolicyDraft {
        sessions_per_user: Some(2),
        when_full: Some(WhenFull::Refuse),
        ..PolicyDraft::default()
    };
    let policy = draft.build().unwrap();
    let sessions = [start(at(0), &policy), start(at(0), &policy)];
    let room = |n: usize| make_room(&sessions[..n], &user(at(0)), at(60), &policy, |_| &policy);
    assert_eq!(room(1), CapVerdict::StartAfterEnding(Vec::new()));
    assert_eq!(room(2), CapVerdict::Refused);
}

#[test]
fn a_password_change_ends_what_each_policy_says_and_a_reset_ends_all() {
    for (ends, own, another) in [
        (OnPasswordChange::EndOthers, false, true),
        (OnPasswordChange::EndAll, true, true),
        (OnPasswordChange::Keep, false, false),
    ] {
        let draft = PolicyDraft {
            on_password_change: Some(ends),
            ..PolicyDraft::default()
        };
        let policy = draft.build().unwrap();
        let session = start(at(0), &policy);
        let ended = |caller| ended_by_password_change(&session, caller, &policy);
        assert_eq!(ended(Some(session.id)), own, "{ends:?}");
        assert_eq!(ended(Some(SessionId([9; 16]))), another, "{ends:?}");
        assert!(ended(None), "{ends:?}");
    }
}

#[test]
fn contradictions_are_named_and_presets_have_none() {
    for preset in Preset::ALL {
        let draft = PolicyDraft {
            preset: Some(preset),
            ..PolicyDraft::default()
        };
        assert_eq!(draft.build().as_ref(), Ok(&preset.policy()));
    }
    let keys = |draft: PolicyDraft| draft.build().unwrap_err()[0].keys.clone();
    let draft = PolicyDraft::default;
    assert_eq!(
        keys(PolicyDraft {
            soft: Some(secs(900)),
            ..draft()
        }),
        ["soft", "access"]
    );
    let idle = Some(Limit::After(secs(899)));
    assert_eq!(keys(PolicyDraft { idle, ..draft() }), ["access", "idle"]);
    let lifetime = Some(Limit::After(secs(604_799)));
    assert_eq!(
        keys(PolicyDraft {
            lifetime,
            ..draft()
        }),
        ["idle", "lifetime"]
    );
    let grace = Some(secs(16));
    assert_eq!(
        keys(PolicyDraft { grace, ..draft() }),
        ["grace", "min_rotation_interval"]
    );
    let access = Some(secs(29));
    assert_eq!(
        keys(PolicyDraft { access, ..draft() }),
        ["min_rotation_interval", "access"]
    );
    let strict = PolicyDraft {
        grace: Some(secs(0)),
        min_rotation_interval: Some(secs(0)),
        ..draft()
    };
    assert!(strict.build().is_ok());
}

#[test]
fn an_access_token_never_outlives_its_session() {
    let session = Session {
        absolute_end: Some(at(100)),
        ..start(at(0), &policy())
    };
    assert_eq!(
        session
            .first_tokens(&user(at(0)), at(1), &policy())
            .access
            .expires_at,
        at(100)
    );
}
