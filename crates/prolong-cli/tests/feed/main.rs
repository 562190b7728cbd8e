//! The feed end to end: the real binary, real verifiers, a network that misbehaves, and a second process that serves.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

mod authority;
mod faults;
mod latency;
mod proxy;
mod restart;
mod verifier;
