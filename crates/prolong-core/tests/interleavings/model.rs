//! What may happen in the world, and what must hold in it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

use prolong_core::{Class, Event, Policy, Preset, Refusal, Verdict, decide};
use stateright::{Model, Property};

use crate::case::case;
use crate::support::{at, refresh, secs, user};
use crate::world::{Apart, Party, Thief, World};

/// The bounds of a search, and what it must come to.
#[derive(Clone)]
pub(crate) struct Search {
    pub(crate) clients: Clients,
    pub(crate) theft: Theft,
    /// An operator may end the session.
    pub(crate) operator: bool,
    pub(crate) failovers: u8,
    /// Writes that each failover may lose.
    pub(crate) at_risk: usize,
    /// Steps in which answers are lost that the client waits for.
    pub(crate) losses: u8,
    /// Steps through which a request may sleep in a tab, before it reaches the server.
    pub(crate) sleeps: u8,
    /// Steps of 15 s.
    pub(crate) steps: u8,
    pub(crate) comes_to: Outcome,
}

/// What a search comes to, exactly.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Unique states.
    pub(crate) states: usize,
    /// An honest client may be signed out: a known limit.
    pub(crate) signs_out: bool,
    /// Cycles out of step, of which the last finds the thief at the latest; 0 without one.
    pub(crate) found_within: u8,
    /// Generations running in which a late predecessor is answered that is no retry.
    pub(crate) late_running: u8,
    /// The cases of the table that occur.
    pub(crate) cases: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clients {
    Attempts,
    Plain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theft {
    None,
    Token,
    /// The thief also presents the attempt id that it stole along with the token.
    TokenAndAttempt,
}

/// A search under way, and what it has seen.
pub(crate) struct Run {
    pub(crate) search: Search,
    policy: Policy,
    cases: Mutex<BTreeSet<&'static str>>,
    found_within: AtomicU8,
    late_running: AtomicU8,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A request of the client reaches the server.
    ClientUses(u8),
    /// An answer reaches the client.
    Arrive(u8),
    Wait,
    /// The tab that asks sleeps, and its request reaches the server in the next step at the earliest.
    Sleep(u8),
    /// Loses so many of the last writes.
    Failover(usize),
    Steal,
    ThiefUses(Attempt),
    OperatorEnds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    Own,
    Stolen,
}

impl Run {
    pub(crate) fn new(search: Search) -> Self {
        Self {
            search,
            policy: Policy {
                min_rotation_interval: secs(30),
                ..Preset::Refresh.policy()
            },
            cases: Mutex::default(),
            found_within: AtomicU8::new(0),
            late_running: AtomicU8::new(0),
        }
    }

    /// What it came to, once it is at its end.
    pub(crate) fn outcome(&self, states: usize) -> Outcome {
        let cases = self.cases.lock().unwrap();
        Outcome {
            states,
            signs_out: self.search.comes_to.signs_out,
            found_within: self.found_within.load(Ordering::Relaxed),
            late_running: self.late_running.load(Ordering::Relaxed),
            cases: cases.iter().copied().collect::<Vec<_>>().join(" "),
        }
    }

    /// The server's answer to a token: the generation handed out, or a refusal.
    fn serve(&self, world: &mut World, generation: u8, id: Option<u8>) -> Result<u8, Refusal> {
        let session = world.row.session(&self.policy);
        let event = refresh(generation.into(), id);
        let presented = event.generation;
        let now = world.row.now();
        let event = Event::Refresh(event);
        let decision = decide(&session, &user(at(0)), &event, now, &self.policy);
        let case = case(&session, presented, &decision.verdict);
        self.cases.lock().unwrap().insert(case);
        let row = world.row.after(&session, &decision.next);
        let before = world.store(row, self.search.at_risk);
        match decision.verdict {
            Verdict::Renewed(renewal) => {
                let rotated = renewal.class == Class::Rotated;
                let handed = u8::try_from(renewal.refresh.unwrap().generation.0).unwrap();
                world.minted_after_end |= world.ended_by_operator || world.found;
                world.rotated_in_step |= rotated;
                // A rotation that does not say when would allow the next one at once.
                world.rotated_too_soon |= rotated && (before.age < 2 || row.age > 0);
                world.answered_the_spent |= generation + 1 < before.generation;
                world.skipped_successor |= handed != row.generation
                    || (rotated && row.generation != before.generation + 1);
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

    /// Ends the step. What the client waits for is lost.
    fn wait(&self, world: &mut World, asleep: Option<u8>) -> Option<()> {
        if world.waits_for_news() {
            if world.losses >= self.search.losses {
                return None;
            }
            world.losses += 1;
        }
        world.step(asleep);
        Some(())
    }

    fn client_uses(&self, world: &mut World, generation: u8) {
        let id = (self.search.clients == Clients::Attempts).then_some(1);
        let before = world.row;
        let served = self.serve(world, generation, id);
        world.presented(Party::Client, &before);
        match served {
            Ok(generation) => {
                world.answered.insert(generation);
            }
            // The client re-reads its storage, or tries again later.
            Err(Refusal::Superseded | Refusal::TooFarAhead) => {}
            Err(_) => world.signed_out = true,
        }
    }

    fn thief_uses(&self, world: &mut World, attempt: Attempt) -> Option<()> {
        let thief = world.thief?;
        let id = (self.search.clients == Clients::Attempts).then_some(match attempt {
            Attempt::Own => 2,
            Attempt::Stolen => 1,
        });
        let before = world.row;
        let served = self.serve(world, thief.generation, id);
        world.presented(Party::Thief, &before);
        if let Ok(generation) = served {
            world.thief = Some(Thief {
                generation,
                knows_attempt: thief.knows_attempt && generation == thief.generation,
            });
        }
        Some(())
    }
}

impl Model for Run {
    type State = World;
    type Action = Act;

    fn init_states(&self) -> Vec<World> {
        vec![World::new()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Act>) {
        let search = &self.search;
        if !world.signed_out {
            actions.extend(world.asked.iter().map(|g| Act::ClientUses(*g)));
        }
        actions.extend(world.answered.iter().map(|g| Act::Arrive(*g)));
        if world.slept < search.sleeps && world.steps < search.steps {
            actions.extend(world.asked.iter().map(|g| Act::Sleep(*g)));
        }
        if world.steps < search.steps {
            actions.push(Act::Wait);
        }
        if world.failovers < search.failovers {
            actions.extend((1..=world.past.len()).map(Act::Failover));
        }
        match world.thief {
            None if search.theft != Theft::None => actions.push(Act::Steal),
            None => {}
            Some(thief) => {
                actions.push(Act::ThiefUses(Attempt::Own));
                if thief.knows_attempt {
                    actions.push(Act::ThiefUses(Attempt::Stolen));
                }
            }
        }
        if search.operator && !world.ended_by_operator {
            actions.push(Act::OperatorEnds);
        }
    }

    fn next_state(&self, last: &World, act: Act) -> Option<World> {
        let mut world = last.clone();
        match act {
            Act::ClientUses(generation) => self.client_uses(&mut world, generation),
            Act::Arrive(generation) => world.arrive(generation),
            Act::Wait => self.wait(&mut world, None)?,
            Act::Sleep(generation) => {
                world.slept += 1;
                self.wait(&mut world, Some(generation))?;
            }
            Act::Failover(writes) => world.fail_over(writes),
            Act::Steal => {
                world.thief = Some(Thief {
                    generation: world.stored,
                    knows_attempt: self.search.theft == Theft::TokenAndAttempt,
                });
            }
            Act::ThiefUses(attempt) => self.thief_uses(&mut world, attempt)?,
            Act::OperatorEnds => {
                world.row.ended = true;
                world.past.clear();
                world.ended_by_operator = true;
            }
        }
        if let Some(apart) = world.apart.filter(|_| !world.row.ended) {
            self.found_within
                .fetch_max(apart.cycles + 1, Ordering::Relaxed);
        }
        self.late_running
            .fetch_max(world.late_running, Ordering::Relaxed);
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(
                "no false logout without a thief",
                |run: &Self, world: &World| {
                    let excused = run.search.theft != Theft::None || world.ended_by_operator;
                    excused || run.search.comes_to.signs_out || !world.signed_out
                },
            ),
            Property::always(
                "a thief ever more than grace out of step is found within so many cycles",
                |run: &Self, world: &World| {
                    let cycles = |apart: &Apart| apart.cycles < run.search.comes_to.found_within;
                    world.row.ended || world.apart.as_ref().is_none_or(cycles)
                },
            ),
            Property::always(
                "a late predecessor is answered in so many generations running at most",
                |run: &Self, world: &World| world.late_running <= run.search.comes_to.late_running,
            ),
            Property::always(
                "nothing minted after an acknowledged end",
                |_, world: &World| !world.minted_after_end,
            ),
            Property::always("a single live successor", |_, world: &World| {
                !world.skipped_successor
            }),
            Property::always("no rotation sooner than ρ", |_, world: &World| {
                !world.rotated_too_soon
            }),
            Property::always(
                "only the last two generations yield tokens",
                |_, world: &World| !world.answered_the_spent,
            ),
            Property::sometimes("a rotation happens", |_, world: &World| {
                world.row.generation >= 2
            }),
            Property::sometimes(
                "a client is signed out where it may be",
                |run: &Self, world: &World| {
                    let search = &run.search;
                    let may_be =
                        search.theft != Theft::None || search.operator || search.comes_to.signs_out;
                    world.signed_out || !may_be
                },
            ),
        ]
    }
}
