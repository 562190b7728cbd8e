//! What a policy is told as.

use super::*;
use crate::Preset;

fn text(preset: Preset) -> String {
    let lines = explain_policy(&preset.policy());
    let lines: Vec<_> = lines
        .iter()
        .map(|l| format!("{}: {}\n", l.at, l.text))
        .collect();
    lines.concat()
}

#[test]
fn spans_are_said_in_two_units_at_most() {
    for (seconds, said) in [
        (0, "0s"),
        (45, "45s"),
        (90, "1m 30s"),
        (810, "13m 30s"),
        (5400, "90m"),
        (3 * 86_400, "3d"),
        (100 * 86_400, "100d"),
        (3 * 86_400 + 900, "3d 15m"),
        (86_400 + 3_600 + 1, "1d 1h"),
    ] {
        assert_eq!(span(Duration::from_secs(seconds)), said);
    }
}

#[test]
fn soft_expiry_reads_as_a_timeline() {
    assert_eq!(
        text(Preset::SoftExpiry),
        "at sign-in: the client gets an access token for 30m; there is no refresh token\n\
         after 5m: APIs answer EXPIRED_TOKEN; the client renews silently\n\
         after 18m to 27m: the client renews, without the user noticing\n\
         activity: each renewal moves the idle deadline\n\
         30m idle: the session is over and the user signs in again (idle_timeout)\n\
         12h after sign-in: the session is over, however active the user is (lifetime_reached)\n\
         on a password change: the user's other sessions end (password_changed); this one goes on\n\
         on sign-out or a ban: this authority refuses the user at once, and APIs that follow the feed within a second\n\
         at most 30m after a ban: every other API refuses too: the access token has expired and is not renewed\n\
         if an access token is stolen: the thief can prolong it as the user can, 12h at most after the sign-in; nothing \
         tells the two apart, so the user ends the session when they see it\n"
    );
}

#[test]
fn every_preset_says_when_it_ends() {
    for preset in Preset::ALL {
        assert!(
            explain_policy(&preset.policy()).len() >= 6,
            "{}",
            preset.as_str()
        );
    }
    assert!(text(Preset::Device).contains("no idle timeout"));
    assert!(text(Preset::WeeklySliding).contains("after 1h: the client renews"));
}

#[test]
fn every_preset_says_what_a_ban_a_theft_and_a_password_change_come_to() {
    for preset in Preset::ALL {
        let text = text(preset);
        for at in [
            "on a password change: ",
            "on sign-out or a ban: ",
            "if an access token is stolen: ",
        ] {
            assert_eq!(text.matches(at).count(), 1, "{at} {}", preset.as_str());
        }
        let rotates = preset.policy().prolong_with == ProlongWith::RefreshToken;
        assert_eq!(
            text.contains("if a refresh token is stolen: "),
            rotates,
            "{}",
            preset.as_str()
        );
    }
}

/// An override that left the explanation as it was would be a promise that nobody made.
#[test]
fn every_override_changes_what_is_said() {
    let defaults = Policy::defaults();
    let change = |f: fn(&mut Policy)| {
        let mut policy = Policy::defaults();
        f(&mut policy);
        policy
    };
    let overrides = [
        ("access", change(|p| p.access = Duration::from_mins(2))),
        ("soft", change(|p| p.soft = Some(Duration::from_mins(1)))),
        ("idle", change(|p| p.idle = Limit::Never)),
        ("lifetime", change(|p| p.lifetime = Limit::Never)),
        (
            "sign_in_within",
            change(|p| p.sign_in_within = Some(Duration::from_mins(1))),
        ),
        (
            "renew_every",
            change(|p| p.renew_every = Some(Duration::from_mins(1))),
        ),
        (
            "prolong_with",
            change(|p| p.prolong_with = ProlongWith::AnyRequest),
        ),
        (
            "accept_expired",
            change(|p| p.accept_expired = Duration::from_mins(1)),
        ),
        (
            "require_access_token",
            change(|p| p.require_access_token = true),
        ),
        ("rotate", change(|p| p.rotate = false)),
        ("grace", change(|p| p.grace = Duration::from_secs(5))),
        (
            "min_rotation_interval",
            change(|p| p.min_rotation_interval = Duration::from_mins(1)),
        ),
        (
            "grace, min_rotation_interval",
            change(|p| {
                p.grace = Duration::ZERO;
                p.min_rotation_interval = Duration::ZERO;
            }),
        ),
        ("activity", change(|p| p.activity = Activity::Renewal)),
        ("supersede", change(|p| p.supersede = true)),
        (
            "sessions_per_user",
            change(|p| p.sessions_per_user = core::num::NonZeroU32::new(3)),
        ),
        ("replace_others", change(|p| p.replace_others = true)),
        (
            "on_password_change",
            change(|p| p.on_password_change = OnPasswordChange::Keep),
        ),
        ("on_reuse", change(|p| p.on_reuse = OnReuse::User)),
        (
            "plain_predecessor",
            change(|p| p.plain_predecessor = PlainPredecessor::Revoke),
        ),
        (
            "check_url",
            change(|p| p.check_url = Some("https://x.example".into())),
        ),
        (
            "check_failure",
            change(|p| {
                p.check_url = Some("https://x.example".into());
                p.check_failure = CheckFailure::Refuse;
            }),
        ),
    ];
    let mut seen = vec![explain_policy(&defaults)];
    for (key, policy) in overrides {
        let lines = explain_policy(&policy);
        assert!(!seen.contains(&lines), "{key} is not told");
        seen.push(lines);
    }
    let full = |when_full| {
        explain_policy(&Policy {
            sessions_per_user: core::num::NonZeroU32::new(3),
            when_full,
            ..Policy::defaults()
        })
    };
    assert_ne!(full(WhenFull::EndOldest), full(WhenFull::Refuse));
    let soft = |soft_response| {
        explain_policy(&Policy {
            soft: Some(Duration::from_mins(1)),
            soft_response,
            ..Policy::defaults()
        })
    };
    assert_ne!(soft(SoftResponse::Hint), soft(SoftResponse::Reject));
}
