//! The searches, as `TEST-NOTES.md` states them: a line is the bounds of one, and what it comes to.

use crate::model::{Clients, Outcome, Search, Theft};

const HEAD: &str = "| clients | stolen | operator | failovers | lost | asleep | steps | states | | found within | late | cases |";

pub(crate) fn read(file: &str) -> String {
    let file = format!("{}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(file).unwrap()
}

pub(crate) fn searches() -> Vec<Search> {
    let notes = read("TEST-NOTES.md");
    let (_, table) = notes.split_once(HEAD).unwrap();
    let lines = table.trim().lines().skip(1);
    let searches: Vec<_> = lines
        .take_while(|line| line.starts_with('|'))
        .map(|text| {
            let search = parse(text);
            assert_eq!(line(&search), text, "read and written again");
            search
        })
        .collect();
    assert!(!searches.is_empty());
    searches
}

fn parse(line: &str) -> Search {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [
        clients,
        stolen,
        operator,
        failovers,
        lost,
        asleep,
        steps,
        states,
        limit,
        found,
        late,
        cases,
    ] = cells[..]
    else {
        panic!("{line}")
    };
    let number = |cell: &str| cell.parse().unwrap_or(0);
    let (failovers, at_risk) = failovers.split_once(" × ").unwrap_or(("0", "1"));
    Search {
        clients: match clients {
            "attempts" => Clients::Attempts,
            "plain" => Clients::Plain,
            other => panic!("{other}"),
        },
        theft: match stolen {
            "–" => Theft::None,
            "token" => Theft::Token,
            "token, attempt id" => Theft::TokenAndAttempt,
            other => panic!("{other}"),
        },
        operator: operator == "yes",
        failovers: number(failovers),
        at_risk: at_risk.parse().unwrap(),
        losses: number(lost),
        sleeps: number(asleep),
        steps: number(steps),
        comes_to: Outcome {
            states: states.parse().unwrap(),
            signs_out: limit == SIGNED_OUT,
            found_within: number(found),
            late_running: number(late),
            cases: cases.to_owned(),
        },
    }
}

/// A search as a line of the table.
pub(crate) fn line(search: &Search) -> String {
    let clients = match search.clients {
        Clients::Attempts => "attempts",
        Clients::Plain => "plain",
    };
    let stolen = match search.theft {
        Theft::None => "–",
        Theft::Token => "token",
        Theft::TokenAndAttempt => "token, attempt id",
    };
    let failovers = match search.failovers {
        0 => "–".to_owned(),
        failovers => format!("{failovers} × {}", search.at_risk),
    };
    let or_none = |n: u8| {
        if n == 0 {
            "–".to_owned()
        } else {
            n.to_string()
        }
    };
    let outcome = &search.comes_to;
    let limit = if outcome.signs_out { SIGNED_OUT } else { "–" };
    let cells = [
        clients,
        stolen,
        if search.operator { "yes" } else { "–" },
        &failovers,
        &or_none(search.losses),
        &or_none(search.sleeps),
        &search.steps.to_string(),
        &outcome.states.to_string(),
        limit,
        &or_none(outcome.found_within),
        &or_none(outcome.late_running),
        &outcome.cases,
    ];
    format!("| {} |", cells.join(" | "))
}

const SIGNED_OUT: &str = "**signed out**";
