//! Base64url as JOSE has it (RFC 7515 §2): no padding, no other characters, and unused bits must be zero, so that no
//! two spellings mean the same bytes.
//!
//! Decoding is written out here, since it is most of what reading a token costs beside its signature: four characters
//! are four look-ups and a word, and whether all of them were good is asked once, at the end.

use std::borrow::Cow;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// Beyond the 24 bits of four characters.
const BAD: u32 = 1 << 31;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What a character stands for at each of the four places of a group.
static PLACES: [[u32; 256]; 4] = [places(18), places(12), places(6), places(0)];

pub(crate) fn decode(text: impl AsRef<[u8]>) -> Option<Vec<u8>> {
    let text = text.as_ref();
    let mut bytes = zeros(decoded_length(text.len()));
    into(text, &mut bytes)?;
    Some(bytes)
}

#[expect(
    clippy::slow_vector_initialization,
    reason = "glibc's `calloc`, which the other way comes to, takes twice as long, and every token asks for one"
)]
fn zeros(length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length);
    bytes.resize(length, 0);
    bytes
}

/// Into the buffer where it fits: what is needed for a moment only costs no allocation.
pub(crate) fn decode_short<'b>(text: &str, buffer: &'b mut [u8]) -> Option<Cow<'b, [u8]>> {
    match buffer.get_mut(..decoded_length(text.len())) {
        None => decode(text).map(Cow::Owned),
        Some(bytes) => {
            into(text.as_bytes(), bytes)?;
            Some(Cow::Borrowed(bytes))
        }
    }
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Without padding.
pub(crate) const fn encoded_length(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// Four characters are three bytes, three are two, two are one.
const fn decoded_length(characters: usize) -> usize {
    characters / 4 * 3 + characters % 4 * 3 / 4
}

/// `bytes` is as long as [`decoded_length`] says. Two groups at a time, then what is left, group by group.
fn into(text: &[u8], bytes: &mut [u8]) -> Option<()> {
    let (pairs, rest) = text.as_chunks::<8>();
    let (sixes, rest_bytes) = bytes.as_chunks_mut::<6>();
    let mut all = 0;
    for ([a, b, c, d, e, f, g, h], six) in pairs.iter().zip(sixes) {
        let (high, low) = (word([*a, *b, *c, *d]), word([*e, *f, *g, *h]));
        all |= high | low;
        let [_, _, decoded @ ..] = (u64::from(high) << 24 | u64::from(low)).to_be_bytes();
        *six = decoded;
    }
    let (groups, rest) = rest.as_chunks::<4>();
    let (threes, last) = rest_bytes.as_chunks_mut::<3>();
    for (group, three) in groups.iter().zip(threes) {
        let word = word(*group);
        all |= word;
        let [_, decoded @ ..] = word.to_be_bytes();
        *three = decoded;
    }
    let word = match *rest {
        [] => 0,
        [one, two] => word([one, two, b'A', b'A']),
        [one, two, three] => word([one, two, three, b'A']),
        _ => BAD,
    };
    let [_, three @ ..] = word.to_be_bytes();
    let (kept, unused) = three.split_at(last.len());
    last.copy_from_slice(kept);
    let sound = (all | word) & BAD == 0 && unused.iter().all(|byte| *byte == 0);
    sound.then_some(())
}

#[inline]
fn word([first, second, third, fourth]: [u8; 4]) -> u32 {
    let [one, two, three, four] = &PLACES;
    one[usize::from(first)]
        | two[usize::from(second)]
        | three[usize::from(third)]
        | four[usize::from(fourth)]
}

const fn places(shift: u32) -> [u32; 256] {
    let mut places = [BAD; 256];
    let mut value: u32 = 0;
    while value < 64 {
        places[ALPHABET[value as usize] as usize] = value << shift;
        value += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Another implementation says the same of any characters, and of nearly good ones.
        #[test]
        fn it_is_what_others_read(
            bytes in prop::collection::vec(any::<u8>(), 0..70), place in any::<prop::sample::Index>(), other in any::<u8>(),
            odd in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let mut text = encode(&bytes).into_bytes();
            prop_assert_eq!(decode(&text), Some(bytes));
            for text in [&odd, &text[..text.len().saturating_sub(1)]] {
                prop_assert_eq!(decode(text), BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            }
            if !text.is_empty() {
                let place = place.index(text.len());
                text[place] = other;
                prop_assert_eq!(decode(&text), BASE64_URL_SAFE_NO_PAD.decode(&text).ok());
            }
        }
    }

    #[test]
    fn every_character_is_asked_at_every_place() {
        for place in 0..11 {
            for other in 0..=u8::MAX {
                let mut text = *b"AAAAAAAAAAA";
                text[place] = other;
                assert_eq!(decode(text), BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_decoded_elsewhere() {
        for size in 0..5 {
            let mut buffer = [7; 5];
            let decoded = decode_short("AQID", &mut buffer[..size]);
            assert_eq!(decoded.as_deref(), Some(&[1, 2, 3][..]));
            assert!(decode_short("AQI.", &mut buffer[..size]).is_none());
            assert!(decode_short("AQIDA", &mut buffer[..size]).is_none());
        }
        assert_eq!(decode_short("", &mut []).as_deref(), Some(&[][..]));
    }
}
