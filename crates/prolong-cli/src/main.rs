//! The `prolong` command.
fn main() {}
