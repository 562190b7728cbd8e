//! The JSON that authorities write, read without a parser: one flat object, no blanks, strings without escapes, small whole
//! numbers. Whatever else there is, even if it is sound, is left to [`crate::json::members`], which calls this first: of a
//! first sight's cost beside its signature, reading JSON is the largest part.

use std::borrow::Cow;

use crate::{
    json::{Names, Scanned, place_of},
    numeric_date::Number,
};

/// So many digits fit into 64 bits with a sign, whatever they are.
const DIGITS: usize = 18;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const TOP_BITS: u64 = EACH_BYTE << 7;

/// `None` says nothing of the text, only that somebody else must read it.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    names: &[&str; N],
) -> Option<[Option<Scanned<'a>>; N]> {
    let mut found = [const { None }; N];
    let mut others = Names::default();
    let mut next = 0;
    let mut rest = text.strip_prefix('{')?;
    loop {
        let (name, after) = string(rest)?;
        let after = after.strip_prefix(':')?;
        let place = place_of(names, name, &mut next);
        if place.is_none() && !others.insert(Cow::Borrowed(name)) {
            return None;
        }
        let mut unknown = None;
        let found = place
            .and_then(|place| found.get_mut(place))
            .unwrap_or(&mut unknown);
        if found.is_some() {
            return None;
        }
        // Written where it belongs at once: to hand it on costs more than to read it.
        let after = if let Some((text, after)) = string(after) {
            *found = Some(Scanned::Text(Cow::Borrowed(text)));
            after
        } else {
            let (number, after) = number(after)?;
            *found = Some(Scanned::Number(Number::Signed(number)));
            after
        };
        match after.as_bytes() {
            [b',', ..] => rest = &after[1..],
            [b'}'] => break,
            _ => return None,
        }
    }
    Some(found)
}

/// A whole number in its shortest form, and what follows.
fn number(text: &str) -> Option<(i64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    let leading_zero = digits > 1 && number.starts_with('0');
    if leading_zero || digits > DIGITS {
        return None;
    }
    Some((number.parse().ok()?, rest))
}

/// What is between two quotation marks, and what follows.
fn string(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    let end = first_special(inside.as_bytes())?;
    let (string, rest) = inside.split_at_checked(end)?;
    Some((string, rest.strip_prefix('"')?))
}

/// The place of the first quotation mark, reverse solidus or control character, eight bytes at a time.
fn first_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let marked = special(u64::from_le_bytes(*word));
        if marked != 0 {
            return Some(at * 8 + marked.trailing_zeros() as usize / 8);
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let place = rest.iter().position(is_special)?;
    Some(words.len() * 8 + place)
}

/// The top bit of each byte that is special. Above such a byte, another may be marked that is not.
const fn special(word: u64) -> u64 {
    let quoted = zero_bytes(word ^ (EACH_BYTE * b'"' as u64));
    let escaped = zero_bytes(word ^ (EACH_BYTE * b'\\' as u64));
    let control = word.wrapping_sub(EACH_BYTE * 0x20) & !word & TOP_BITS;
    quoted | escaped | control
}

const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(EACH_BYTE) & !word & TOP_BITS
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::json;

    const NAMES: [&str; 4] = ["iss", "sub", "exp", "s"];

    /// What was found, in a form that can be compared.
    fn told<const N: usize>(found: Option<[Option<Scanned<'_>>; N]>) -> Option<Vec<String>> {
        let one = |scanned| match scanned {
            None => "absent".to_owned(),
            Some(Scanned::Text(text)) => format!("{text:?}"),
            Some(Scanned::Number(number)) => format!("{number:?}"),
            Some(Scanned::List(list)) => format!("{list:?}"),
            Some(Scanned::Other) => "other".to_owned(),
        };
        found.map(|all| all.into_iter().map(one).collect())
    }

    /// Pieces of objects, sound and unsound.
    fn pieces() -> impl Strategy<Value = Vec<&'static str>> {
        let all = vec![
            "{",
            "}",
            ",",
            ":",
            "\"",
            "\"iss\"",
            "\"sub\":",
            "\"exp\":",
            "\"s\":",
            "\"x\":",
            "\"\":",
            "\"a\"",
            "\"ä€😀\"",
            "\"a\\\"b\"",
            "\"a\\u0062\"",
            "\"\u{1}\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "\\",
            "\"a long text without anything in it\"",
            "\"a long text with \\n in it\"",
            " ",
            "\n",
            "0",
            "00",
            "7",
            "-0",
            "-7",
            "1.5",
            "1e2",
            "999999999999999999",
            "1000000000000000000",
            "9223372036854775808",
            "null",
            "true",
            "[]",
            "[\"a\"]",
            "{\"a\":1}",
            "\u{feff}",
            "1795435200",
            "\"1\",",
            "1,",
            "{\"iss\":\"a\",",
        ];
        prop::collection::vec(select(all), 0..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever it reads, the parser reads in the same way.
        #[test]
        fn it_reads_nothing_that_is_not_so(pieces in pieces(), closed in any::<bool>()) {
            let mut text = pieces.concat();
            if closed {
                text = format!("{{{text}}}");
            }
            if let Some(read) = told(members(&text, &NAMES)) {
                prop_assert_eq!(Some(read), told(json::parsed(&text, &NAMES)), "{}", text);
            }
        }
    }

    #[test]
    fn what_an_authority_writes_is_read_and_nothing_less_plain() {
        let members = |text| members(text, &NAMES).is_some();
        for plain in [
            r#"{"iss":"https://auth.example.com","sub":"ä€😀","exp":1795435200,"x":"y"}"#,
            r#"{"x":0,"y":1,"sub":"","s":"/","iss":7}"#,
            r#"{"s":999999999999999999}"#,
        ] {
            assert!(members(plain), "{plain}");
        }
        for other in [
            "",
            "{",
            "{}",
            "{}}",
            r#"{"s":1}x"#,
            r#"{"s":1},"#,
            r#"{"s":1,}"#,
            r#"{"s" :1}"#,
            r#"{"s":1 }"#,
            r#" {"s":1}"#,
            r#"{"s":01}"#,
            r#"{"s":-1}"#,
            r#"{"s":1.0}"#,
            r#"{"s":1e1}"#,
            r#"{"s":}"#,
            r#"{"s":"}"#,
            r#"{"s":"\n"}"#,
            r#"{"s":1,"s":1}"#,
            r#"{"x":1,"x":1}"#,
            r#"{"\u0073":1}"#,
            "{s:1}",
            "{\"s\":\"\n\"}",
            "{\"s\":\"\0\"}",
            "{\"s\":\"1234567\u{1f}\"}",
            r#"{"s":1000000000000000000}"#,
            r#"{"s":[]}"#,
            r#"{"s":null}"#,
            r#"{"s":{}}"#,
            r#"["s"]"#,
            r#""s""#,
        ] {
            assert!(!members(other), "{other}");
        }
    }

    #[test]
    fn special_bytes_are_found_wherever_they_are() {
        for byte in 0..=u8::MAX {
            for length in 0..20 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    let found = (byte < 0x20 || matches!(byte, b'"' | b'\\')).then_some(place);
                    assert_eq!(
                        first_special(&bytes),
                        found,
                        "{byte} at {place} of {length}"
                    );
                }
            }
        }
        let all = *b"\"\\\x1f\x00\"\\  ";
        for from in 0..6 {
            assert_eq!(first_special(&all[from..]), Some(0));
        }
    }
}
