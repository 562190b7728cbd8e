//! What comes over the feed's wire: events, frames, heartbeats, snapshots, cursors. However the bytes are cut, the same
//! events; whatever they say, a follower that never holds more than it was told.

#[path = "../../prolong-verify/src/remote/sse.rs"]
mod sse;

use prolong_protocol::feed::{Cursor, Frame, Heartbeat, Poll, Snapshot};
use prolong_verify::{Follower, Need};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cut::Cut;

pub(crate) fn run(input: &[u8]) {
    let mut cut = Cut::new(input);
    let kind = cut.byte();
    match kind % 3 {
        0 => events(usize::from(cut.byte()), cut.rest()),
        1 => cursor(&cut.text()),
        _ => follower(cut.rest()),
    }
}

fn events(size: usize, bytes: &[u8]) {
    let whole = sse::Events::default().push(bytes).unwrap();
    let mut events = sse::Events::default();
    let pieces = bytes.chunks(size.max(1));
    let cut: Vec<Vec<u8>> = pieces
        .flat_map(|piece| events.push(piece).unwrap())
        .collect();
    assert_eq!(cut, whole, "cut into {size}");
    assert!(whole.iter().map(Vec::len).sum::<usize>() <= bytes.len());
}

fn cursor(text: &str) {
    if let Ok(cursor) = text.parse::<Cursor>() {
        let written = cursor.to_string();
        assert_eq!(written.parse::<Cursor>().as_ref(), Ok(&cursor));
        assert!(
            written.len() <= text.len(),
            "{text} is written as {written}"
        );
    }
}

/// Lines of JSON, each whatever it can be read as.
fn follower(lines: &[u8]) {
    let mut follower = Follower::default();
    let (mut told, mut now) = (0, 1_000);
    for line in lines.split(|byte| *byte == b'\n') {
        now += 1;
        let before = follower.cursor().cloned();
        if let Some(snapshot) = read::<Snapshot>(line) {
            told += snapshot.entries.len();
            follower.snapshot(&snapshot);
        } else if let Some(poll) = read::<Poll>(line) {
            if let Some(frame) = &poll.frame {
                told += frame.entries.len();
                follower.frame(frame);
            }
            follower.heartbeat(&poll.heartbeat, now);
        } else if let Some(frame) = read::<Frame>(line) {
            told += frame.entries.len();
            let need = follower.frame(&frame);
            let moved = follower.cursor() != before.as_ref();
            assert!(
                !moved
                    || need != Need::Nothing
                    || follower.cursor().is_some_and(|at| at.seq == frame.last)
            );
        } else if let Some(beat) = read::<Heartbeat>(line) {
            let need = follower.heartbeat(&beat, now);
            let fresh = follower.staleness(now) == Some(0);
            let at_head = before.is_some_and(|at| at.seq == beat.head && at.chain == beat.chain);
            assert!(
                !fresh || at_head || need != Need::Nothing,
                "fresh although behind"
            );
        }
        assert!(
            follower.revoked().len() <= told,
            "it knows more than it was told"
        );
    }
    follower.prune(u64::MAX);
    assert!(follower.revoked().is_empty());
}

/// Reads it, and that what is written again reads the same.
fn read<T: DeserializeOwned + Serialize + PartialEq + core::fmt::Debug>(line: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(line).ok()?;
    let written = serde_json::to_vec(&value).unwrap();
    assert_eq!(serde_json::from_slice::<T>(&written).unwrap(), value);
    Some(value)
}
