//! What an operator does with the real binary: keys, TLS, remote administration, the doctor, logs, upgrades, stopping.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot set its scene should stop"
)]

mod configurations;
mod demo;
mod doctor;
mod explaining;
mod folder;
mod guide;
mod keys;
mod log;
mod remote;
mod server;
mod stopping;
mod tls;
mod upgrade;
