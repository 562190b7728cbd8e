//! `NumericDate` (RFC 7519 §2): any JSON number, rounded to whole seconds and saturated, so that nothing overflows.

use serde_json::Value;

/// Rounded up: for limits. `now >= exp` has the same answer as with the fraction, since `now` is whole.
pub(crate) fn upper(value: &Value) -> Option<i64> {
    whole(value).or_else(|| value.as_f64().map(|seconds| saturate(seconds.ceil())))
}

/// Rounded down: for moments that passed.
pub(crate) fn lower(value: &Value) -> Option<i64> {
    whole(value).or_else(|| value.as_f64().map(|seconds| saturate(seconds.floor())))
}

fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_u64().map(|_| i64::MAX))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, which is what is wanted; JSON has no NaN"
)]
const fn saturate(seconds: f64) -> i64 {
    seconds as i64
}
