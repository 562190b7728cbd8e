//! What holds in every history of a session: all short ones, long ones at random under any policy, and every cell of
//! the table of refresh tokens. Each presented refresh token is also put to the oracle, which was written from the table
//! alone: the whole decision must be the same.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../support/case.rs"]
mod case;
mod cells;
mod history;
mod long;
#[path = "../support/oracle.rs"]
mod oracle;
mod policies;
mod short;
#[path = "../support/mod.rs"]
mod support;
