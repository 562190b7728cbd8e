//! Durations of the configuration: `90s 15m 72h 7d 1w`. Whatever is written comes to a duration or to a sentence.

use std::time::Duration;

use crate::config::span;

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match (span::parse(&text), seconds(&text)) {
        (Ok(read), Some(expected)) => assert_eq!(read, Duration::from_secs(expected), "{text:?}"),
        (Err(sentence), None) => assert!(sentence.starts_with("is \""), "{sentence}"),
        (read, expected) => panic!("{text:?} is read as {read:?} and means {expected:?}"),
    }
}

/// The same in other words: ASCII digits, one unit, at most a hundred years.
fn seconds(text: &str) -> Option<u64> {
    let mut letters = text.chars().rev();
    let unit = match letters.next()? {
        's' => 1_u128,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let (mut sum, mut place, mut digits) = (0_u128, 1_u128, 0);
    for letter in letters {
        sum = sum.saturating_add(place.saturating_mul(u128::from(letter.to_digit(10)?)));
        place = place.saturating_mul(10);
        digits += 1;
    }
    let total = sum.saturating_mul(unit);
    (digits > 0 && total <= 100 * 366 * 86_400).then(|| u64::try_from(total).unwrap())
}
