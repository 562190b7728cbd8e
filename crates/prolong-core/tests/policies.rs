//! The policy as written and as meant: what contradicts itself, and what each preset says.
use std::time::Duration;

use prolong_core::{
    Activity, CheckFailure, Limit, OnPasswordChange, OnReuse, PlainPredecessor, Policy,
    PolicyDraft, Preset, ProlongWith, SoftResponse, WhenFull,
};

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

const fn hours(n: u64) -> Duration {
    Duration::from_hours(n)
}

const fn days(n: u64) -> Duration {
    Duration::from_hours(24 * n)
}

fn draft() -> PolicyDraft {
    PolicyDraft::default()
}

/// A draft, and the keys of every fault it has, in order.
fn faults(draft: &PolicyDraft) -> Vec<Vec<&'static str>> {
    match draft.clone().build() {
        Ok(_) => Vec::new(),
        Err(faults) => faults.into_iter().map(|fault| fault.keys).collect(),
    }
}

/// `wrong` has exactly one fault, with these keys; `right`, a step away from it, has none.
fn edge(keys: &[&'static str], wrong: &PolicyDraft, right: &PolicyDraft) {
    assert_eq!(faults(wrong), [keys.to_vec()], "{wrong:?}");
    assert!(faults(right).is_empty(), "{right:?}");
}

#[test]
fn every_contradiction_between_spans_is_found_at_its_edge() {
    let strict = || PolicyDraft {
        grace: Some(secs(0)),
        min_rotation_interval: Some(secs(0)),
        ..draft()
    };
    let access = |span| PolicyDraft {
        access: Some(span),
        ..strict()
    };
    edge(
        &["access"],
        &access(Duration::from_millis(999)),
        &access(secs(1)),
    );
    let soft = |span| PolicyDraft {
        soft: Some(span),
        ..draft()
    };
    edge(&["soft"], &soft(Duration::from_millis(999)), &soft(secs(1)));
    edge(&["soft", "access"], &soft(minutes(15)), &soft(secs(899)));
    let idle = |span| PolicyDraft {
        idle: Some(Limit::After(span)),
        ..draft()
    };
    edge(&["access", "idle"], &idle(secs(899)), &idle(minutes(15)));
    let lifetime = |span| PolicyDraft {
        lifetime: Some(Limit::After(span)),
        ..draft()
    };
    edge(
        &["idle", "lifetime"],
        &lifetime(secs(604_799)),
        &lifetime(days(7)),
    );
    let never_idle = |span| PolicyDraft {
        idle: Some(Limit::Never),
        ..lifetime(span)
    };
    edge(
        &["access", "lifetime"],
        &never_idle(secs(899)),
        &never_idle(minutes(15)),
    );
    let every = |span| PolicyDraft {
        renew_every: Some(span),
        ..draft()
    };
    edge(
        &["renew_every"],
        &every(Duration::from_millis(999)),
        &every(secs(1)),
    );
    let within = |span| PolicyDraft {
        sign_in_within: Some(span),
        ..draft()
    };
    edge(
        &["sign_in_within", "access"],
        &within(secs(899)),
        &within(minutes(15)),
    );
}

#[test]
fn every_contradiction_of_rotation_is_found_at_its_edge() {
    let rotation = |grace, interval| PolicyDraft {
        grace: Some(secs(grace)),
        min_rotation_interval: Some(secs(interval)),
        ..draft()
    };
    edge(
        &["grace", "min_rotation_interval"],
        &rotation(16, 30),
        &rotation(15, 30),
    );
    edge(
        &["grace", "min_rotation_interval"],
        &rotation(0, 14),
        &rotation(0, 15),
    );
    edge(
        &["grace", "min_rotation_interval"],
        &rotation(10, 0),
        &rotation(0, 0),
    );
    edge(
        &["min_rotation_interval", "access"],
        &rotation(10, 901),
        &rotation(10, 900),
    );
}

#[test]
fn every_contradiction_between_kinds_is_found() {
    let by = |prolong_with| PolicyDraft {
        prolong_with: Some(prolong_with),
        ..draft()
    };
    for kind in [ProlongWith::AccessToken, ProlongWith::AnyRequest] {
        let never = |prolong_with| PolicyDraft {
            lifetime: Some(Limit::Never),
            ..by(prolong_with)
        };
        edge(
            &["prolong_with", "lifetime"],
            &never(kind),
            &never(ProlongWith::RefreshToken),
        );
        let expired = |prolong_with| PolicyDraft {
            accept_expired: Some(secs(1)),
            ..by(prolong_with)
        };
        edge(
            &["accept_expired", "prolong_with"],
            &expired(ProlongWith::RefreshToken),
            &expired(kind),
        );
        let both = |prolong_with| PolicyDraft {
            require_access_token: Some(true),
            ..by(prolong_with)
        };
        edge(
            &["require_access_token", "prolong_with"],
            &both(kind),
            &both(ProlongWith::RefreshToken),
        );
    }
    let supersede = |prolong_with| PolicyDraft {
        supersede: Some(true),
        ..by(prolong_with)
    };
    edge(
        &["supersede", "prolong_with"],
        &supersede(ProlongWith::AnyRequest),
        &supersede(ProlongWith::AccessToken),
    );
    let still = |supersede| PolicyDraft {
        supersede: Some(supersede),
        rotate: Some(false),
        ..draft()
    };
    edge(&["supersede", "rotate"], &still(true), &still(false));
    let reject = |soft| PolicyDraft {
        soft_response: Some(SoftResponse::Reject),
        soft,
        ..draft()
    };
    edge(
        &["soft_response", "soft"],
        &reject(None),
        &reject(Some(minutes(5))),
    );
    let cap = |sessions| PolicyDraft {
        sessions_per_user: Some(sessions),
        ..draft()
    };
    edge(&["sessions_per_user"], &cap(0), &cap(1));
}

#[test]
fn all_faults_are_told_at_once_and_name_their_keys_in_words() {
    let draft = PolicyDraft {
        sessions_per_user: Some(0),
        supersede: Some(true),
        rotate: Some(false),
        soft: Some(hours(1)),
        ..draft()
    };
    let told = draft.build().unwrap_err();
    let keys: Vec<_> = told.iter().map(|fault| fault.keys.clone()).collect();
    assert_eq!(
        keys,
        [
            vec!["sessions_per_user"],
            vec!["soft", "access"],
            vec!["supersede", "rotate"]
        ]
    );
    for fault in &told {
        for key in &fault.keys {
            assert!(fault.message.contains(&format!("`{key}")), "{fault}");
        }
    }
}

#[test]
fn never_exempts_its_comparison() {
    let policy = PolicyDraft {
        idle: Some(Limit::Never),
        lifetime: Some(Limit::After(days(1))),
        ..draft()
    };
    assert!(faults(&policy).is_empty());
    let policy = PolicyDraft {
        idle: Some(Limit::After(days(900))),
        lifetime: Some(Limit::Never),
        ..draft()
    };
    assert!(faults(&policy).is_empty());
}

#[test]
fn what_is_not_said_is_the_default() {
    let expected = Policy {
        access: minutes(15),
        soft: None,
        idle: Limit::After(days(7)),
        lifetime: Limit::After(days(30)),
        sign_in_within: None,
        renew_every: None,
        prolong_with: ProlongWith::RefreshToken,
        accept_expired: Duration::ZERO,
        require_access_token: false,
        rotate: true,
        grace: secs(10),
        min_rotation_interval: secs(30),
        activity: Activity::Person,
        soft_response: SoftResponse::Hint,
        supersede: false,
        sessions_per_user: None,
        when_full: WhenFull::EndOldest,
        replace_others: false,
        on_password_change: OnPasswordChange::EndOthers,
        on_reuse: OnReuse::Session,
        plain_predecessor: PlainPredecessor::Forgive,
        check_url: None,
        check_failure: CheckFailure::Allow,
    };
    assert_eq!(draft().build(), Ok(expected));
}

/// The table of presets, line by line: what prolongs, access, idle, lifetime, activity; the rest by `also`.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_presets_are_as_the_table_says() {
    use Activity::{Person, Renewal, Request};
    use Limit::{After, Never};
    use ProlongWith::{AccessToken, AnyRequest, RefreshToken};
    let half_hour = After(minutes(30));
    let month = After(days(30));
    let table = [
        (
            Preset::WeeklySliding,
            AccessToken,
            days(7),
            After(days(7)),
            After(days(90)),
            Renewal,
        ),
        (
            Preset::Device,
            RefreshToken,
            minutes(15),
            Never,
            Never,
            Renewal,
        ),
        (
            Preset::Gatekeeper,
            AccessToken,
            minutes(15),
            After(hours(72)),
            month,
            Renewal,
        ),
        (
            Preset::Timer,
            AccessToken,
            minutes(30),
            half_hour,
            After(hours(12)),
            Person,
        ),
        (
            Preset::LastAccess,
            AnyRequest,
            minutes(15),
            half_hour,
            After(hours(12)),
            Request,
        ),
        (
            Preset::Refresh,
            RefreshToken,
            minutes(15),
            After(days(7)),
            month,
            Renewal,
        ),
        (
            Preset::Pair,
            RefreshToken,
            minutes(5),
            After(days(7)),
            After(days(90)),
            Renewal,
        ),
        (
            Preset::Versioned,
            RefreshToken,
            minutes(15),
            After(days(7)),
            month,
            Renewal,
        ),
        (
            Preset::SoftExpiry,
            AccessToken,
            minutes(30),
            half_hour,
            After(hours(12)),
            Renewal,
        ),
        (
            Preset::Aal1,
            RefreshToken,
            minutes(15),
            Never,
            month,
            Person,
        ),
        (
            Preset::Aal2,
            RefreshToken,
            minutes(15),
            After(hours(1)),
            After(hours(24)),
            Person,
        ),
        (
            Preset::Aal3,
            RefreshToken,
            minutes(5),
            After(minutes(15)),
            After(hours(12)),
            Person,
        ),
    ];
    assert_eq!(table.map(|line| line.0), Preset::ALL);
    for (preset, prolong_with, access, idle, lifetime, activity) in table {
        let line = Policy {
            prolong_with,
            access,
            idle,
            lifetime,
            activity,
            ..Policy::defaults()
        };
        assert_eq!(preset.policy(), also(preset, line), "{preset:?}");
        assert_eq!(Preset::parse(preset.as_str()), Some(preset));
    }
}

fn also(preset: Preset, line: Policy) -> Policy {
    match preset {
        Preset::WeeklySliding => Policy {
            renew_every: Some(hours(1)),
            ..line
        },
        Preset::Device => Policy {
            on_password_change: OnPasswordChange::EndAll,
            ..line
        },
        Preset::Gatekeeper => Policy {
            accept_expired: hours(72),
            sign_in_within: Some(hours(72)),
            ..line
        },
        Preset::LastAccess => Policy {
            accept_expired: minutes(30),
            ..line
        },
        Preset::Pair => Policy {
            require_access_token: true,
            ..line
        },
        Preset::SoftExpiry => Policy {
            soft: Some(minutes(5)),
            soft_response: SoftResponse::Reject,
            ..line
        },
        _ => line,
    }
}
