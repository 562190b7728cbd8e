//! The verifier against its rules. Tests are named for the line of the standards checklist that they hold.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

mod atj;
mod corpus;
mod differences;
mod differential;
mod follower;
mod jwk;
mod jwt;
mod mint;
mod properties;
mod revocation;
mod seen;
mod vectors;
mod vectors_fresh;
mod wycheproof;
