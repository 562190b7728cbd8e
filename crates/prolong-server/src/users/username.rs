//! RFC 8265 §3.3, `UsernameCaseMapped`: user names that look the same and can be typed in several ways have one spelling,
//! and what nobody sees is in none. By the properties of Unicode as ICU4X has them.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{
    BidiClass, DefaultIgnorableCodePoint, EastAsianWidth, GeneralCategory, HangulSyllableType,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The one spelling of a name that is in lower case already; `None` for what may not be one. Parts may have spaces between
/// them (§3.1). The rules come in the order of RFC 8264 §7, so a syllable that is typed in pieces is judged as a whole.
pub(super) fn enforced(lower: &str) -> Option<String> {
    let parts = lower.split(' ').map(|part| {
        let part: String = part.chars().map(in_usual_width).collect();
        let part = NFC.normalize(&part).into_owned();
        (part.chars().all(is_allowed) && has_one_direction(&part)).then_some(part)
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join(" "))
}

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
const NFKC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfkc();

/// Full-width and half-width forms are the characters that they are forms of.
fn in_usual_width(c: char) -> String {
    let form = matches!(
        CodePointMapData::<EastAsianWidth>::new().get(c),
        EastAsianWidth::Fullwidth | EastAsianWidth::Halfwidth
    );
    let c = c.to_string();
    if form {
        NFKC.normalize(&c).into_owned()
    } else {
        c
    }
}

/// RFC 8264 §4.2, `IdentifierClass`. Of what §9 allows in a context, there are only the digits of Arabic.
fn is_allowed(c: char) -> bool {
    // §9.6, the exceptions that a general rule would judge otherwise.
    match c {
        '!'..='~' | '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => {
            return true;
        }
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            return false;
        }
        _ => {}
    }
    let letter_or_digit = matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        GeneralCategory::LowercaseLetter
            | GeneralCategory::UppercaseLetter
            | GeneralCategory::ModifierLetter
            | GeneralCategory::OtherLetter
            | GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
            | GeneralCategory::DecimalNumber
    );
    let old_jamo = matches!(
        CodePointMapData::<HangulSyllableType>::new().get(c),
        HangulSyllableType::LeadingJamo
            | HangulSyllableType::VowelJamo
            | HangulSyllableType::TrailingJamo
    );
    letter_or_digit
        && !old_jamo
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && NFKC.is_normalized(c.encode_utf8(&mut [0; 4]))
}

/// What reads from right to left has nothing that reads from left to right in it (the main rule of RFC 5893 §2), and of the
/// two sets of Arabic digits one.
fn has_one_direction(part: &str) -> bool {
    let classes = CodePointMapData::<BidiClass>::new();
    let has = |of: fn(BidiClass) -> bool| part.chars().any(|c| of(classes.get(c)));
    let leftward = has(|class| {
        matches!(
            class,
            BidiClass::RightToLeft | BidiClass::ArabicLetter | BidiClass::ArabicNumber
        )
    });
    let digits = |from: char, to: char| part.chars().any(|c| (from..=to).contains(&c));
    let both_directions = leftward && has(|class| class == BidiClass::LeftToRight);
    let both_digits = digits('\u{660}', '\u{669}') && digits('\u{6f0}', '\u{6f9}');
    !both_directions && !both_digits
}

#[cfg(test)]
mod tests {
    use super::enforced;

    /// The examples of RFC 8265 §3.5, and what is like them.
    #[test]
    fn the_examples_of_the_rfc() {
        for (name, spelled) in [
            ("juliet@example.com", Some("juliet@example.com")),
            ("fussball", Some("fussball")),
            ("fu\u{df}ball", Some("fu\u{df}ball")),
            ("\u{3c0}", Some("\u{3c0}")),
            ("\u{3c3}", Some("\u{3c3}")),
            ("\u{3c2}", Some("\u{3c2}")),
            ("foo bar", Some("foo bar")),
            ("\u{265a}", None),
            ("henri\u{2163}", None),
            ("\u{221e}", None),
        ] {
            assert_eq!(enforced(name).as_deref(), spelled, "{name:?}");
        }
    }

    #[test]
    fn what_is_typed_in_pieces_is_one() {
        for (typed, spelled) in [
            ("rene\u{301}", "ren\u{e9}"),
            ("\u{ff4d}\u{ff41}\u{ff52}\u{ff59}\u{ff4f}", "maryo"),
            ("\u{ff76}\u{ff9e}", "\u{30ac}"),
            ("anna@ex\u{ff0e}example", "anna@ex.example"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"), // a syllable of Hangul as three letters
            ("a\u{328}\u{301}", "\u{105}\u{301}"),
        ] {
            assert_eq!(enforced(typed).as_deref(), Some(spelled), "{typed:?}");
            assert_eq!(enforced(spelled).as_deref(), Some(spelled), "{spelled:?}");
        }
    }

    #[test]
    fn names_of_many_scripts_are_as_they_are() {
        for name in [
            "\u{43c}\u{430}\u{440}\u{438}\u{44f}",
            "\u{5d3}\u{5d5}\u{5d3}",
            "\u{645}\u{631}\u{64a}\u{645}\u{661}",
            "\u{5f20}\u{4f1f}",
            "\u{928}\u{947}\u{939}\u{93e}",
            "\u{d55c}\u{ae00}",
            "o'brien+x_1.y-z~#!",
        ] {
            assert_eq!(enforced(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_is_not_seen_or_turns_around_is_in_none() {
        for odd in [
            "ma\u{200b}ryo", // a space of no width
            "ma\u{200d}ryo", // a joiner
            "ma\u{ad}ryo",   // a soft hyphen
            "\u{202e}oyram", // from right to left
            "maryo\u{feff}",
            "mary\u{a0}o",    // a space that does not break
            "mary\u{3000}o",  // a wide one
            "\u{fb01}n",      // a ligature
            "\u{115f}",       // a letter without a shape
            "a\u{34f}",       // a mark that only joins
            "a\u{fe00}",      // a variation selector
            "\u{1100}",       // half a syllable
            "\u{640}",        // a line that only lengthens
            "\u{e000}",       // of private use
            "\u{378}",        // not assigned
            "maryo\u{5d0}",   // two directions
            "\u{661}\u{6f1}", // the digit one of two sets
            "x\u{661}",
            "\u{1f980}",
            "a\tb",
            "a\u{2028}b",
        ] {
            assert_eq!(enforced(odd), None, "{odd:?}");
        }
    }
}
