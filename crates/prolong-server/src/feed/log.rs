//! The feed as readers get it: lines in order, where a cursor stands, what comes after it, what a snapshot holds.

use std::collections::{BTreeMap, HashSet, VecDeque};

use prolong_protocol::feed::{Chain, Cursor, Entry, Frame, Heartbeat, Kind, Snapshot};
use prolong_store::{FeedCursor, FeedLine};

/// The lines that can still matter. Grows with the rate of ends and the life of tokens, not with history.
pub(super) struct Log {
    head: FeedCursor,
    /// Ascending. Numbers are missing where the store has forgotten a line, or where it was over.
    lines: VecDeque<FeedLine>,
    /// Of commits that were told before an earlier one: they wait for it.
    early: BTreeMap<u64, FeedLine>,
}

/// What comes after a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing yet.
    Nothing,
    /// These entries, without holes.
    Frame(Frame),
    /// Some of it is forgotten: only a snapshot helps.
    Lost,
}

impl Log {
    /// No lines, and this head.
    pub(super) const fn new(head: FeedCursor) -> Self {
        Self {
            head,
            lines: VecDeque::new(),
            early: BTreeMap::new(),
        }
    }

    pub(super) const fn head(&self) -> FeedCursor {
        self.head
    }

    /// Takes what a commit appended, in whatever order commits are told. `true`: the head has moved.
    pub(super) fn append(&mut self, lines: &[FeedLine]) -> bool {
        let before = self.head.seq;
        for line in lines.iter().filter(|line| line.seq > before) {
            self.early.insert(line.seq, *line);
        }
        self.take_early();
        self.head.seq > before
    }

    /// Takes what the store has after the head: every line up to the last of these; a number that is missing is
    /// forgotten. `true`: the head has moved.
    pub(super) fn read(&mut self, lines: &[FeedLine]) -> bool {
        let before = self.head.seq;
        for line in lines {
            if line.seq > self.head.seq {
                self.push(*line);
            }
        }
        self.early = self.early.split_off(&self.head.seq.saturating_add(1));
        self.take_early();
        self.head.seq > before
    }

    /// Takes the store's own head, once every line up to it was read: the last ones may be forgotten, and the epoch be
    /// another. `true`: the head has moved.
    pub(super) fn reach(&mut self, head: FeedCursor) -> bool {
        let moved = head.seq > self.head.seq || head.epoch != self.head.epoch;
        if moved {
            self.head = head;
        }
        moved
    }

    /// Whether everything after this cursor is at hand.
    pub(super) fn knows(&self, cursor: &Cursor) -> bool {
        if cursor.epoch != epoch_name(&self.head) {
            return false;
        }
        let chain = match self
            .lines
            .binary_search_by_key(&cursor.seq, |line| line.seq)
        {
            Ok(at) => Some(self.lines[at].chain),
            Err(_) if cursor.seq == self.head.seq => Some(self.head.chain),
            Err(_) if cursor.seq == 0 => Some(Chain::default().0),
            Err(_) => None,
        };
        let after = self.lines.partition_point(|line| line.seq <= cursor.seq);
        let at_hand = (self.lines.len() - after) as u64;
        chain == Some(cursor.chain.0) && self.head.seq.checked_sub(cursor.seq) == Some(at_hand)
    }

    /// At most `most` entries after `seq` of this epoch.
    pub(super) fn after(&self, epoch: &str, seq: u64, most: usize) -> After {
        if epoch != epoch_name(&self.head) || seq > self.head.seq {
            return After::Lost;
        }
        if seq == self.head.seq {
            return After::Nothing;
        }
        let from = self.lines.partition_point(|line| line.seq <= seq);
        let run = self.lines.range(from..).zip(seq + 1..);
        let run: Vec<FeedLine> = run
            .take_while(|(line, due)| line.seq == *due)
            .map(|(line, _)| *line)
            .take(most)
            .collect();
        match (run.first(), run.last()) {
            (Some(first), Some(last)) => After::Frame(Frame {
                first: first.seq,
                last: last.seq,
                chain: Chain(last.chain),
                entries: run.iter().filter_map(entry_of).collect(),
                sig: None,
            }),
            _ => After::Lost,
        }
    }

