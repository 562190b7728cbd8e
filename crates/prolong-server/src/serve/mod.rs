//! On the network: listener, metrics, background work.

/// Counters.
pub struct Metrics;
