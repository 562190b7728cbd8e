//! The world of the model: what the store holds, what is under way, who holds which token.

use std::collections::BTreeSet;

use prolong_core::{
    AttemptHash, EndReason, Flags, Generation, Life, Policy, ProducedBy, Session, Timestamp,
};

use crate::support::{at, start};

/// What of a session the model can change, with its age in steps of 15 s (2: ρ or more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    produced_by: Option<[u8; 8]>,
    adopted: bool,
    predecessor: Option<[u8; 8]>,
    forgiven: Option<u8>,
    attempts_seen: bool,
    pub(crate) age: u8,
    pub(crate) ended: bool,
}

impl Row {
    const FIRST: Self = Self {
        generation: 0,
        produced_by: None,
        adopted: false,
        predecessor: None,
        forgiven: None,
        attempts_seen: false,
        age: 2,
        ended: false,
    };

    pub(crate) fn now(&self) -> Timestamp {
        at(15 * i64::from(self.age))
    }

    pub(crate) fn session(&self, policy: &Policy) -> Session {
        let base = start(at(0), policy);
        Session {
            generation: Generation(self.generation.into()),
            produced_by: match self.produced_by {
                _ if self.adopted => ProducedBy::Adopted,
                Some(hash) => ProducedBy::Attempt(AttemptHash(hash)),
                None => ProducedBy::Unnamed,
            },
            predecessor_attempt: self.predecessor.map(AttemptHash),
            forgiven: self.forgiven.map(|g| Generation(g.into())),
            flags: Flags {
                attempts_seen: self.attempts_seen,
                ..base.flags
            },
            life: if self.ended {
                Life::Ended {
                    reason: EndReason::ReuseDetected,
                    at: at(0),
                }
            } else {
                Life::Live
            },
            ..base
        }
    }

    /// The row of a session that this one became.
    pub(crate) fn after(&self, before: &Session, next: &Session) -> Self {
        Self {
            generation: u8::try_from(next.generation.0).unwrap(),
            produced_by: match next.produced_by {
                ProducedBy::Attempt(hash) => Some(hash.0),
                ProducedBy::Unnamed | ProducedBy::Adopted => None,
            },
            adopted: next.produced_by == ProducedBy::Adopted,
            predecessor: next.predecessor_attempt.map(|hash| hash.0),
            forgiven: next.forgiven.map(|g| u8::try_from(g.0).unwrap()),
            attempts_seen: next.flags.attempts_seen,
            age: if next.rotated_at == before.rotated_at {
                self.age
            } else {
                0
            },
            ended: next.life != Life::Live,
        }
    }
}

/// Who holds a copy of the client's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Thief {
    pub(crate) generation: u8,
    /// It still holds what it stole, and so knows the attempt id that goes with it.
    pub(crate) knows_attempt: bool,
}

/// Thief and client hold different generations although the newest is more than grace old. A cycle: one of them
/// rotates, and the other presents its token later than grace. A rotation that a failover takes back begins none. They
/// are in step again when a rotation leaves both with the same token within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Apart {
    /// Who has not presented its token since the other rotated.
    laggard: Option<Party>,
    pub(crate) cycles: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Party {
    Client,
    Thief,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "observations are flags")]
