//! `NumericDate` (RFC 7519 §2): any JSON number, rounded to whole seconds and saturated, so that nothing overflows.

/// A JSON number, as far as it is a whole one or a float.
#[derive(Debug)]
pub(crate) enum Number {
    Signed(i64),
    /// Over `i64::MAX`.
    Unsigned(u64),
    Float(f64),
}

/// Rounded up: for limits. `now >= exp` has the same answer as with the fraction, since `now` is whole.
pub(crate) fn upper(number: &Number) -> i64 {
    rounded(number, f64::ceil)
}

/// Rounded down: for moments that passed.
pub(crate) fn lower(number: &Number) -> i64 {
    rounded(number, f64::floor)
}

/// Not a date: a counter. `1.0` and `1e0` are the number 1 (RFC 8259 §6), as far as a float tells whole numbers apart.
pub(crate) fn counter(number: &Number) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    match *number {
        Number::Signed(number) => u64::try_from(number).ok(),
        Number::Unsigned(number) => Some(number),
        Number::Float(number) if number.fract() == 0.0 && (0.0..EXACT).contains(&number) => {
            u64::try_from(saturate(number)).ok()
        }
        Number::Float(_) => None,
    }
}

fn rounded(number: &Number, round: fn(f64) -> f64) -> i64 {
    match *number {
        Number::Signed(seconds) => seconds,
        Number::Unsigned(_) => i64::MAX,
        Number::Float(seconds) => saturate(round(seconds)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, which is what is wanted; JSON has no NaN"
)]
const fn saturate(seconds: f64) -> i64 {
    seconds as i64
}
