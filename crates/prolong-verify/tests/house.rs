//! What a service takes on with this crate.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

use std::{collections::BTreeSet, process::Command};

/// The crates that are linked in with these features, this one left out.
fn dependencies(features: &str) -> BTreeSet<String> {
    let tree = "tree --offline --locked --package prolong-verify --edges normal --prefix none";
    let output = Command::new(env!("CARGO"))
        .args(tree.split(' '))
        .args(["--no-default-features", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let found: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .filter(|name| name != "prolong-verify")
        .collect();
    assert!(found.contains("aws-lc-rs"), "the tree was not read");
    found
}

/// The number that stands before these words in the crate's documentation.
fn stated(before: &str) -> usize {
    let text = include_str!("../src/lib.rs").replace("\n//! ", " ");
    let (head, _) = text.split_once(before).unwrap();
    head.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_core_depends_on_about_30_crates() {
    let core = dependencies("");
    assert_eq!(core.len(), stated(" crates without features"), "{core:#?}");
    assert!(core.len() <= 30, "{core:#?}");
}

#[test]
fn the_core_does_no_io_and_tower_brings_no_runtime() {
    for (features, foreign) in [
        (
            "",
            &["tokio", "http", "tower", "axum", "hyper", "reqwest"][..],
        ),
        ("tower", &["tokio", "axum", "hyper", "reqwest"]),
        ("axum", &["reqwest", "rustls", "hyper-rustls"]),
    ] {
        let found = dependencies(features);
        for name in foreign {
            assert!(!found.contains(*name), "{features:?} brings {name}");
        }
    }
}