pub(crate) struct World {
    pub(crate) row: Row,
    /// The rows before the last writes, oldest first, which a failover may bring back.
    pub(crate) past: Vec<Row>,
    /// The generation in the client's storage, which its tabs share.
    pub(crate) stored: u8,
    pub(crate) signed_out: bool,
    /// Generations with which a tab has asked, or may have: their requests reach the server at any time in this step, as
    /// often as they like.
    pub(crate) asked: BTreeSet<u8>,
    /// Generations in answers that are on their way to the client.
    pub(crate) answered: BTreeSet<u8>,
    pub(crate) thief: Option<Thief>,
    /// Since when the thief and the client are out of step, in cycles.
    pub(crate) apart: Option<Apart>,
    /// A generation came to be in this step.
    pub(crate) rotated_in_step: bool,
    /// The reuse was found, and the session ended.
    pub(crate) found: bool,
    pub(crate) failovers: u8,
    pub(crate) losses: u8,
    pub(crate) slept: u8,
    pub(crate) steps: u8,
    pub(crate) ended_by_operator: bool,
    /// Generations running in which a late predecessor was answered that was not a retry.
    pub(crate) late_running: u8,
    last_late: Option<u8>,
    pub(crate) minted_after_end: bool,
    pub(crate) skipped_successor: bool,
    pub(crate) rotated_too_soon: bool,
    pub(crate) answered_the_spent: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            row: Row::FIRST,
            past: Vec::new(),
            stored: 0,
            signed_out: false,
            asked: BTreeSet::from([0]),
            answered: BTreeSet::new(),
            thief: None,
            apart: None,
            rotated_in_step: false,
            found: false,
            failovers: 0,
            losses: 0,
            slept: 0,
            steps: 0,
            ended_by_operator: false,
            late_running: 0,
            last_late: None,
            minted_after_end: false,
            skipped_successor: false,
            rotated_too_soon: false,
            answered_the_spent: false,
        }
    }

    /// Takes the row as a decision left it; the one before may come back with a failover that loses `at_risk` writes.
    pub(crate) fn store(&mut self, row: Row, at_risk: usize) -> Row {
        let before = std::mem::replace(&mut self.row, row);
        if row != before {
            self.past.push(before);
            let surplus = self.past.len().saturating_sub(at_risk);
            self.past.drain(..surplus);
        }
        before
    }

    pub(crate) fn answered_late(&mut self, generation: u8) {
        let running = self.last_late.is_some_and(|last| last + 1 == generation);
        let again = self.last_late == Some(generation);
        self.late_running = match (running, again) {
            (true, _) => self.late_running + 1,
            (_, true) => self.late_running,
            _ => 1,
        };
        self.last_late = Some(generation);
    }

    pub(crate) fn presented(&mut self, party: Party, before: &Row) {
        let rotated = self.row.generation > before.generation;
        if let Some(apart) = &mut self.apart {
            if apart.laggard == Some(party) {
                apart.laggard = None;
                apart.cycles += u8::from(before.age > 0);
            }
            if rotated {
                apart.laggard = Some(match party {
                    Party::Client => Party::Thief,
                    Party::Thief => Party::Client,
                });
            }
        }
    }

    /// The store forgets so many of the last writes.
    pub(crate) fn fail_over(&mut self, writes: usize) {
        let kept = self.past.len() - writes;
        let lost = std::mem::replace(&mut self.row, self.past[kept]);
        self.past.truncate(kept);
        self.failovers += 1;
        if lost.generation > self.row.generation
            && let Some(apart) = &mut self.apart
        {
            apart.laggard = None;
        }
    }

    /// An answer arrives.
    pub(crate) fn arrive(&mut self, generation: u8) {
        self.stored = self.stored.max(generation);
        self.asked.insert(self.stored);
    }

    /// An answer is on its way that the client does not know yet.
    pub(crate) fn waits_for_news(&self) -> bool {
        self.answered.last() > Some(&self.stored)
    }

    /// 15 s, which is more than grace. What is under way is gone, but for a request that sleeps in its tab.
    pub(crate) fn step(&mut self, asleep: Option<u8>) {
        self.answered.clear();
        self.asked = asleep.into_iter().chain([self.stored]).collect();
        self.compare_thief_and_client();
        self.rotated_in_step = false;
        self.steps += 1;
        for row in self.past.iter_mut().chain([&mut self.row]) {
            row.age = (row.age + 1).min(2);
        }
    }

    fn compare_thief_and_client(&mut self) {
        let Some(thief) = self.thief.filter(|_| !self.row.ended) else {
            self.apart = None;
            return;
        };
        let same = thief.generation == self.stored;
        if same && self.rotated_in_step {
            self.apart = None;
        } else if !same && self.apart.is_none() {
            let behind = if thief.generation < self.stored {
                Party::Thief
            } else {
                Party::Client
            };
            let newest = self.stored.max(thief.generation);
            self.apart = Some(Apart {
                laggard: (newest <= self.row.generation).then_some(behind),
                cycles: 0,
            });
        }
    }
}