    /// How far this is, known to be the newest at this second.
    pub(super) const fn heartbeat(&self, as_of: u64) -> Heartbeat {
        Heartbeat {
            head: self.head.seq,
            chain: Chain(self.head.chain),
            as_of,
            sig: None,
        }
    }

    /// Every line, to make a snapshot of.
    pub(super) fn lines(&self) -> Vec<FeedLine> {
        self.lines.iter().copied().collect()
    }

    /// Forgets what is over at this second.
    pub(super) fn prune(&mut self, now: i64) {
        self.lines.retain(|line| now < line.entry.until);
    }

    fn take_early(&mut self) {
        while let Some(due) = self.head.seq.checked_add(1)
            && let Some(line) = self.early.remove(&due)
        {
            self.push(line);
        }
    }

    fn push(&mut self, line: FeedLine) {
        self.head.seq = line.seq;
        self.head.chain = line.chain;
        self.lines.push_back(line);
    }
}

/// The snapshot at `head`: what is over at `now` is left out, and of kind `T` all but the newest of a session.
pub(super) fn snapshot_of(
    head: &FeedCursor,
    salt: [u8; 16],
    lines: &[FeedLine],
    now: i64,
) -> Snapshot {
    let mut newest = HashSet::new();
    let mut entries: Vec<Entry> = lines
        .iter()
        .rev()
        .filter(|line| now < line.entry.until)
        .filter_map(entry_of)
        .filter(|entry| entry.kind != Kind::GENERATION || newest.insert(entry.key))
        .collect();
    entries.reverse();
    Snapshot {
        epoch: epoch_name(head),
        seq: head.seq,
        chain: Chain(head.chain),
        salt,
        entries,
    }
}

/// The entry as it goes over the wire.
pub(super) fn entry_of(line: &FeedLine) -> Option<Entry> {
    Some(Entry {
        seq: line.seq,
        kind: Kind::new(line.entry.kind.letter())?,
        key: line.entry.key,
        arg: line.entry.arg,
        until: u64::try_from(line.entry.until).unwrap_or(0),
    })
}

/// The epoch as it goes over the wire.
pub(super) fn epoch_name(head: &FeedCursor) -> String {
    format!("{:032x}", u128::from_be_bytes(head.epoch))
}

#[cfg(test)]
mod tests {
    use prolong_core::{FeedEntry, FeedKind};

    use super::*;

    const EPOCH: [u8; 16] = [7; 16];

    /// Entries 1 to `n`; number `k` is over at second `100 + k`.
    fn lines(n: u64) -> Vec<FeedLine> {
        let mut head = FeedCursor::start(EPOCH);
        (1..=n)
            .map(|seq| {
                let entry = FeedEntry {
                    kind: FeedKind::SessionEnded,
                    key: seq.to_be_bytes(),
                    arg: 1,
                    until: 100 + i64::try_from(seq).unwrap(),
                };
                head = head.after(&entry);
                FeedLine {
                    seq,
                    chain: head.chain,
                    entry,
                }
            })
            .collect()
    }

    fn log(lines: &[FeedLine]) -> Log {
        let mut log = Log::new(FeedCursor::start(EPOCH));
        log.append(lines);
        log
    }

    fn cursor(lines: &[FeedLine], seq: usize) -> Cursor {
        let chain = seq.checked_sub(1).map_or([0; 16], |at| lines[at].chain);
        Cursor {
            epoch: epoch_name(&FeedCursor::start(EPOCH)),
            seq: seq as u64,
            chain: Chain(chain),
        }
    }

    fn numbers(log: &Log, seq: u64, most: usize) -> Option<(u64, u64)> {
        match log.after(&"07".repeat(16), seq, most) {
            After::Frame(frame) => Some((frame.first, frame.last)),
            _ => None,
        }
    }

    #[test]
    fn commits_that_are_told_out_of_order_come_out_in_order() {
        let all = lines(4);
        let mut log = log(&[]);
        assert!(!log.append(&all[1..2]));
        assert!(!log.append(&all[3..4]));
        assert_eq!(
            numbers(&log, 0, 9),
            None,
            "nothing before the first is there"
        );
        assert!(log.append(&all[..1]));
        assert_eq!(numbers(&log, 0, 9), Some((1, 2)));
        assert!(log.append(&all[2..3]));
        assert!(!log.append(&all[..4]), "told twice");
        assert_eq!(numbers(&log, 2, 9), Some((3, 4)));
        assert!(log.early.is_empty());
        assert_eq!(numbers(&log, 0, 3), Some((1, 3)), "no more than asked for");
    }

