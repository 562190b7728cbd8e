//! Base64url as JOSE has it (RFC 7515 §2): no padding, no other characters, and unused bits must be zero, so that no
//! two spellings mean the same bytes.

use std::borrow::Cow;

use base64::{Engine, decoded_len_estimate, prelude::BASE64_URL_SAFE_NO_PAD};

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// Into the buffer where it fits: what is needed for a moment only costs no allocation.
pub(crate) fn decode_short<'b>(text: &str, buffer: &'b mut [u8]) -> Option<Cow<'b, [u8]>> {
    if decoded_len_estimate(text.len()) > buffer.len() {
        return decode(text).map(Cow::Owned);
    }
    let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text, buffer).ok()?;
    buffer.get(..length).map(Cow::Borrowed)
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
