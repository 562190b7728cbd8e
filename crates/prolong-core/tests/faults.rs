//! The faults that `scripts/plant` puts into this crate still fit it, and what found each is written down. Other crates that
//! have faults take this file by its path.

use std::collections::BTreeSet;

#[path = "faults/fit.rs"]
mod fit;

use fit::{faults, read};

/// So the page cannot say less than the file, nor more; and a fault that nothing finds cannot stay.
#[test]
fn every_fault_has_its_line_and_a_suite_that_finds_it() {
    let (notes, described) = (read("TEST-NOTES.md"), faults());
    let written = notes.split("<!-- written by scripts/plant -->").nth(1);
    let written = written.unwrap().split("<!-- end -->").next().unwrap();
    let row = |line: &str| -> Vec<String> {
        let cells = line.trim().trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let mut rows = written.trim().lines().take_while(|line| !line.is_empty());
    let suites: BTreeSet<_> = row(rows.next().unwrap()).into_iter().skip(2).collect();
    assert_eq!(suites, described.suites.keys().cloned().collect());
    let rows: Vec<_> = rows.skip(1).map(row).collect();
    let listed: Vec<_> = rows.iter().map(|row| row[..2].join(" ")).collect();
    let numbered = (1..).zip(&described.fault);
    let expected: Vec<_> = numbered
        .map(|(n, fault)| format!("{n} {}", fault.name))
        .collect();
    assert_eq!(listed, expected, "run scripts/plant");
    for row in &rows {
        let found = row[2..].iter().any(|mark| mark.starts_with("found"));
        assert!(found, "nothing finds it: {row:?}");
    }
}
