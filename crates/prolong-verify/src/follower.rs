//! Following the feed, without I/O: what to apply, what to ask for next, and how fresh the result is
//! (`docs/reference/feed.md`).
//!
//! 1. A frame is applied only if it begins right after the last entry, has no holes, and its chain holds; all or nothing.
//! 2. A gap asks for the range; a range that does not fit either, or another epoch or chain, asks for a snapshot.
//! 3. A snapshot is merged by union: what was learnt stays until it is over, whatever the snapshot lacks.
//! 4. Freshness moves only by a heartbeat whose head and chain are ours, never backwards, and never beyond our own clock:
//!    an authority whose clock is ahead does not vouch for the future.
//! 5. An entry of an unknown kind is passed over and the verifier stays stale from then on: stale, never blind.

use aws_lc_rs::digest::{SHA256, digest};
use prolong_protocol::feed::{Cursor, Entry, Frame, Heartbeat, Snapshot};

use crate::revoked::Revoked;

/// The state of one follower.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    cursor: Option<Cursor>,
    revoked: Revoked,
    fresh_as_of: Option<u64>,
    met_unknown_kind: bool,
    range_failed: bool,
}

/// What the I/O side should do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing; go on reading.
    Nothing,
    /// Fetch the entries after this cursor.
    Range(Cursor),
    /// Fetch a snapshot.
    Snapshot,
}

impl Follower {
    /// Learns a snapshot. It says nothing of freshness: it may come from a cache.
    pub fn snapshot(&mut self, snapshot: &Snapshot) {
        let mut learnt = Revoked::new(snapshot.salt);
        for entry in &snapshot.entries {
            self.met_unknown_kind |= learnt.apply(entry).is_err();
        }
        learnt.merge(&self.revoked);
        self.revoked = learnt;
        let Snapshot {
            epoch, seq, chain, ..
        } = snapshot;
        self.cursor = Some(Cursor {
            epoch: epoch.clone(),
            seq: *seq,
            chain: *chain,
        });
        self.range_failed = false;
    }

    /// Applies a frame of the current epoch, or says what is missing.
    pub fn frame(&mut self, frame: &Frame) -> Need {
        let Some(cursor) = &mut self.cursor else {
            return Need::Snapshot;
        };
        if frame.last <= cursor.seq {
            return Need::Nothing; // seen already
        }
        let expected = cursor.seq.checked_add(1);
        if expected != Some(frame.first) {
            return self.behind();
        }
        let whole = frame
            .entries
            .iter()
            .map(|entry| entry.seq)
            .eq(frame.first..=frame.last);
        let chain = frame
            .entries
            .iter()
            .fold(cursor.chain, |chain, entry| chain.extend(entry, sha256));
        if !whole || chain != frame.chain {
            return self.lost();
        }
        (cursor.seq, cursor.chain) = (frame.last, chain);
        self.range_failed = false;
        self.learn(&frame.entries);
        Need::Nothing
    }

    /// Takes a heartbeat: proof of freshness if we are at the head. `now` is in seconds since the epoch.
    pub fn heartbeat(&mut self, beat: &Heartbeat, now: u64) -> Need {
        let Some(cursor) = &self.cursor else {
            return Need::Snapshot;
        };
        if beat.head > cursor.seq {
            return self.behind();
        }
        if beat.head < cursor.seq || beat.chain != cursor.chain {
            return self.lost();
        }
        self.fresh_as_of = self.fresh_as_of.max(Some(beat.as_of.min(now)));
        Need::Nothing
    }

    /// The authority did not accept our cursor: another epoch, or a chain that it does not know.
    pub fn cursor_refused(&mut self) -> Need {
        self.lost()
    }

    /// Forgets what is over. `now` is in seconds since the epoch.
    pub fn prune(&mut self, now: u64) {
        self.revoked.prune(now);
    }

    /// What is revoked, as far as is known.
    #[must_use]
    pub const fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    /// Where we stand; `None` before the first snapshot and after the cursor was lost.
    #[must_use]
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Seconds since the state was known to be complete; `None`: it never was, or an unknown kind came.
    #[must_use]
    pub fn staleness(&self, now: u64) -> Option<u64> {
        self.fresh_as_of
            .filter(|_| !self.met_unknown_kind)
            .map(|as_of| now.saturating_sub(as_of))
    }

    fn learn(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.met_unknown_kind |= self.revoked.apply(entry).is_err();
        }
    }

    /// First the range; if we are still behind after it, a snapshot.
    fn behind(&mut self) -> Need {
        match self.cursor.clone() {
            Some(cursor) if !self.range_failed => {
                self.range_failed = true;
                Need::Range(cursor)
            }
            _ => self.lost(),
        }
    }

    fn lost(&mut self) -> Need {
        self.cursor = None;
        Need::Snapshot
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
