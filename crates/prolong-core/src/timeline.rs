//! A policy in words, as a timeline: what `prolong config explain` prints.

use core::time::Duration;

use crate::{
    Activity, CheckFailure, Limit, OnPasswordChange, OnReuse, PlainPredecessor, Policy,
    ProlongWith, SoftResponse, WhenFull,
};

/// One line of a policy's timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimelineLine {
    /// When, in words: `after 15m`, `at sign-in`.
    pub at: String,
    /// What happens then.
    pub text: String,
}

/// Explains what `policy` means for a user, in the order in which they would notice.
#[must_use]
pub fn explain_policy(policy: &Policy) -> Vec<TimelineLine> {
    let mut lines = vec![start(policy)];
    lines.extend(other_sessions(policy));
    lines.extend(checks(policy));
    lines.extend(renewal(policy));
    lines.extend(idle(policy));
    lines.extend(ends(policy));
    lines.push(password_change(policy));
    lines.extend(bans(policy));
    lines.extend(theft(policy));
    lines
}

/// A span as people say it, in two units at most: `1d`, `72h`, `13m 30s`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let whole = units
        .iter()
        .find(|(_, unit)| seconds >= *unit && seconds.is_multiple_of(*unit));
    let largest = units.iter().find(|(_, unit)| seconds >= *unit);
    match (whole, largest) {
        (Some((name, unit)), _) if *unit > 1 || seconds < 60 => {
            format!("{}{name}", seconds / unit)
        }
        (_, Some((name, unit))) => {
            let rest = span(Duration::from_secs(seconds % unit));
            let rest = rest.split(' ').next().unwrap_or_default();
            format!("{}{name} {rest}", seconds / unit)
        }
        (_, None) => "0s".to_owned(),
    }
}

fn line(at: impl Into<String>, text: impl Into<String>) -> TimelineLine {
    TimelineLine {
        at: at.into(),
        text: text.into(),
    }
}

fn start(policy: &Policy) -> TimelineLine {
    let access = span(policy.access);
    let text = match policy.prolong_with {
        ProlongWith::RefreshToken if policy.require_access_token => format!(
            "the client gets an access token for {access} and a refresh token; renewing takes both, the access token may \
             have expired"
        ),
        ProlongWith::RefreshToken => {
            format!("the client gets an access token for {access} and a refresh token")
        }
        ProlongWith::AccessToken | ProlongWith::AnyRequest => {
            format!("the client gets an access token for {access}; there is no refresh token")
        }
    };
    line("at sign-in", text)
}

/// What a sign-in does to the user's other sessions.
fn other_sessions(policy: &Policy) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    if policy.replace_others {
        let text = "the user's other sessions end (version_raised): one session at a time";
        lines.push(line("at sign-in", text));
    }
    if let Some(most) = policy.sessions_per_user {
        let text = match policy.when_full {
            WhenFull::EndOldest => "the one that was active least recently ends (displaced)",
            WhenFull::Refuse => "the new sign-in is refused until one has ended",
        };
        lines.push(line(
            format!("at sign-in, with {most} sessions already"),
            text,
        ));
    }
    lines
}

/// The operator's own user table.
fn checks(policy: &Policy) -> Option<TimelineLine> {
    policy.check_url.as_ref()?;
    let silent = match policy.check_failure {
        CheckFailure::Allow => "the user goes on where it does not answer",
        CheckFailure::Refuse => "the user is refused where it does not answer within a second",
    };
    Some(line(
        "at sign-in and at renewals",
        format!("your own user table (check_url) is asked; {silent}"),
    ))
}

fn password_change(policy: &Policy) -> TimelineLine {
    let text = match policy.on_password_change {
        OnPasswordChange::EndOthers => {
            "the user's other sessions end (password_changed); this one goes on"
        }
        OnPasswordChange::EndAll => "every session of the user ends (password_changed)",
        OnPasswordChange::Keep => "every session goes on",
    };
    line("on a password change", text)
}

