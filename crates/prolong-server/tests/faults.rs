//! The faults of this crate, under the same two tests as those of the core.

#[path = "../../prolong-core/tests/faults.rs"]
mod faults;
