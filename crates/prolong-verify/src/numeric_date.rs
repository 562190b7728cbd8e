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

/// Not a date: a counter. `1.0` and `1e0` are the number 1 (RFC 8259 §6), as far as a float tells whole numbers apart.
pub(crate) fn counter(value: &Value) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|number| number.fract() == 0.0 && (0.0..EXACT).contains(number))
            .and_then(|number| u64::try_from(saturate(number)).ok())
    })
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
