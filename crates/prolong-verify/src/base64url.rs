//! Base64url as JOSE has it (RFC 7515 §2): no padding, no other characters, and unused bits must be zero, so that no
//! two spellings mean the same bytes.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
