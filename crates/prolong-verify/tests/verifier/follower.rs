//! Following the feed: gaps, restores, unknown kinds, freshness.

use aws_lc_rs::digest::{SHA256, digest};
use prolong_protocol::feed::{Chain, Entry, Frame, Heartbeat, Kind, Snapshot};
use prolong_verify::{Follower, Need, Rejection, verify};
use serde_json::json;

use crate::{
    mint::{NOW, expected, keys, token},
    revocation::entry,
};

fn chain(from: Chain, entries: &[Entry]) -> Chain {
    entries.iter().fold(from, |chain, entry| {
        chain.extend(entry, |bytes| {
            digest(&SHA256, bytes).as_ref().try_into().unwrap()
        })
    })
}

fn empty(epoch: &str) -> Snapshot {
    Snapshot {
        epoch: epoch.into(),
        seq: 0,
        chain: Chain::default(),
        salt: [9; 16],
        entries: Vec::new(),
    }
}

fn entries() -> Vec<Entry> {
    let numbered = |(seq, name)| Entry {
        seq,
        ..entry(Kind::SESSION, name, 0)
    };
    [(1, "s0"), (2, "s1"), (3, "s2")].map(numbered).to_vec()
}

fn frame(all: &[Entry], first: usize, last: usize) -> Frame {
    Frame {
        first: first as u64,
        last: last as u64,
        chain: chain(Chain::default(), &all[..last]),
        entries: all[first - 1..last].to_vec(),
        sig: None,
    }
}

fn beat(all: &[Entry], as_of: u64) -> Heartbeat {
    Heartbeat {
        head: all.len() as u64,
        chain: chain(Chain::default(), all),
        as_of,
        sig: None,
    }
}

fn follower() -> Follower {
    let mut follower = Follower::default();
    follower.snapshot(&empty("e"));
    follower
}

fn refused(follower: &Follower) -> bool {
    let outcome = verify(
        &token(&json!({}), &json!({})),
        &keys(),
        &expected(),
        follower.revoked(),
        NOW,
    );
    outcome.err() == Some(Rejection::SessionEnded(None))
}

#[test]
fn frames_in_order_are_applied_and_old_ones_passed_over() {
    let (mut follower, all) = (follower(), entries());
    assert_eq!(follower.frame(&frame(&all, 1, 1)), Need::Nothing);
    assert!(!refused(&follower));
    assert_eq!(follower.frame(&frame(&all, 2, 3)), Need::Nothing);
    assert_eq!(follower.frame(&frame(&all, 1, 1)), Need::Nothing);
    assert!(refused(&follower));
    assert_eq!(follower.cursor().unwrap().seq, 3);
}

#[test]
fn a_gap_asks_for_the_range_then_for_a_snapshot() {
    let (mut follower, all) = (follower(), entries());
    assert!(matches!(follower.frame(&frame(&all, 3, 3)), Need::Range(cursor) if cursor.seq == 0));
    assert_eq!(follower.revoked().len(), 0);
    assert_eq!(follower.frame(&frame(&all, 2, 3)), Need::Snapshot);
    assert_eq!(
        Follower::default().frame(&frame(&all, 1, 1)),
        Need::Snapshot
    );
}

#[test]
fn a_frame_with_a_hole_or_a_wrong_chain_changes_nothing() {
    let all = entries();
    let mut hole = frame(&all, 1, 3);
    hole.entries.remove(1);
    hole.chain = chain(Chain::default(), &hole.entries);
    let mut forged = frame(&all, 1, 2);
    forged.entries[1].key = [0; 8];
    for bad in [hole, forged] {
        let mut follower = follower();
        assert_eq!(follower.frame(&bad), Need::Snapshot);
        assert!(follower.revoked().is_empty());
    }
}

