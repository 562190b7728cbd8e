//! The faults of this crate still fit it. Not all of their results are written yet, so the core's second test is not here.

#[path = "../../prolong-core/tests/faults/fit.rs"]
mod fit;
