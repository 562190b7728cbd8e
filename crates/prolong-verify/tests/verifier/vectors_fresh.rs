//! The files under `tests/vectors/` are what this verifier says today.

use std::fs;

use crate::corpus::{files, path};

#[test]
fn the_corpus_is_fresh() {
    for (name, text) in files() {
        let present = fs::read_to_string(path(name)).unwrap();
        let differs = present
            .lines()
            .zip(text.lines())
            .find(|(old, new)| old != new);
        assert!(
            present == text,
            "{name} is not what the verifier says now; if it should change, run\n  \
             cargo run -p prolong-verify --example generate_vectors\nfirst difference: {differs:?}"
        );
        assert!(text.len() < 1_000_000, "{name} has {} bytes", text.len());
    }
}
