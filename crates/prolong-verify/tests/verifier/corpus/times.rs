//! Cases that depend on the time, the feed, and what a route asks. Each is named for a line of the checklist.

use prolong_protocol::{
    feed::{Entry, Kind, arg_of},
    problem::Reason,
};
use prolong_verify::{Algorithm, Audience, Caller, Revoked, SoftExpiry};
use serde_json::json;

use super::{Group, SALT, Signer, claims, header, text::Object};
use crate::mint::NOW;

const UNTIL: u64 = 1_795_440_000;

pub(super) fn groups(signer: &Signer) -> Vec<Group> {
    let mut all = vec![numbers(signer)];
    all.extend(expiries(signer));
    all.extend(soft_expiries(signer));
    all.push(any_audience(signer));
    all.extend(feeds(signer));
    all.extend(dead_keys(signer));
    all.extend(requirements(signer));
    all
}

fn signed(signer: &Signer, claims: &Object) -> String {
    signer.token(
        Algorithm::EdDsa,
        &header(Algorithm::EdDsa).to_string(),
        claims.to_string(),
    )
}

/// JWT-15: times as strange numbers.
fn numbers(signer: &Signer) -> Group {
    let mut group = Group::new("numbers as times");
    for name in ["exp", "iat", "nbf", "softexp", "auth_time"] {
        for raw in [
            "0",
            "-0",
            "-1",
            "1e300",
            "-1e300",
            "1e400",
            "-1e400",
            "1e-400",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "-9223372036854775809",
            "1795435200",
            "1795435200.0",
            "1795435200.5",
            "1795435199.999",
            "17954352e2",
            "1.7954352E+9",
            "179543520000e-2",
            "1795435230",
            "1795435230.5",
            "1795435231",
        ] {
            group.case(
                format!("jwt-15-{name}-{raw}"),
                signed(signer, &claims().set(name, raw)),
            );
        }
    }
    group
}

/// JWT-15: the second at which it is over, with and without leeway, and for the authority.
fn expiries(signer: &Signer) -> Vec<Group> {
    let token = signed(signer, &claims().set("exp", NOW).set("nbf", NOW));
    let fraction = signed(signer, &claims().set("exp", format!("{NOW}.5")));
    let mut all = Vec::new();
    for (name, leeway, expired_for, nows) in [
        ("no leeway", 0, 0, &[-31, -30, -1, 0, 1][..]),
        ("5 s of leeway", 5, 0, &[0, 4, 5]),
        ("expired tokens for 60 s", 0, 60, &[-1, 0, 59, 60]),
        ("both", 5, 60, &[4, 5, 64, 65]),
        ("expired tokens for ever", 0, i64::MAX, &[0, 1_000_000_000]),
    ] {
        for ahead in nows {
            let mut group = Group::new(name);
            group.now = NOW + ahead;
            group.expected.exp_leeway = leeway;
            group.expected.expired_for = expired_for;
            group.case(format!("jwt-15-exp-{name}-{ahead}"), token.clone());
            group.case(
                format!("jwt-15-exp-fraction-{name}-{ahead}"),
                fraction.clone(),
            );
            all.push(group);
        }
    }
    all
}

/// `EXPIRED_TOKEN` past `softexp`, `INVALID_TOKEN` past `exp`.
fn soft_expiries(signer: &Signer) -> Vec<Group> {
    let soft = signed(signer, &claims().set("softexp", NOW).set("exp", NOW + 10));
    let plain = signed(signer, &claims().set("exp", NOW + 10));
    let mut all = Vec::new();
    for soft_expiry in [SoftExpiry::Hint, SoftExpiry::Reject] {
        for ahead in [-1, 0, 9, 10] {
            let mut group = Group::new("soft expiry");
            group.now = NOW + ahead;
            group.expected.soft_expiry = soft_expiry;
            group.case(format!("softexp-{soft_expiry:?}-{ahead}"), soft.clone());
            group.case(
                format!("softexp-absent-{soft_expiry:?}-{ahead}"),
                plain.clone(),
            );
            all.push(group);
        }
    }
    all
}

/// ATJ-8: the authority takes any audience, but there must be one.
fn any_audience(signer: &Signer) -> Group {
    let mut group = Group::new("any audience");
    group.expected.audience = Audience::Any;
    for (number, raw) in ["\"else\"", "[\"else\"]", "[]", "null", "\"\""]
        .iter()
        .enumerate()
    {
        group.case(
            format!("atj-8-aud-{number}"),
            signed(signer, &claims().set("aud", raw)),
        );
    }
    group
}

fn entry(seq: u64, kind: Kind, name: &str, arg: u64) -> Entry {
    Entry {
        seq,
        kind,
        key: Revoked::key_of(&SALT, name),
        arg,
        until: UNTIL,
    }
}

