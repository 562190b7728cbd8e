//! The wire: each endpoint in a file of its own; a handler parses, applies, renders.

pub mod problem;
