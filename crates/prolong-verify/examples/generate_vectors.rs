//! Writes `tests/vectors/`: tokens and key sets with this verifier's verdicts, for verifiers in other languages.
//!
//! `cargo run -p prolong-verify --example generate_vectors`
#![expect(
    clippy::unwrap_used,
    reason = "a generator that cannot do its work should stop"
)]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/corpus/mod.rs"]
mod corpus;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../tests/verifier/mint.rs"]
mod mint;

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all(corpus::path(""))?;
    for (name, text) in corpus::files() {
        std::fs::write(corpus::path(name), text)?;
    }
    Ok(())
}
