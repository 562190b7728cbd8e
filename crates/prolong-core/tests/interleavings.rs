//! The core in a model of the world, searched over all interleavings: two tabs that share storage, a network that loses
//! and duplicates within the server's deadline, a failover that loses the last rotation, a thief, an operator's end.
//!
//! Time moves in steps of 15 s (more than grace, two are ρ). What is in flight dies with a step: the client's timeout
//! is 10 s. A client without attempt ids does not renew twice within a step (its answers say when the next is due);
//! one with them may do as it likes. A crash between commit and answer is a commit whose answer is lost. Bounds and the number of states found
//! are in `docs/reference/state-machine.md`, and printed with `--nocapture`.
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

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    row: Row,
    /// The row before the last rotation, which a failover may bring back.
    before: Option<Row>,
    stored: u8,
    /// A new token came in this step: nothing is due for renewal.
    fresh: bool,
    signed_out: bool,
    network: BTreeSet<Message>,
    thief: Option<u8>,
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
    Failover,
    Steal,
    ThiefUses,
    OperatorEnds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Once,
    Duplicated,
}

#[derive(Clone)]
struct Search {
    attempts: bool,
    thief: bool,
    operator: bool,
    failovers: u8,
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
        match decision.verdict {
            Verdict::Renewed(renewal) => {
                world.minted_after_end |= world.ended_by_operator;
                if row.generation != before.generation {
                    world.before = Some(before);
                    world.skipped_successor |=
                        renewal.class == Class::Rotated && row.generation != before.generation + 1;
                }
                let handed = u8::try_from(renewal.refresh.unwrap().generation.0).unwrap();
                world.skipped_successor |= handed != row.generation;
                let late = generation < before.generation && before.age > 0;
                if late && renewal.class != Class::Retry && !before.adopted {
                    let running = world.last_late.is_some_and(|last| last + 1 == generation);
                    let again = world.last_late == Some(generation);
                    world.late_running = match (running, again) {
                        (true, _) => world.late_running + 1,
                        (_, true) => world.late_running,
                        _ => 1,
                    };
                    world.last_late = Some(generation);
                }
                Ok(handed)
            }
            Verdict::Refused(refusal) => {
                if row.ended {
                    world.before = None;
                }
                Err(refusal)
            }
            other => panic!("{other:?}"),
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
            before: None,
            stored: 0,
            fresh: false,
            signed_out: false,
            network: BTreeSet::new(),
            thief: None,
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
        actions.extend(
            (0..TABS)
                .filter(|_| !world.signed_out && (self.attempts || !world.fresh))
                .map(Act::Send),
        );
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
        if world.failovers < self.failovers && world.before.is_some() {
            actions.push(Act::Failover);
        }
        if self.thief {
            actions.push(if world.thief.is_none() {
                Act::Steal
            } else {
                Act::ThiefUses
            });
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
                        match self.serve(&mut world, generation, id) {
                            Ok(generation) => {
                                world.network.insert(Message::Answers { tab, generation });
                            }
                            // The client re-reads its storage, or tries again later.
                            Err(Refusal::Superseded | Refusal::TooFarAhead) => {}
                            Err(_) => world.signed_out = true,
                        }
                    }
                    Message::Answers { generation, .. } => {
                        world.fresh |= generation > world.stored;
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
                world.fresh = false;
                world.steps += 1;
                world.row.age = (world.row.age + 1).min(2);
                world.before = world.before.map(|row| Row {
                    age: (row.age + 1).min(2),
                    ..row
                });
            }
            Act::Failover => {
                world.row = world.before.take()?;
                world.failovers += 1;
            }
            Act::Steal => world.thief = Some(world.stored),
            Act::ThiefUses => {
                let generation = world.thief?;
                let id = self.attempts.then_some(2);
                if let Ok(generation) = self.serve(&mut world, generation, id) {
                    world.thief = Some(generation);
                }
            }
            Act::OperatorEnds => {
                world.row.ended = true;
                world.before = None;
                world.ended_by_operator = true;
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no false logout without a thief",
                |search: &Self, world: &World| search.thief || search.operator || !world.signed_out,
            ),
            Property::always(
                "a late predecessor is answered once at most",
                |search: &Self, world: &World| world.late_running <= u8::from(!search.attempts),
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
        operator: false,
        failovers: 0,
        losses: 2,
        steps: 4,
        policy: Policy {
            min_rotation_interval: secs(30),
            ..Preset::Refresh.policy()
        },
    }
}

#[test]
fn attempts_with_failover() {
    search(
        "attempts, failover",
        Search {
            failovers: 1,
            ..base()
        },
    );
}

#[test]
fn plain_with_one_loss() {
    search(
        "plain, one loss",
        Search {
            attempts: false,
            losses: 1,
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
            losses: 1,
            ..base()
        },
    );
}

#[test]
fn plain_with_a_thief() {
    search(
        "plain, thief",
        Search {
            attempts: false,
            thief: true,
            losses: 1,
            ..base()
        },
    );
}

#[test]
fn attempts_with_an_end() {
    search(
        "attempts, operator, thief",
        Search {
            operator: true,
            thief: true,
            losses: 1,
            steps: 3,
            ..base()
        },
    );
}
