//! The system's clock, for those who did not bring their own. Nothing else in this crate asks for the time.

/// Seconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "a service that uses the layer has no clock of ours to pass in; tests pass theirs to `State::with_clock`"
)]
pub(crate) fn system_now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .unwrap_or(0)
}
