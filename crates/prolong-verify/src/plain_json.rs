//! The JSON that authorities write, read without a parser: one flat object, no blanks, strings without escapes, small whole
//! numbers. Whatever else there is, even if it is sound, is left to [`crate::json::members`], which calls this first: of a
//! first sight's cost beside its signature, reading JSON is the largest part.

use std::borrow::Cow;

use crate::{
    json::{Known, Names, Scanned},
    numeric_date::Number,
};

/// Digits are read by so many; a number of twice as many is left to the parser.
const WORD: usize = 8;
const POWERS: [i64; WORD] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000];
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
const TOP_BITS: u64 = EACH_BYTE << 7;
const QUOTATION_MARKS: u64 = u64::from_ne_bytes([b'"'; WORD]);
const ZEROS: u64 = u64::from_ne_bytes([b'0'; WORD]);

/// `None` says nothing of the text, only that somebody else must read it.
pub(crate) fn members<'a, const N: usize>(
    text: &'a str,
    known: &Known<N>,
) -> Option<[Option<Scanned<'a>>; N]> {
    let bytes = text.as_bytes();
    // From here on, a quotation mark ends a string and nothing else does.
    if bytes.first() != Some(&b'{') || holds_special(bytes) {
        return None;
    }
    let mut found = [const { None }; N];
    let mut others = Names::default();
    let mut unknown = None;
    let (mut next, mut at) = (0, 1);
    loop {
        let place = if let Some((place, length)) = known.begins(bytes.get(at..)?, next) {
            (next, at) = (place + 1, at + length);
            Some(place)
        } else {
            let name = string(text, at)?;
            at += name.len() + 3;
            if bytes.get(at - 1) != Some(&b':') {
                return None;
            }
            let place = known.place_of(name, &mut next);
            if place.is_none() && !others.insert(Cow::Borrowed(name)) {
                return None;
            }
            place
        };
        // Written where it belongs at once: to hand it on costs more than to read it.
        let member = match place {
            Some(place) => found.get_mut(place)?,
            None => unknown.insert(None),
        };
        if member.is_some() {
            return None;
        }
        if let Some(text) = string(text, at) {
            *member = Some(Scanned::Text(Cow::Borrowed(text)));
            at += text.len() + 2;
        } else {
            let (number, digits) = number(bytes.get(at..)?)?;
            *member = Some(Scanned::Number(Number::Signed(number)));
            at += digits;
        }
        match bytes.get(at..)? {
            [b',', ..] => at += 1,
            [b'}'] => return Some(found),
            _ => return None,
        }
    }
}

/// Whether there is a reverse solidus or a control character anywhere. Every byte is asked, so that many are at once.
fn holds_special(bytes: &[u8]) -> bool {
    let special = |byte: &u8| *byte < b' ' || *byte == b'\\';
    bytes
        .iter()
        .fold(false, |found, byte| found | special(byte))
}

/// What is between the quotation mark that stands here and the next one.
#[inline]
fn string(text: &str, at: usize) -> Option<&str> {
    let [b'"', inside @ ..] = text.as_bytes().get(at..)? else {
        return None;
    };
    text.get(at + 1..at + 1 + quotation_mark(inside)?)
}

/// The place of the first one, eight bytes at a time.
#[inline]
fn quotation_mark(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let marked = zero_bytes(u64::from_le_bytes(*word) ^ QUOTATION_MARKS);
        if marked != 0 {
            return Some(at * WORD + first_byte(marked));
        }
    }
    let place = rest.iter().position(|byte| *byte == b'"')?;
    Some(words.len() * WORD + place)
}

/// A whole number in its shortest form, and how many digits it has.
#[inline]
fn number(bytes: &[u8]) -> Option<(i64, usize)> {
    let (number, digits) = digits(bytes);
    let (number, digits) = if digits == WORD {
        let (lower, more) = self::digits(bytes.get(WORD..)?);
        (number * POWERS.get(more)? + lower, digits + more)
    } else {
        (number, digits)
    };
    let leading_zero = digits > 1 && bytes.first() == Some(&b'0');
    (digits > 0 && !leading_zero).then_some((number, digits))
}

/// The number of up to eight digits that the bytes begin with, and how many they are.
#[inline]
fn digits(bytes: &[u8]) -> (i64, usize) {
    let word = match bytes.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    // 0 to 9 where there is a digit.
    let values = word ^ ZEROS;
    let beyond = (values & !TOP_BITS).wrapping_add(EACH_BYTE * (0x80 - 10)) | values;
    let count = first_byte(beyond & TOP_BITS);
    if count == 0 {
        return (0, 0);
    }
    // Digits to the top, zeros before them; then pairs, fours, eight.
    let values = values << (8 * (WORD - count));
    let pairs = (values * 10).wrapping_add(values >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let eight = (fours * 10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (eight.cast_signed(), count)
}

/// The top bit of each byte that is zero. Above such a byte, another may be marked that is not.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(EACH_BYTE) & !word & TOP_BITS
}

/// Which byte is the first one marked; how many bytes there are if none is.
const fn first_byte(marked: u64) -> usize {
    (marked.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;
    use crate::json;

    const NAMES: Known<4> = Known::new(["iss", "sub", "exp", "s"]);

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
            r#"{"s":999999999999999}"#,
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
            r#"{"s":1000000000000000}"#,
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
            for length in 0..40 {
                for place in 0..length {
                    let mut bytes = vec![b'a'; length];
                    bytes[place] = byte;
                    let where_it_is = format!("{byte} at {place} of {length}");
                    let special = byte < 0x20 || byte == b'\\';
                    assert_eq!(holds_special(&bytes), special, "{where_it_is}");
                    let found = (byte == b'"').then_some(place);
                    assert_eq!(quotation_mark(&bytes), found, "{where_it_is}");
                }
            }
        }
        for from in 0..6 {
            assert_eq!(
                quotation_mark(&b"\"\"!\"#\"\"!"[from..]),
                [0, 0, 1, 0, 1, 0].get(from).copied()
            );
        }
    }

    /// Beside the library's own reading, with whatever may follow.
    #[test]
    fn digits_are_the_number_that_they_write() {
        for length in 1..=20 {
            for (text, after) in [
                "1234567890123456789",
                "9999999999999999999",
                "1000000000000000000",
            ]
            .iter()
            .flat_map(|text| {
                ["", ",", "}", ",\"a\":12345678", "/", ":", "\u{b9}"].map(|after| (text, after))
            }) {
                let Some(text) = text.get(..length) else {
                    continue;
                };
                let read = number(format!("{text}{after}").as_bytes());
                let expected = (length < 16).then(|| (text.parse().unwrap(), length));
                assert_eq!(read, expected, "{text}{after}");
            }
        }
        for byte in 0..=u8::MAX {
            for place in 0..12 {
                let mut text = *b"123456789012";
                text[place] = byte;
                let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let expected = str::from_utf8(&text[..digits]).unwrap().parse().ok();
                let leading_zero = digits > 1 && text[0] == b'0';
                let expected = expected
                    .filter(|_| !leading_zero)
                    .map(|number| (number, digits));
                assert_eq!(number(&text), expected, "{byte} at {place}");
            }
        }
    }
}
