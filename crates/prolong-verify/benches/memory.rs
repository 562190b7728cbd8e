//! What a verifier keeps in memory, as the kernel counts the process: `cargo bench -p prolong-verify --bench memory`. Linux.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot set its scene should stop, and it prints"
)]

use std::fs;

use prolong_verify::{Algorithm, SeenTokens};

mod entries;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;

use entries::revoked;
use mint::{NOW, expected, header, keys, signed};

const TOKENS: usize = 100_000;
const ENTRIES: u64 = 10_000;

const PAGE: usize = 4096;

/// Bytes of memory that the process occupies: what it uses, and what its allocator keeps.
fn used() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    let resident: usize = pages.split(' ').nth(1).unwrap().parse().unwrap();
    resident * PAGE
}

#[expect(clippy::cast_precision_loss, reason = "megabytes")]
fn mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn main() {
    let (keys, expected) = (keys(), expected());
    let begun = used();
    let revoked = revoked(ENTRIES);
    let entries = used() - begun;

    let empty = used();
    let seen = SeenTokens::new(TOKENS, &[1; 32]);
    let at_start = used() - empty;
    let header = header(Algorithm::EdDsa).to_string();
    let mut length = 0;
    for number in 0..TOKENS {
        let mut claims = mint::claims();
        claims["sub"] = format!("{number:036}").into();
        claims["sid"] = format!("{number:022}").into();
        claims["jti"] = format!("{number:022}").into();
        let token = signed(Algorithm::EdDsa, &header, claims.to_string().as_bytes());
        length = token.len();
        seen.verify(&token, &keys, &expected, &revoked, NOW)
            .unwrap();
    }
    let tokens = used() - empty;
    println!(
        "tokens of {length} bytes, {} of {TOKENS} remembered",
        seen.len()
    );
    println!("| | bytes | each |\n|---|---|---|");
    println!(
        "| {ENTRIES} feed entries | {entries} | {} |",
        entries / usize::try_from(ENTRIES).unwrap()
    );
    println!("| {TOKENS} tokens | {tokens} | {} |", tokens / TOKENS);
    println!("| a new memory of tokens | {at_start} | |");
    println!("| together | {:.2} MiB | |", mib(entries + tokens));
}