/// What is revoked, and which refusal counts first (`docs/reference/feed.md`).
fn feeds(signer: &Signer) -> Vec<Group> {
    let full = signed(signer, &claims().set("jwt_version", 3).set("gen", 5));
    let bare = signed(signer, &claims());
    let machine = signed(signer, &claims().without("sid"));
    let key = entry(1, Kind::SIGNING_KEY, "EdDSA", 0);
    let cut = entry(2, Kind::CLIENT, "web", NOW.unsigned_abs());
    let raised = entry(3, Kind::USER, "u1", 4);
    let ended = entry(4, Kind::SESSION, "s1", arg_of(Reason::SignedOut));
    let newer = entry(5, Kind::GENERATION, "s1", 6);
    let global = |seconds: u64| Entry {
        key: [0; 8],
        ..entry(6, Kind::GLOBAL, "", NOW.unsigned_abs() - seconds)
    };
    let mut cases = vec![
        ("everything", vec![newer, ended, raised, cut, key]),
        ("all-but-the-key", vec![newer, ended, raised, cut]),
        ("version-session-generation", vec![newer, ended, raised]),
        ("session-and-generation", vec![newer, ended]),
        ("generation", vec![newer]),
        ("nothing", vec![]),
        ("another-key", vec![entry(1, Kind::SIGNING_KEY, "ES256", 0)]),
        ("another-session", vec![entry(1, Kind::SESSION, "s2", 0)]),
        (
            "session-without-a-reason",
            vec![entry(1, Kind::SESSION, "s1", 0)],
        ),
        (
            "session-twice",
            vec![entry(1, Kind::SESSION, "s1", 0), ended],
        ),
        ("version-as-it-is", vec![entry(1, Kind::USER, "u1", 3)]),
        (
            "version-learnt-twice",
            vec![raised, entry(4, Kind::USER, "u1", 1)],
        ),
        (
            "generation-as-it-is",
            vec![entry(1, Kind::GENERATION, "s1", 5)],
        ),
        (
            "client-cut-before",
            vec![entry(1, Kind::CLIENT, "web", NOW.unsigned_abs() - 60)],
        ),
        ("global-cut", vec![global(59)]),
        ("global-cut-before", vec![global(60)]),
    ];
    for reason in Reason::ALL
        .iter()
        .filter(|reason| **reason != Reason::Superseded)
    {
        cases.push((
            "reason",
            vec![entry(1, Kind::SESSION, "s1", arg_of(*reason))],
        ));
    }
    let of = |(number, (name, entries)): (usize, (&'static str, Vec<Entry>))| {
        let mut group = Group::new("the feed");
        group.entries = entries;
        for (id, token) in [("full", &full), ("bare", &bare), ("machine", &machine)] {
            if name != "reason" || id == "full" {
                group.case(format!("feed-{name}-{number}-{id}"), token.clone());
            }
        }
        group
    };
    cases.into_iter().enumerate().map(of).collect()
}

/// A key that the feed declares dead has left the set, or is about to: its tokens are renewed, nobody signs in again. What
/// names it need not be authentic, for nothing is done but to refuse it.
fn dead_keys(signer: &Signer) -> Vec<Group> {
    let of_gone = |claims: &Object| {
        let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "gone" });
        signer.token(Algorithm::EdDsa, &header.to_string(), claims.to_string())
    };
    let sound = of_gone(&claims());
    let (message, _) = sound.rsplit_once('.').unwrap();
    let tokens = [
        ("sound", sound.clone()),
        ("expired", of_gone(&claims().set("exp", NOW))),
        ("forged", format!("{message}.{}", "A".repeat(86))),
        ("of-a-key-that-is-there", signed(signer, &claims())),
    ];
    let dead = |name| vec![entry(1, Kind::SIGNING_KEY, name, 0)];
    let ended = entry(2, Kind::SESSION, "s1", 0);
    let feeds = [
        ("dead", dead("gone")),
        ("dead-and-ended", [dead("gone"), vec![ended]].concat()),
        ("unknown", vec![]),
        ("unknown-and-another-dead", dead("ES256")),
    ];
    let of = |(name, entries)| {
        let mut group = Group::new("a key that left the set");
        group.entries = entries;
        for (id, token) in &tokens {
            group.case(format!("feed-key-{name}-{id}"), token.clone());
        }
        group
    };
    feeds.into_iter().map(of).collect()
}

/// BEA-5, STP-1, STP-5, ATJ-13.
fn requirements(signer: &Signer) -> Vec<Group> {
    let tokens = [
        ("plain", claims()),
        ("scope", claims().set("scope", json!("orders:read profile"))),
        (
            "longer-scope",
            claims().set("scope", json!("orders:read2 xorders:read")),
        ),
        ("other-scope", claims().set("scope", json!("orders:write"))),
        ("aged", claims().set("auth_time", NOW - 300)),
        ("fresh", claims().set("auth_time", NOW - 299)),
        (
            "fresh-and-strong",
            claims()
                .set("auth_time", NOW - 299)
                .set("acr", json!("aal2")),
        ),
        ("weak", claims().set("acr", json!("aal1"))),
        (
            "machine",
            claims().without("sid").set("scope", json!("orders:read")),
        ),
        ("sign-in-ahead", claims().set("auth_time", NOW + 100)),
    ];
    let mut groups = [
        Group::new("a scope"),
        Group::new("two scopes"),
        Group::new("a recent sign-in"),
        Group::new("a strong sign-in"),
        Group::new("recent and strong"),
        Group::new("users only"),
        Group::new("machines only"),
        Group::new("all at once"),
    ];
    groups[0].requirement.scopes = vec!["orders:read".into()];
    groups[1].requirement.scopes = vec!["orders:read".into(), "profile".into()];
    groups[2].requirement.max_age = Some(300);
    groups[3].requirement.acr_values = vec!["aal2".into(), "aal3".into()];
    groups[4].requirement.max_age = Some(300);
    groups[4].requirement.acr_values = vec!["aal2".into()];
    groups[5].requirement.caller = Caller::User;
    groups[6].requirement.caller = Caller::Machine;
    groups[7].requirement = groups[4].requirement.clone();
    groups[7].requirement.scopes = vec!["orders:read".into()];
    groups[7].requirement.caller = Caller::User;
    for group in &mut groups {
        for (id, claims) in &tokens {
            group.case(
                format!("stp-bea-5-{}-{id}", group.name.replace(' ', "-")),
                signed(signer, claims),
            );
        }
    }
    groups.into()
}
