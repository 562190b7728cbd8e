//! The wire: each endpoint in a file of its own; a handler parses, applies, renders.

pub mod admin;
pub mod problem;
pub mod sessions;
