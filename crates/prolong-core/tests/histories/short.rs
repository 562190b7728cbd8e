//! Every short history: all sequences of an alphabet up to a length, prefixes shared.

use prolong_core::{
    EndReason, Limit, PlainPredecessor, Policy, PresentedAccessToken, Preset, ProlongWith,
};

use crate::history::{AccessToken, Cases, Change, History, Signed, Step, Token};
use crate::support::secs;

const fn seconds(n: i64) -> Step {
    Step::Clock(n * 1_000)
}

const fn present(back: i8, attempt: Option<u8>) -> Step {
    Step::Present(Token::new(back, attempt))
}

const fn idle(seconds: u16) -> Step {
    Step::Present(Token {
        idle: Some(seconds),
        ..Token::new(0, None)
    })
}

const fn renew(back: usize, idle: Option<u16>, by_request: bool) -> Step {
    Step::Renew(AccessToken {
        back,
        idle,
        expires_in: None,
        by_request,
    })
}

/// Refresh tokens of a client that names its attempts, of one that does not, and of a thief.
fn of_refresh_tokens() -> Vec<Step> {
    vec![
        seconds(10),
        seconds(31),
        seconds(299),
        present(0, None),
        present(0, Some(1)),
        present(1, None),
        present(1, Some(1)),
        present(1, Some(2)),
        present(2, Some(1)),
        present(3, None),
        present(-1, Some(1)),
        idle(100),
        Step::Longer,
    ]
}

/// What seldom happens: to keys, to the user, to the clock.
fn of_seldom_things() -> Vec<Step> {
    let token = Token::new(0, None);
    vec![
        seconds(31),
        seconds(-20),
        present(0, Some(1)),
        present(1, Some(2)),
        present(2, None),
        Step::Present(Token {
            signed: Signed::Newer,
            ..token
        }),
        Step::Present(Token {
            signed: Signed::Older,
            ..token
        }),
        Step::Present(Token {
            signed: Signed::Older,
            ..Token::new(1, None)
        }),
        Step::Present(Token {
            own_secret: false,
            ..token
        }),
        Step::Present(Token {
            client: Some("other"),
            ..token
        }),
        Step::Present(Token {
            access_token: PresentedAccessToken::Absent,
            ..token
        }),
        Step::Present(Token {
            access_token: PresentedAccessToken::Foreign,
            ..Token::new(1, Some(2))
        }),
        Step::Present(Token {
            concurrent: 20,
            ..Token::new(1, None)
        }),
        present(-9, None),
        Step::Present(Token {
            restore: true,
            ..Token::new(-9, None)
        }),
        Step::NewKey,
        Step::Shorter,
        Step::Reauthenticate,
        Step::User(Change::RequireReauth),
        Step::User(Change::RaiseVersion),
        Step::End(EndReason::SignedOut),
    ]
}

fn of_access_tokens() -> Vec<Step> {
    vec![
        seconds(10),
        seconds(31),
        seconds(150),
        renew(0, None, false),
        renew(1, None, false),
        renew(2, None, true),
        renew(0, Some(20), false),
        renew(0, None, true),
        Step::RequestSeen(5),
        present(0, None),
        Step::Longer,
        Step::Reauthenticate,
        Step::User(Change::RequireReauth),
        Step::User(Change::SignInElsewhere),
        Step::End(EndReason::EndedByAdmin),
    ]
}

fn explore(history: &History, alphabet: &[Step], length: u32, cases: &mut Cases) -> u64 {
    if length == 0 {
        return 1;
    }
    let mut histories = 1;
    for step in alphabet {
        let mut next = history.clone();
        next.step(step, cases);
        histories += explore(&next, alphabet, length - 1, cases);
    }
    histories
}

/// A minute of access, five of idling, a sign-in that lasts a quarter of an hour: all of it can pass in a few steps.
fn policy() -> Policy {
    Policy {
        access: secs(60),
        idle: Limit::After(secs(300)),
        lifetime: Limit::After(secs(1_000)),
        ..Preset::Aal2.policy()
    }
}

/// All histories of `alphabet` of at most `length` steps: how many there are, the empty one among them, and the cases of
/// the table that occur in them.
fn all(policy: Policy, alphabet: &[Step], length: u32) -> (u64, String) {
    let mut cases = Cases::new();
    let histories = explore(&History::new(policy), alphabet, length, &mut cases);
    let cases: Vec<_> = cases.into_iter().collect();
    (histories, cases.join(" "))
}

#[test]
fn of_clients_and_thieves() {
    let cases = "A1 A2 B1 B2 B3:forgiven B3:reuse C1 C2 D R2 R3";
    assert_eq!(
        all(policy(), &of_refresh_tokens(), 5),
        (402_234, cases.to_owned())
    );
}

#[test]
fn of_seldom_events() {
    let cases = "A1 A2 B2 B2:too-many B3:forgiven B3:reuse C1 C2 D D:too-far R0 R1 R2 R3";
    assert_eq!(
        all(policy(), &of_seldom_things(), 4),
        (204_205, cases.to_owned())
    );
}

#[test]
fn of_a_policy_that_wants_both_tokens() {
    let policy = Policy {
        require_access_token: true,
        ..policy()
    };
    let cases = "A1 A2 B2 B2:too-many B3:forgiven B3:reuse C1 C2 D D:too-far Q:foreign Q:missing R0 R1 R2 R3";
    assert_eq!(
        all(policy, &of_seldom_things(), 4),
        (204_205, cases.to_owned())
    );
}

#[test]
fn of_policies_that_rotate_or_judge_otherwise() {
    let revoke = Policy {
        plain_predecessor: PlainPredecessor::Revoke,
        ..policy()
    };
    let deny = Policy {
        plain_predecessor: PlainPredecessor::Deny,
        ..policy()
    };
    let strict = Policy {
        grace: secs(0),
        min_rotation_interval: secs(0),
        ..policy()
    };
    let not_replaced = Policy {
        rotate: false,
        ..policy()
    };
    let policies = [
        (revoke, "A1 A2 B1 B2 B3:reuse C1 C2 D R2 R3"),
        (deny, "A1 A2 B1 B2 B3:denied B3:reuse C1 C2 D R3"),
        (strict, "A2 B1 B3:forgiven B3:reuse C1 C2 D R2 R3"),
        (not_replaced, "A1 B2 B3:forgiven C1 C2 D R3"),
    ];
    for (policy, cases) in policies {
        assert_eq!(
            all(policy, &of_refresh_tokens(), 4),
            (30_941, cases.to_owned())
        );
    }
}

#[test]
fn of_access_tokens_that_prolong_themselves() {
    let presets = [
        Preset::WeeklySliding,
        Preset::Timer,
        Preset::LastAccess,
        Preset::Gatekeeper,
    ];
    for preset in presets.map(Preset::policy) {
        let policy = Policy {
            prolong_with: preset.prolong_with,
            activity: preset.activity,
            accept_expired: secs(90),
            sign_in_within: preset.sign_in_within.map(|_| secs(200)),
            supersede: preset.prolong_with == ProlongWith::AccessToken,
            ..policy()
        };
        let (histories, cases) = all(policy, &of_access_tokens(), 4);
        assert_eq!((histories, &*cases), (54_241, "R2 R3 wrong kind"));
    }
}
