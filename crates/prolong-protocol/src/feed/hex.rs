//! Byte arrays as lower-case hexadecimal digits.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(super) fn serialize<S: Serializer, const N: usize>(
    bytes: &[u8; N],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let digits: String = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect();
    serializer.serialize_str(&digits)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
    deserializer: D,
) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        D::Error::custom(format_args!(
            "expected {} lower-case hexadecimal digits",
            2 * N
        ))
    };
    let digits: Vec<u8> = text
        .bytes()
        .map(|letter| {
            DIGITS
                .iter()
                .position(|digit| *digit == letter)
                .and_then(|value| u8::try_from(value).ok())
        })
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect();
    if digits.len() == 2 * N {
        bytes.try_into().map_err(|_| wrong())
    } else {
        Err(wrong())
    }
}
