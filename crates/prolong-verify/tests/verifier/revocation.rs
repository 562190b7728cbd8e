//! What the feed says, and in which order it counts.

use prolong_protocol::feed::{Entry, Kind, arg_of};
use prolong_verify::{Action, Code, Keys, Reason, Rejection, Revoked, SeenTokens, verify};
use serde_json::json;

use crate::mint::{NOW, expected, keys, token};

const SALT: [u8; 16] = [9; 16];
const UNTIL: u64 = 1_795_440_000;

pub(crate) fn entry(kind: Kind, name: &str, arg: u64) -> Entry {
    Entry {
        seq: 1,
        kind,
        key: Revoked::key_of(&SALT, name),
        arg,
        until: UNTIL,
    }
}

pub(crate) fn revoked(entries: &[Entry]) -> Revoked {
    let mut revoked = Revoked::new(SALT);
    for entry in entries {
        revoked.apply(entry).unwrap();
    }
    revoked
}

fn outcome(revoked: &Revoked) -> Result<(), Rejection> {
    verify(
        &token(&json!({}), &json!({})),
        &keys(),
        &expected(),
        revoked,
        NOW,
    )
    .map(|_| ())
}

#[test]
fn an_ended_session_is_refused_with_its_reason() {
    let arg = arg_of(Reason::SignedOutElsewhere);
    let refused = outcome(&revoked(&[entry(Kind::SESSION, "s1", arg)])).unwrap_err();
    assert_eq!(
        (refused.code(), refused.action()),
        (Code::InvalidToken, Action::SignIn)
    );
    assert_eq!(refused.reason(), Some(Reason::SignedOutElsewhere));
    assert_eq!(
        outcome(&revoked(&[entry(Kind::SESSION, "s1", 0)]))
            .unwrap_err()
            .reason(),
        None
    );
    assert!(outcome(&revoked(&[entry(Kind::SESSION, "s2", 0)])).is_ok());
}

#[test]
fn a_raised_version_and_a_newer_generation_are_refused_below_only() {
    assert!(
        outcome(&revoked(&[
            entry(Kind::USER, "u1", 3),
            entry(Kind::GENERATION, "s1", 5)
        ]))
        .is_ok()
    );
    let raised = outcome(&revoked(&[entry(Kind::USER, "u1", 4)])).unwrap_err();
    assert_eq!(
        (raised.action(), raised.reason()),
        (Action::SignIn, Some(Reason::VersionRaised))
    );
    let newer = outcome(&revoked(&[entry(Kind::GENERATION, "s1", 6)])).unwrap_err();
    assert_eq!(
        (newer.code(), newer.action(), newer.reason()),
        (Code::ExpiredToken, Action::Renew, Some(Reason::Superseded))
    );
}

#[test]
fn a_dead_key_and_a_cut_count_first() {
    let all = [
        entry(Kind::SESSION, "s1", 0),
        entry(Kind::GENERATION, "s1", 6),
        entry(Kind::USER, "u1", 4),
        entry(Kind::CLIENT, "web", NOW.cast_unsigned()),
        entry(Kind::SIGNING_KEY, "ES256", 0),
    ];
    let order = [
        Rejection::KeyDistrusted,
        Rejection::IssuedBeforeCut,
        Rejection::VersionRaised,
    ];
    for (gone, first) in order.into_iter().enumerate() {
        assert_eq!(outcome(&revoked(&all[..5 - gone])), Err(first));
    }
    assert_eq!(
        outcome(&revoked(&all[..2])),
        Err(Rejection::SessionEnded(None))
    );
    let global = Entry {
        key: [0; 8],
        ..entry(Kind::GLOBAL, "", NOW.cast_unsigned() - 59)
    };
    assert_eq!(
        outcome(&revoked(&[global])),
        Err(Rejection::IssuedBeforeCut)
    );
    assert!(
        outcome(&revoked(&[Entry {
            arg: NOW.cast_unsigned() - 60,
            ..global
        }]))
        .is_ok()
    );
}

/// The key set loses a dead key at its next refresh; its tokens are renewed all the same, and nobody signs in again.
#[test]
fn a_dead_key_that_has_left_the_keys_is_still_known_for_dead() {
    let (token, none) = (token(&json!({}), &json!({})), Keys::default());
    let seen = SeenTokens::new(10, &[1; 32]);
    let says = |keys: &Keys, revoked: &Revoked| {
        let plain = verify(&token, keys, &expected(), revoked, NOW).map(drop);
        let remembered = seen
            .verify(&token, keys, &expected(), revoked, NOW)
            .map(drop);
        assert_eq!(plain, remembered);
        plain
    };
    let nothing = revoked(&[]);
    let dead = revoked(&[entry(Kind::SIGNING_KEY, "ES256", 0)]);
    let another = revoked(&[entry(Kind::SIGNING_KEY, "EdDSA", 0)]);
    for _ in 0..2 {
        assert_eq!(says(&none, &dead), Err(Rejection::KeyDistrusted));
        assert_eq!(says(&none, &another), Err(Rejection::UnknownKey));
        assert_eq!(says(&none, &nothing), Err(Rejection::UnknownKey));
        // And once more for a token that was seen while its key was good.
        assert_eq!(says(&keys(), &nothing), Ok(()));
    }
    let mut later = Revoked::new([1; 16]);
    later.merge(&dead);
    assert_eq!(
        says(&none, &later),
        Err(Rejection::KeyDistrusted),
        "under an earlier salt"
    );
    assert!(!dead.kills_key_of("") && !dead.kills_key_of("a.b.c"));
}

#[test]
fn nothing_is_unlearnt_before_its_time() {
    let mut all = revoked(&[entry(Kind::USER, "u1", 4), entry(Kind::USER, "u1", 2)]);
    all.merge(&Revoked::new([1; 16]));
    all.prune(UNTIL - 1);
    assert_eq!(outcome(&all), Err(Rejection::VersionRaised));
    let mut union = Revoked::new([1; 16]);
    union.merge(&all);
    assert_eq!(
        outcome(&union),
        Err(Rejection::VersionRaised),
        "an earlier salt still counts"
    );
    union.prune(UNTIL);
    assert!(union.is_empty() && outcome(&union).is_ok());
}

#[test]
fn an_unknown_kind_changes_nothing_and_is_told() {
    let mut revoked = Revoked::new(SALT);
    assert!(
        revoked
            .apply(&entry(Kind::new(b'L').unwrap(), "s1", 0))
            .is_err()
    );
    assert!(revoked.is_empty());
}

#[test]
fn every_end_reason_travels() {
    for reason in Reason::ALL
        .iter()
        .filter(|reason| **reason != Reason::Superseded)
    {
        assert_eq!(
            prolong_protocol::feed::reason_of(arg_of(*reason)),
            Some(*reason)
        );
    }
}

/// After a restore, with something said under either salt: a name is another one under each.
#[test]
fn each_salt_has_its_own_names_at_first_sight() {
    for (kind, name, arg, refusal) in [
        (Kind::SESSION, "s1", 0, Rejection::SessionEnded(None)),
        (Kind::USER, "u1", 4, Rejection::VersionRaised),
    ] {
        let mut restored = Revoked::new([1; 16]);
        for kind in [Kind::SESSION, Kind::USER] {
            let other = Entry {
                key: Revoked::key_of(&[1; 16], "another"),
                ..entry(kind, "another", 9)
            };
            restored.apply(&other).unwrap();
        }
        assert_eq!(outcome(&restored), Ok(()));
        restored.merge(&revoked(&[entry(kind, name, arg)]));
        assert_eq!(outcome(&restored), Err(refusal));
    }
}