#[test]
fn a_restored_authority_does_not_make_us_forget() {
    let (mut follower, all) = (follower(), entries());
    assert_eq!(follower.frame(&frame(&all, 1, 3)), Need::Nothing);
    assert_eq!(follower.heartbeat(&beat(&all[..2], 5), 100), Need::Snapshot);
    follower.snapshot(&Snapshot {
        salt: [1; 16],
        ..empty("restored")
    });
    assert!(refused(&follower));
    assert_eq!(follower.cursor_refused(), Need::Snapshot);
}

#[test]
fn freshness_moves_only_at_the_head_and_never_back() {
    let (mut follower, all) = (follower(), entries());
    assert_eq!(follower.staleness(100), None);
    assert!(matches!(
        follower.heartbeat(&beat(&all, 90), 100),
        Need::Range(_)
    ));
    assert_eq!(follower.staleness(100), None);
    assert_eq!(follower.frame(&frame(&all, 1, 3)), Need::Nothing);
    assert_eq!(follower.heartbeat(&beat(&all, 95), 100), Need::Nothing);
    assert_eq!(follower.heartbeat(&beat(&all, 91), 100), Need::Nothing);
    assert_eq!(follower.staleness(100), Some(5));
    assert_eq!(follower.heartbeat(&beat(&all, 4_000), 100), Need::Nothing);
    assert_eq!(
        follower.staleness(110),
        Some(10),
        "an authority's clock does not vouch for the future"
    );
}

#[test]
fn an_unknown_kind_makes_stale_not_blind() {
    let (mut follower, mut all) = (follower(), entries());
    all[0].kind = Kind::new(b'Z').unwrap();
    assert_eq!(follower.frame(&frame(&all, 1, 3)), Need::Nothing);
    assert_eq!(follower.heartbeat(&beat(&all, 99), 100), Need::Nothing);
    assert_eq!(follower.staleness(100), None);
    assert!(refused(&follower));
}

/// Relays may sign one day, and members may be added: who does not know them goes on.
#[test]
fn a_signature_and_unknown_members_are_passed_over() {
    let all = entries();
    let with_more = |mut told: serde_json::Value| {
        told["sig"] = "c2lnbmVk".into();
        told["later"] = json!({ "more": [1] });
        told
    };
    let mut follower = Follower::default();
    let snapshot = with_more(serde_json::to_value(empty("e")).unwrap());
    follower.snapshot(&serde_json::from_value(snapshot).unwrap());
    let mut told = with_more(serde_json::to_value(frame(&all, 1, 3)).unwrap());
    for entry in told["entries"].as_array_mut().unwrap() {
        entry["note"] = "new".into();
    }
    let frame = serde_json::from_value(told).unwrap();
    assert_eq!(follower.frame(&frame), Need::Nothing);
    let told = with_more(serde_json::to_value(beat(&all, 100)).unwrap());
    let beat = serde_json::from_value(told).unwrap();
    assert_eq!(follower.heartbeat(&beat, 100), Need::Nothing);
    assert!(refused(&follower) && follower.staleness(100) == Some(0));
}

/// `docs/reference/feed.md` tells other implementations what to compute.
#[test]
fn the_vector_of_the_reference_page_holds() {
    let page = include_str!("../../../../docs/reference/feed.md");
    let block = page.split("```json vector\n").nth(1).unwrap();
    let vector: serde_json::Value =
        serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    let salt = u128::from_str_radix(vector["salt"].as_str().unwrap(), 16).unwrap();
    let salt = salt.to_be_bytes();
    let mut all: Vec<Entry> = Vec::new();
    for told in vector["entries"].as_array().unwrap() {
        let entry: Entry = serde_json::from_value(told.clone()).unwrap();
        if let Some(name) = told["name"].as_str() {
            assert_eq!(entry.key, prolong_verify::Revoked::key_of(&salt, name));
        }
        all.push(entry);
        let after: Chain = serde_json::from_value(told["after"].clone()).unwrap();
        assert_eq!(chain(Chain::default(), &all), after, "{told}");
    }
    assert!(
        all.iter()
            .map(|entry| char::from(entry.kind))
            .eq("SUTKG".chars())
    );
}
