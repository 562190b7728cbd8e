//! The authority: API, token minting, keys, pages, background work.
//!
//! A library: [`Authority`] is built from [`Parts`], and [`http::router`] puts it on the wire. Time, randomness, the
//! store and the settings are arguments; nothing here reads the environment, the system clock or the file system.
#![forbid(unsafe_code)]

pub mod authority;
pub mod clock;
pub mod entropy;
pub mod feed;
pub mod http;
pub mod keys;
pub mod serve;
pub mod settings;
#[cfg(test)]
mod settings_tests;
pub mod token;
pub mod users;
#[cfg(test)]
mod world;

pub use authority::{Authority, Parts};
