//! The core in a model of the world, searched over all interleavings: two tabs that share storage, a network that loses
//! and duplicates within the server's deadline, a failover that loses the last writes, a thief, an operator's end.
//!
//! Time moves in steps of 15 s (more than grace, two are ρ). What is in flight dies with a step: the client's timeout
//! is 10 s. Within a step, everyone may renew as often as they like. A crash between commit and answer is a commit
//! whose answer is lost. Bounds and the number of states found are in `docs/reference/state-machine.md`, and printed
//! with `--nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::struct_excessive_bools,
    reason = "a test fails by panicking, in its helpers too; the searched states are printed; observations are flags"
)]

mod support;

use std::collections::BTreeSet;

use prolong_core::{
    AttemptHash, Class, EndReason, Event, Flags, Generation, Life, Policy, Preset, ProducedBy,
    Refusal, Session, Timestamp, Verdict, decide,
};
use stateright::{Checker, Model, Property};
use support::{at, refresh, secs, start, user};

const TABS: u8 = 2;

/// What of a session the model can change, with its age in steps of 15 s (2: ρ or more).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    generation: u8,
    produced_by: Option<[u8; 8]>,
    adopted: bool,
    predecessor: Option<[u8; 8]>,
    forgiven: Option<u8>,
    attempts_seen: bool,
    age: u8,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Message {
    Asks { tab: u8, generation: u8 },
    Answers { tab: u8, generation: u8 },
}

/// Who holds a copy of the client's storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Thief {
    generation: u8,
    /// It still holds what it stole, and so knows the attempt id that goes with it.
    knows_attempt: bool,
}

/// Thief and client hold different generations although the newest is more than grace old. A cycle: one of them
/// rotates, and the other presents its token later than grace. They are in step again when a rotation leaves both with
/// the same token within a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Apart {
    /// Who has not presented its token since the other rotated.
    laggard: Option<Party>,
    cycles: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Party {
    Client,
    Thief,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    row: Row,
    /// The rows before the last writes, oldest first, which a failover may bring back.
    past: Vec<Row>,
    stored: u8,
    signed_out: bool,
    network: BTreeSet<Message>,
    thief: Option<Thief>,
    /// Since when the thief and the client are out of step, in cycles.
    apart: Option<Apart>,
    /// A generation came to be in this step.
    rotated_in_step: bool,
    /// The reuse was found, and the session ended.
    found: bool,
    failovers: u8,
    losses: u8,
    steps: u8,
    ended_by_operator: bool,
    /// Generations running in which a late predecessor was answered that was not a retry.
    late_running: u8,
    last_late: Option<u8>,
    minted_after_end: bool,
    skipped_successor: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Send(u8),
    Deliver(Message, Keep),
    Lose(Message),
    Wait,
    /// Loses so many of the last writes.
    Failover(usize),
    Steal,
    ThiefUses(Attempt),
    OperatorEnds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Once,
    Duplicated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Own,
    Stolen,
}

#[derive(Clone)]
struct Search {
    attempts: bool,
    thief: bool,
    /// The thief also presents the attempt id that it stole along with the token.
    stolen_attempt: bool,
    /// Cycles out of step, of which the last must find the thief.
    found_within: u8,
    operator: bool,
    failovers: u8,
    /// Writes that a failover may lose.
    at_risk: usize,
    losses: u8,
    steps: u8,
    policy: Policy,
}

