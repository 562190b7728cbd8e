//! It survives: the real binary under everything that a hostile or merely unlucky world does to it.
//!
//! `world.c` pretends other clocks and disks to the process under test.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod calls;
mod clock;
mod disk;
mod flood;
mod full;
mod house;
mod key_file;
mod killed;
mod process;
mod promises;
mod restore;
mod server;
mod spellings;
mod stories;
mod support;
mod threads;
mod wire;
mod world;
