//! The core in a model of the world, searched over all interleavings: tabs that share storage, a network that loses,
//! repeats and reorders, a failover that loses the last writes, a thief, an operator's end.
//!
//! Time moves in steps of 15 s (more than grace, two are ρ). Within a step everyone may renew as often as they like: what
//! a tab has asked may reach the server at any time in it, once or many times, and its answers may arrive or not. With
//! the step they are gone, as the client's timeout is 10 s; an answer that the client waited for and that is gone counts
//! as a loss. A crash between commit and answer is a commit whose answer is lost. Where the search says so, a request
//! sleeps in its tab and reaches the server in a later step.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../support/case.rs"]
mod case;
mod model;
#[path = "../support/mod.rs"]
mod support;
mod table;
mod world;

use model::{Run, Search, Theft};
use stateright::{Checker, HasDiscoveries, Model};
use table::{line, read, searches};

/// Searches to the end, and compares with what each should come to.
fn all_hold(which: fn(&Search) -> bool) {
    let mut others = Vec::new();
    let searches: Vec<_> = searches().into_iter().filter(which).collect();
    assert!(!searches.is_empty());
    for search in searches {
        let checker = Run::new(search.clone())
            .checker()
            .finish_when(HasDiscoveries::AnyFailures)
            .spawn_bfs()
            .join();
        checker.assert_properties();
        let comes_to = checker.model().outcome(checker.unique_state_count());
        if comes_to != search.comes_to {
            others.push(line(&Search { comes_to, ..search }));
        }
    }
    assert_eq!(
        others,
        Vec::<String>::new(),
        "lines of TEST-NOTES.md that should be so"
    );
}

#[test]
fn no_honest_client_is_signed_out() {
    all_hold(|search| search.theft == Theft::None && !search.comes_to.signs_out);
}

#[test]
fn the_known_limits_are_where_they_are_said_to_be() {
    all_hold(|search| search.comes_to.signs_out);
}

#[test]
fn a_thief_is_found() {
    all_hold(|search| search.theft != Theft::None && search.failovers == 0);
}

#[test]
fn a_thief_is_found_although_the_store_loses_writes() {
    all_hold(|search| search.theft != Theft::None && search.failovers > 0);
}

#[test]
fn the_reference_says_how_much_was_searched() {
    let searches = searches();
    let states: usize = searches.iter().map(|search| search.comes_to.states).sum();
    let sum = format!("{} searches, {states} states", searches.len());
    let reference = read("../../docs/reference/state-machine.md").replace("\n  ", " ");
    assert!(reference.contains(&sum), "{sum}");
}