impl Search {
    fn session(&self, row: &Row) -> Session {
        let base = start(at(0), &self.policy);
        Session {
            generation: Generation(row.generation.into()),
            produced_by: match row.produced_by {
                _ if row.adopted => ProducedBy::Adopted,
                Some(hash) => ProducedBy::Attempt(AttemptHash(hash)),
                None => ProducedBy::Unnamed,
            },
            predecessor_attempt: row.predecessor.map(AttemptHash),
            forgiven: row.forgiven.map(|g| Generation(g.into())),
            flags: Flags {
                attempts_seen: row.attempts_seen,
                ..base.flags
            },
            life: if row.ended {
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

    /// The server's answer to a token: the generation handed out, or a refusal.
    fn serve(&self, world: &mut World, generation: u8, id: Option<u8>) -> Result<u8, Refusal> {
        let session = self.session(&world.row);
        let now: Timestamp = at(15 * i64::from(world.row.age));
        let event = Event::Refresh(refresh(generation.into(), id));
        let decision = decide(&session, &user(at(0)), &event, now, &self.policy);
        let next = &decision.next;
        let row = Row {
            generation: u8::try_from(next.generation.0).unwrap(),
            produced_by: match next.produced_by {
                ProducedBy::Attempt(hash) => Some(hash.0),
                ProducedBy::Unnamed | ProducedBy::Adopted => None,
            },
            adopted: next.produced_by == ProducedBy::Adopted,
            predecessor: next.predecessor_attempt.map(|hash| hash.0),
            forgiven: next.forgiven.map(|g| u8::try_from(g.0).unwrap()),
            attempts_seen: next.flags.attempts_seen,
            age: if next.rotated_at == session.rotated_at {
                world.row.age
            } else {
                0
            },
            ended: next.life != Life::Live,
        };
        let (before, row) = (std::mem::replace(&mut world.row, row), row);
        if row != before {
            world.past.push(before);
            let surplus = world.past.len().saturating_sub(self.at_risk);
            world.past.drain(..surplus);
        }
        match decision.verdict {
            Verdict::Renewed(renewal) => {
                world.minted_after_end |= world.ended_by_operator || world.found;
                world.rotated_in_step |= renewal.class == Class::Rotated;
                let handed = u8::try_from(renewal.refresh.unwrap().generation.0).unwrap();
                world.skipped_successor |= handed != row.generation
                    || (renewal.class == Class::Rotated && row.generation != before.generation + 1);
                let late = generation < before.generation && before.age > 0;
                if late && renewal.class != Class::Retry {
                    world.answered_late(generation);
                }
                Ok(handed)
            }
            Verdict::Refused(refusal) => {
                if row.ended {
                    // An end is synchronous: no failover loses it, nor what came before it.
                    world.past.clear();
                    world.found |= refusal == Refusal::Reuse;
                }
                Err(refusal)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Generations running in which a late predecessor may be answered: for plain clients one is forgiven. An adoption
    /// calms in one more, and between two that are forgiven.
    fn answered_running(&self) -> u8 {
        match (self.attempts, self.failovers > 0) {
            (true, false) => 0,
            (true, true) | (false, false) => 1,
            (false, true) => 3,
        }
    }
}

impl World {
    fn answered_late(&mut self, generation: u8) {
        let running = self.last_late.is_some_and(|last| last + 1 == generation);
        let again = self.last_late == Some(generation);
        self.late_running = match (running, again) {
            (true, _) => self.late_running + 1,
            (_, true) => self.late_running,
            _ => 1,
        };
        self.last_late = Some(generation);
    }

    fn presented(&mut self, party: Party, before: &Row) {
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

    /// At the end of a step, which is more than grace.
    fn compare_thief_and_client(&mut self) {
        let Some(thief) = self.thief.filter(|_| !self.row.ended) else {
            self.apart = None;
            return;
        };
        let same = thief.generation == self.stored;
        if same && self.rotated_in_step {
            self.apart = None;
        } else if !same && self.apart.is_none() {
            let laggard = if thief.generation < self.stored {
                Party::Thief
            } else {
                Party::Client
            };
            self.apart = Some(Apart {
                laggard: Some(laggard),
                cycles: 0,
            });
        }
    }
}

impl Model for Search {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        let row = Row {
            generation: 0,
            produced_by: None,
            adopted: false,
            predecessor: None,
            forgiven: None,
            attempts_seen: false,
            age: 2,
            ended: false,
        };
        vec![World {
            row,
            past: Vec::new(),
            stored: 0,
            signed_out: false,
            network: BTreeSet::new(),
            thief: None,
            apart: None,
            rotated_in_step: false,
            found: false,
            failovers: 0,
            losses: 0,
            steps: 0,
            ended_by_operator: false,
            late_running: 0,
            last_late: None,
            minted_after_end: false,
            skipped_successor: false,
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Act>) {
        if !world.signed_out {
            actions.extend((0..TABS).map(Act::Send));
        }
        for message in &world.network {
            actions.push(Act::Deliver(*message, Keep::Once));
            actions.push(Act::Deliver(*message, Keep::Duplicated));
            if world.losses < self.losses {
                actions.push(Act::Lose(*message));
            }
        }
        if world.steps < self.steps {
            actions.push(Act::Wait);
        }
        if world.failovers < self.failovers {
            actions.extend((1..=world.past.len()).map(Act::Failover));
        }
        match world.thief {
            None if self.thief => actions.push(Act::Steal),
            None => {}
            Some(thief) => {
                actions.push(Act::ThiefUses(Attempt::Own));
                if self.stolen_attempt && thief.knows_attempt {
                    actions.push(Act::ThiefUses(Attempt::Stolen));
                }
            }
        }
        if self.operator && !world.ended_by_operator {
            actions.push(Act::OperatorEnds);
        }
    }

    fn next_state(&self, last: &World, act: Act) -> Option<World> {
        let mut world = last.clone();
        match act {
            Act::Send(tab) => {
                world.network.insert(Message::Asks {
                    tab,
                    generation: world.stored,
                });
            }
            Act::Deliver(message, keep) => {
                if keep == Keep::Once {
                    world.network.remove(&message);
                }
                match message {
                    Message::Asks { tab, generation } => {
                        let id = self.attempts.then_some(1);
                        let before = world.row;
                        let served = self.serve(&mut world, generation, id);
                        world.presented(Party::Client, &before);
                        match served {
                            Ok(generation) => {
                                world.network.insert(Message::Answers { tab, generation });
                            }
                            // The client re-reads its storage, or tries again later.
                            Err(Refusal::Superseded | Refusal::TooFarAhead) => {}
                            Err(_) => world.signed_out = true,
                        }
                    }
                    Message::Answers { generation, .. } => {
                        world.stored = world.stored.max(generation);
                    }
                }
            }
            Act::Lose(message) => {
                world.network.remove(&message);
                world.losses += 1;
            }
            Act::Wait => {
                // What was in flight is lost with the step, and counts as a loss where losses are counted.
                let answers =
                    world.network.iter().any(|m| matches!(m, Message::Answers { generation, .. } if *generation > world.stored));
                if answers {
                    if world.losses >= self.losses {
                        return None;
                    }
                    world.losses += 1;
                }
                world.network.clear();
                world.compare_thief_and_client();
                world.rotated_in_step = false;
                world.steps += 1;
                for row in world.past.iter_mut().chain([&mut world.row]) {
                    row.age = (row.age + 1).min(2);
                }
            }
            Act::Failover(writes) => {
                let kept = world.past.len() - writes;
                world.row = world.past[kept];
                world.past.truncate(kept);
                world.failovers += 1;
            }
            Act::Steal => {
                world.thief = Some(Thief {
                    generation: world.stored,
                    knows_attempt: self.stolen_attempt,
                });
            }
            Act::ThiefUses(attempt) => {
                let thief = world.thief?;
                let id = self.attempts.then_some(match attempt {
                    Attempt::Own => 2,
                    Attempt::Stolen => 1,
                });
                let before = world.row;
                let served = self.serve(&mut world, thief.generation, id);
                world.presented(Party::Thief, &before);
                if let Ok(generation) = served {
                    world.thief = Some(Thief {
                        generation,
                        knows_attempt: thief.knows_attempt && generation == thief.generation,
                    });
                }
            }
            Act::OperatorEnds => {
                world.row.ended = true;
                world.past.clear();
                world.ended_by_operator = true;
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no false logout without a thief",
                |search: &Self, world: &World| {
                    search.thief || world.ended_by_operator || !world.signed_out
                },
            ),
            Property::always(
                "a thief ever more than grace out of step is found within so many cycles",
                |search: &Self, world: &World| {
                    world.row.ended
                        || world
                            .apart
                            .is_none_or(|apart| apart.cycles < search.found_within)
                },
            ),
            Property::always(
                "a late predecessor is answered in so many generations running at most",
                |search: &Self, world: &World| world.late_running <= search.answered_running(),
            ),
            Property::always(
                "nothing minted after an acknowledged end",
                |_, world: &World| !world.minted_after_end,
            ),
            Property::always("a single live successor", |_, world: &World| {
                !world.skipped_successor
            }),
            Property::sometimes("a rotation happens", |_, world: &World| {
                world.row.generation >= 2
            }),
        ]
    }
}

fn search(name: &str, search: Search) {
    let checker = search.checker().spawn_bfs().join();
    println!(
        "{name}: {} states, depth {}",
        checker.unique_state_count(),
        checker.max_depth()
    );
    checker.assert_properties();
}

fn base() -> Search {
    Search {
        attempts: true,
        thief: false,
        stolen_attempt: false,
        found_within: 2,
        operator: false,
        failovers: 0,
        at_risk: 1,
        losses: 1,
        steps: 4,
        policy: Policy {
            min_rotation_interval: secs(30),
            ..Preset::Refresh.policy()
        },
    }
}

fn plain() -> Search {
    Search {
        attempts: false,
        found_within: 2,
        ..base()
    }
}

#[test]
fn attempts_with_failover() {
    search(
        "attempts, failover",
        Search {
            failovers: 1,
            at_risk: 2,
            losses: 2,
            ..base()
        },
    );
}

#[test]
fn attempts_with_failover_and_an_end() {
    search(
        "attempts, failover, operator",
        Search {
            failovers: 1,
            at_risk: 2,
            operator: true,
            ..base()
        },
    );
}

#[test]
fn attempts_with_a_thief() {
    search(
        "attempts, thief",
        Search {
            thief: true,
            steps: 5,
            ..base()
        },
    );
}

#[test]
fn attempts_with_a_thief_and_an_end() {
    search(
        "attempts, thief, operator",
        Search {
            thief: true,
            operator: true,
            steps: 3,
            ..base()
        },
    );
}

#[test]
fn attempts_with_a_thief_and_failover() {
    search(
        "attempts, thief, failover",
        Search {
            thief: true,
            failovers: 1,
            losses: 0,
            steps: 5,
            ..base()
        },
    );
}

#[test]
fn attempts_with_a_thief_who_stole_the_attempt_id() {
    search(
        "attempts, thief with attempt id",
        Search {
            thief: true,
            stolen_attempt: true,
            found_within: 3,
            steps: 5,
            ..base()
        },
    );
}

#[test]
fn attempts_with_a_thief_who_stole_the_attempt_id_and_failover() {
    search(
        "attempts, thief with attempt id, failover",
        Search {
            thief: true,
            stolen_attempt: true,
            failovers: 1,
            losses: 0,
            found_within: 4,
            ..base()
        },
    );
}

#[test]
fn plain_with_one_loss() {
    search(
        "plain, one loss",
        Search {
            steps: 6,
            ..plain()
        },
    );
}

#[test]
fn plain_with_failover() {
    search(
        "plain, failover",
        Search {
            failovers: 1,
            losses: 0,
            ..plain()
        },
    );
}

#[test]
fn plain_with_failover_and_an_end() {
    search(
        "plain, failover, operator",
        Search {
            failovers: 1,
            losses: 0,
            operator: true,
            ..plain()
        },
    );
}

#[test]
fn plain_with_a_thief() {
    search(
        "plain, thief",
        Search {
            thief: true,
            steps: 6,
            ..plain()
        },
    );
}

#[test]
fn plain_with_a_thief_and_failover() {
    search(
        "plain, thief, failover",
        Search {
            thief: true,
            failovers: 1,
            losses: 0,
            steps: 5,
            found_within: 4,
            ..plain()
        },
    );
}
