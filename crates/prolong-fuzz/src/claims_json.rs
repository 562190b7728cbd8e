//! The JSON of claims: the reader without a parser finds what a whole parser finds or leaves it alone, and both find what
//! `serde_json` alone does in every object whose members are unique.

use serde_json::{Map, Value};

use crate::json::{self, Known, Scanned};
use crate::numeric_date::{Number, counter, lower, upper};
use crate::plain_json;

/// As [`prolong_verify`] asks for them; some are beginnings of others.
const NAMES: [&str; 8] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "exp",
    "jwt_version",
    "s",
    "su",
];
const KNOWN: Known<8> = Known::new(NAMES);

pub(crate) fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let whole = json::object(text.as_bytes());
    let parsed = json::parsed(&text, &KNOWN);
    assert_eq!(whole.is_some(), parsed.is_some(), "{text}");
    if let (Some(whole), Some(parsed)) = (&whole, &parsed) {
        compare(&text, whole, parsed);
    }
    match plain_json::members(&text, &KNOWN) {
        Some(plain) => {
            let whole = whole.expect("it reads nothing that a parser refuses");
            // Whoever takes the last of two members has the same: there are no two.
            assert_eq!(serde_json::from_str::<Map<_, _>>(&text).unwrap(), whole);
            compare(&text, &whole, &plain);
        }
        None => assert!(
            !whole.is_some_and(|whole| is_plain(&text, &whole)),
            "{text}"
        ),
    }
}

fn compare(text: &str, whole: &Map<String, Value>, found: &[Option<Scanned<'_>>; 8]) {
    for (name, found) in NAMES.iter().zip(found) {
        let same = match (whole.get(*name), found) {
            (Some(Value::String(said)), Some(Scanned::Text(found))) => said == found,
            (Some(Value::Number(said)), Some(Scanned::Number(found))) => is_number(said, found),
            (Some(Value::Array(said)), Some(Scanned::List(found))) => {
                let said: Option<Vec<&str>> = said.iter().map(Value::as_str).collect();
                let found = found.as_ref();
                said == found.map(|found| found.iter().map(|one| &**one).collect())
            }
            (None, found) => found.is_none(),
            (Some(said), Some(Scanned::Other)) => {
                said.is_null() || said.is_boolean() || said.is_object()
            }
            _ => false,
        };
        assert!(same, "{name} of {text}");
    }
}

fn is_number(said: &serde_json::Number, found: &Number) -> bool {
    let limits = (lower(found), upper(found), counter(found));
    if let Some(seconds) = said.as_i64() {
        return limits == (seconds, seconds, u64::try_from(seconds).ok());
    }
    if let Some(large) = said.as_u64() {
        return limits == (i64::MAX, i64::MAX, Some(large));
    }
    let (low, high, _) = limits;
    let float = said.as_f64().unwrap();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates, which is meant"
    )]
    let (floor, ceil) = (float.floor() as i64, float.ceil() as i64);
    (low, high) == (floor, ceil)
}

/// Written as authorities write it: at least one member, nothing to be escaped, no blanks, small whole numbers.
fn is_plain(text: &str, whole: &Map<String, Value>) -> bool {
    let is_sound = |text: &str| !text.contains(|one: char| one < ' ' || one == '\\' || one == '"');
    let member = |(name, value): (&String, &Value)| {
        let plain = match value {
            Value::String(text) => is_sound(text),
            Value::Number(number) => number
                .as_u64()
                .is_some_and(|number| number < 1_000_000_000_000_000),
            _ => false,
        };
        plain && is_sound(name)
    };
    let length = |(name, value): (&String, &Value)| name.len() + value.to_string().len() + 4;
    // Nothing was written in another way if it is no longer than it must be.
    !whole.is_empty()
        && whole.iter().all(member)
        && text.len() == 1 + whole.iter().map(length).sum::<usize>()
}
