//! Durations: `90s 15m 72h 7d 1w`.

use std::time::Duration;

/// Reads one duration; `Err` ends a sentence that begins with the key.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "is \"{text}\", which is not a duration: write a whole number and a unit, like \"90s\", \"15m\", \"72h\", \"7d\" or \"1w\""
        )
    };
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let total = number
        .checked_mul(seconds)
        .filter(|total| *total <= LONGEST);
    total.map(Duration::from_secs).ok_or_else(|| {
        format!("is \"{text}\", which is more than 100 years: \"never\" may be what is meant")
    })
}

const LONGEST: u64 = 100 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_units_and_nothing_else() {
        for (text, seconds) in [
            ("0s", 0),
            ("90s", 90),
            ("15m", 900),
            ("72h", 259_200),
            ("7d", 604_800),
            ("1w", 604_800),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "15",
            "m",
            "-1s",
            "1.5h",
            "1 h",
            "1h30m",
            "15M",
            "never",
            "99999999999999999999s",
            "5300w",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