/// What a copied token is good for, and how it is found.
fn theft(policy: &Policy) -> Vec<TimelineLine> {
    let access = span(policy.access);
    if policy.prolong_with != ProlongWith::RefreshToken {
        let text = match policy.lifetime {
            Limit::After(lifetime) => format!(
                "the thief can prolong it as the user can, {} at most after the sign-in; nothing tells the two apart, so \
                 the user ends the session when they see it",
                span(lifetime)
            ),
            Limit::Never => "the thief can prolong it as the user can; the user ends the session when they see it".to_owned(),
        };
        return vec![line("if an access token is stolen", text)];
    }
    let found = match policy.on_reuse {
        OnReuse::Session => "the session ends",
        OnReuse::User => "every session of the user ends",
    };
    let refresh = if policy.rotate {
        let late = match policy.plain_predecessor {
            PlainPredecessor::Forgive => {
                "; a client without attempt ids that lost an answer is forgiven once"
            }
            PlainPredecessor::Deny => {
                "; a client without attempt ids that lost an answer signs in again"
            }
            PlainPredecessor::Revoke => {
                "; a client without attempt ids that lost an answer loses its session, too"
            }
        };
        format!(
            "the thief and the user fall out of step at a renewal; the first spent token that is used again shows it, and \
             {found} (reuse_detected){late}"
        )
    } else {
        "it is never replaced, so nothing shows the theft: it is good until the session ends"
            .to_owned()
    };
    vec![
        line(
            "if an access token is stolen",
            format!("it is good for {access} at most, or until the session ends"),
        ),
        line("if a refresh token is stolen", refresh),
    ]
}

fn renewal(policy: &Policy) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    if let Some(soft) = policy.soft {
        let text = match policy.soft_response {
            SoftResponse::Hint => "the access token is due for renewal; APIs still serve it",
            SoftResponse::Reject => "APIs answer EXPIRED_TOKEN; the client renews silently",
        };
        lines.push(line(format!("after {}", span(soft)), text));
    }
    if policy.prolong_with == ProlongWith::AnyRequest {
        let text = "the next request through forward-auth brings a new access token along";
        lines.push(line(format!("after {}", span(policy.access / 2)), text));
    } else {
        let first = policy.access.mul_f64(0.6);
        let (from, to) = policy
            .renew_every
            .map_or((first, policy.access.mul_f64(0.9)), |every| {
                (first.min(every), policy.access.mul_f64(0.9).min(every))
            });
        let when = if from == to {
            span(from)
        } else {
            format!("{} to {}", span(from), span(to))
        };
        lines.push(line(
            format!("after {when}"),
            "the client renews, without the user noticing",
        ));
    }
    if policy.accept_expired > Duration::ZERO {
        let until = span(policy.access + policy.accept_expired);
        let text = "an expired access token no longer prolongs the session; until then it does";
        lines.push(line(format!("after {until}"), text));
    }
    lines
}

fn idle(policy: &Policy) -> Vec<TimelineLine> {
    let moves = match policy.activity {
        Activity::Person => {
            "what the client reports of the person moves the idle deadline; where it never reports, each renewal does"
        }
        Activity::PersonOnly => {
            "only what the client reports of the person moves the idle deadline"
        }
        Activity::Renewal => "each renewal moves the idle deadline",
        Activity::Request => {
            "each request that forward-auth or a verifier sees moves the idle deadline"
        }
    };
    let ends = match policy.idle {
        Limit::After(idle) => line(
            format!("{} idle", span(idle)),
            "the session is over and the user signs in again (idle_timeout)",
        ),
        Limit::Never => line("idle", "nothing happens: there is no idle timeout"),
    };
    vec![line("activity", moves), ends]
}

fn ends(policy: &Policy) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    if let Some(within) = policy.sign_in_within {
        lines.push(line(
            format!(
                "{} after the user's last sign-in, on any device",
                span(within)
            ),
            "the user proves who they are again; the session goes on (sign_in_too_old)",
        ));
    }
    lines.push(match policy.lifetime {
        Limit::After(lifetime) => line(
            format!("{} after sign-in", span(lifetime)),
            "the session is over, however active the user is (lifetime_reached)",
        ),
        Limit::Never => line(
            "for ever",
            "an active session goes on: there is no absolute lifetime",
        ),
    });
    lines
}

fn bans(policy: &Policy) -> Vec<TimelineLine> {
    let mut lines = Vec::new();
    if policy.supersede {
        let text = "APIs that follow the feed refuse the older access token within a second";
        lines.push(line("after each renewal", text));
    }
    lines.extend([
        line(
            "on sign-out or a ban",
            "this authority refuses the user at once, and APIs that follow the feed within a second",
        ),
        line(
            format!("at most {} after a ban", span(policy.access)),
            "every other API refuses too: the access token has expired and is not renewed",
        ),
    ]);
    lines
}

#[cfg(test)]
mod tests {
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
        let overrides: [(&str, Policy); 19] = [
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
}
