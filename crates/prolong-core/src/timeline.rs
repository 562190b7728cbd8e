//! A policy in words, as a timeline: what `prolong config explain` prints.

use core::time::Duration;

use crate::{Activity, Limit, Policy, ProlongWith, SoftResponse};

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
    lines.extend(renewal(policy));
    lines.extend(idle(policy));
    lines.extend(ends(policy));
    lines.extend(bans(policy));
    lines
}

/// A span as the configuration writes it: `1w`, `72h`, `90s`.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let whole = units
        .iter()
        .find(|(_, unit)| seconds >= *unit && seconds.is_multiple_of(*unit));
    whole.map_or_else(
        || format!("{seconds}s"),
        |(name, unit)| format!("{}{name}", seconds / unit),
    )
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
        ProlongWith::RefreshToken => {
            format!("the client gets an access token for {access} and a refresh token")
        }
        ProlongWith::AccessToken | ProlongWith::AnyRequest => {
            format!("the client gets an access token for {access}; there is no refresh token")
        }
    };
    line("at sign-in", text)
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
    let counts = match policy.activity {
        Activity::Person => {
            "what the client reports of the person, or each renewal if it never reports"
        }
        Activity::PersonOnly => "only what the client reports of the person",
        Activity::Renewal => "each renewal",
        Activity::Request => "each request that forward-auth or a verifier sees",
    };
    let ends = match policy.idle {
        Limit::After(idle) => line(
            format!("{} idle", span(idle)),
            "the session is over and the user signs in again (idle_timeout)",
        ),
        Limit::Never => line("idle", "nothing happens: there is no idle timeout"),
    };
    vec![
        line("activity", format!("{counts} moves the idle deadline")),
        ends,
    ]
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
    vec![
        line(
            "on sign-out or a ban",
            "APIs that follow the feed refuse the user within a second",
        ),
        line(
            format!("at most {} after a ban", span(policy.access)),
            "every other API refuses too: the access token has expired and is not renewed",
        ),
    ]
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
    fn soft_expiry_reads_as_a_timeline() {
        assert_eq!(
            text(Preset::SoftExpiry),
            "at sign-in: the client gets an access token for 30m; there is no refresh token\n\
             after 5m: APIs answer EXPIRED_TOKEN; the client renews silently\n\
             after 18m to 27m: the client renews, without the user noticing\n\
             activity: each renewal moves the idle deadline\n\
             30m idle: the session is over and the user signs in again (idle_timeout)\n\
             12h after sign-in: the session is over, however active the user is (lifetime_reached)\n\
             on sign-out or a ban: APIs that follow the feed refuse the user within a second\n\
             at most 30m after a ban: every other API refuses too: the access token has expired and is not renewed\n"
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
}
