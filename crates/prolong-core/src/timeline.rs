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
    lines.extend(at_once(policy));
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
    // 90m is as good as 1h 30m; 4335m is no way to say 3d 15m.
    let whole = units.iter().find(|(_, unit)| {
        let many = *unit < 86_400 && seconds / unit >= 100;
        seconds >= *unit && seconds.is_multiple_of(*unit) && !many
    });
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
        "at sign-in and at each prolongation that is stored",
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

/// What happens to whoever comes second with a token that was just replaced: another tab, or a client whose answer was lost.
fn at_once(policy: &Policy) -> Option<TimelineLine> {
    if policy.prolong_with != ProlongWith::RefreshToken || !policy.rotate {
        return None;
    }
    let text = if policy.min_rotation_interval.is_zero() {
        "each renewal replaces the token, and whoever comes second with the one before is known by its attempt id alone"
            .to_owned()
    } else {
        format!(
            "both get the same tokens, as far as {} apart; a refresh token is replaced after {} at the soonest",
            span(policy.grace),
            span(policy.min_rotation_interval)
        )
    };
    Some(line("if two renew at once", text))
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
mod tests;
