//! What is fuzzed. Each target is a function of bytes that panics where a property does not hold.
//!
//! `cargo test -p prolong-fuzz` runs every target over its corpus in `fuzz/corpus` and over inputs made from it with a
//! fixed seed; `fuzz/run` runs one for as long as you like, guided by coverage. Why so: `docs/decisions/0055`.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a target tells that it found something by panicking"
)]

mod access_token;
mod claims_json;
mod configuration;
mod credentials;
mod cut;
mod durations;
mod feed;
mod feed_wire;
mod forms;
mod house;
mod json_bodies;
mod key_set;
mod password_hash;
mod refresh_token;
mod requests;
mod verify_query;

// The configuration is private to the command, what reads events to the verifier: they are compiled in here once more.
#[expect(
    dead_code,
    reason = "the command needs more of its configuration than is fuzzed"
)]
#[path = "../../prolong-cli/src/config/mod.rs"]
mod config;
#[path = "../../prolong-verify/tests/verifier/differences.rs"]
mod differences;
// How claims are read, under the names that these files call each other by.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the first of its readers is called by itself")
)]
#[path = "../../prolong-verify/src/json.rs"]
mod json;
#[expect(dead_code, reason = "the verifier's tests need more of their issuer")]
#[path = "../../prolong-verify/tests/verifier/mint.rs"]
mod mint;
#[path = "../../prolong-verify/src/numeric_date.rs"]
mod numeric_date;
#[path = "../../prolong-verify/src/plain_json.rs"]
mod plain_json;

/// Something that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name of its corpus and of its binary.
    pub name: &'static str,
    /// Runs it once. Panics where a property does not hold.
    pub run: fn(&[u8]),
    /// How many inputs `cargo test` makes for it.
    pub tries: u32,
}

/// Every target.
pub const TARGETS: &[Target] = &[
    target("access_token", access_token::run, 4000),
    target("claims_json", claims_json::run, 20_000),
    target("configuration", configuration::run, 3000),
    target("credentials", credentials::run, 300),
    target("durations", durations::run, 20_000),
    target("feed", feed::run, 2000),
    target("feed_wire", feed_wire::run, 10_000),
    target("forms", forms::run, 400),
    target("json_bodies", json_bodies::run, 400),
    target("key_set", key_set::run, 4000),
    target("password_hash", password_hash::run, 10_000),
    target("refresh_token", refresh_token::run, 10_000),
    target("requests", requests::run, 200),
    target("verify_query", verify_query::run, 400),
];

const fn target(name: &'static str, run: fn(&[u8]), tries: u32) -> Target {
    Target { name, run, tries }
}

/// Runs the target of this name once.
pub fn run(name: &str, input: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").run)(input);
}