    #[test]
    fn a_gap_is_closed_by_the_store_and_what_it_forgot_is_a_hole() {
        let all = lines(5);
        let mut log = log(&all[..1]);
        log.append(&all[4..]);
        assert!(log.read(&[all[1], all[3]]), "3 was forgotten");
        assert_eq!(
            (log.head().seq, log.early.len()),
            (5, 0),
            "what waited follows"
        );
        assert_eq!(numbers(&log, 1, 9), Some((2, 2)));
        assert_eq!(log.after(&"07".repeat(16), 2, 9), After::Lost);
        assert_eq!(numbers(&log, 3, 9), Some((4, 5)));
        assert!(!log.knows(&cursor(&all, 1)), "a reader there would miss 3");
        assert!(log.knows(&cursor(&all, 4)) && log.knows(&cursor(&all, 5)));
    }

    #[test]
    fn only_a_cursor_of_this_epoch_and_chain_is_known() {
        let all = lines(3);
        let log = log(&all);
        for seq in 0..=3 {
            assert!(log.knows(&cursor(&all, seq)), "{seq}");
            let good = cursor(&all, seq);
            assert!(!log.knows(&Cursor {
                epoch: "e".into(),
                ..good.clone()
            }));
            assert!(!log.knows(&Cursor {
                chain: Chain([1; 16]),
                ..good.clone()
            }));
            assert!(!log.knows(&Cursor { seq: 4, ..good }), "ahead of the head");
        }
        assert_eq!(log.after("other", 1, 9), After::Lost);
        assert_eq!(log.after(&"07".repeat(16), 4, 9), After::Lost);
        assert_eq!(log.after(&"07".repeat(16), 3, 9), After::Nothing);
    }

    #[test]
    fn what_is_over_vanishes_but_the_head_is_kept() {
        let all = lines(3);
        let mut log = log(&all);
        log.prune(102);
        assert!(!log.knows(&cursor(&all, 1)) && !log.knows(&cursor(&all, 0)));
        assert!(log.knows(&cursor(&all, 3)));
        log.prune(103);
        assert!(log.lines().is_empty());
        assert!(log.knows(&cursor(&all, 3)), "nothing came after it");
        assert_eq!(log.heartbeat(5).chain.0, all[2].chain);
    }

    #[test]
    fn a_store_that_forgot_its_last_lines_still_says_how_far_it_is() {
        let all = lines(3);
        let mut log = log(&[]);
        let head = FeedCursor {
            epoch: EPOCH,
            seq: 3,
            chain: all[2].chain,
        };
        log.read(&all[..1]);
        assert!(log.reach(head));
        assert!(!log.reach(head));
        assert!(log.knows(&cursor(&all, 3)) && !log.knows(&cursor(&all, 1)));
        assert!(
            log.reach(FeedCursor {
                epoch: [8; 16],
                ..head
            }),
            "a new epoch"
        );
        assert!(!log.knows(&cursor(&all, 3)));
    }

    #[test]
    fn a_snapshot_holds_what_matters_and_of_generations_the_newest() {
        let generation = |seq, key, arg| FeedLine {
            seq,
            chain: [0; 16],
            entry: FeedEntry {
                kind: FeedKind::TokenGeneration,
                key: [key; 8],
                arg,
                until: 200,
            },
        };
        let mut all = lines(2);
        all.extend([
            generation(3, 1, 5),
            generation(4, 2, 1),
            generation(5, 1, 6),
        ]);
        let head = FeedCursor {
            epoch: EPOCH,
            seq: 5,
            chain: [0; 16],
        };
        let snapshot = snapshot_of(&head, [1; 16], &all, 101);
        let seqs: Vec<u64> = snapshot.entries.iter().map(|entry| entry.seq).collect();
        assert_eq!((snapshot.seq, seqs), (5, vec![2, 4, 5]));
    }
}
