//! The faults of this crate that are to be planted still fit it.

#[path = "../../prolong-core/tests/faults/fit.rs"]
mod fit;
