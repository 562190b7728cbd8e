//! Ed25519 public keys that would verify signatures nobody made.
//!
//! RFC 8032's equation holds for a key of small order with signatures that need no secret, and aws-lc accepts such keys;
//! so they are refused as keys. On signatures aws-lc is strict already: `s ≥ L` is refused (no malleability), and R is
//! compared as bytes, so no second encoding of R passes. Both are held by tests.

/// The y coordinates of the eight points of small order (sign bit cleared), little-endian.
const SMALL_ORDER: [[u8; 32]; 5] = [
    y(0, 0),
    y(1, 0),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    y(0xec, 0xff),
];

/// `first`, 30 times `middle`, and a top byte that is `middle` without its sign bit.
const fn y(first: u8, middle: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = middle & 0x7f;
    bytes
}

/// Whether the key has small order, or is a second spelling (`y ≥ p`) of another key.
pub(crate) fn is_small_or_non_canonical(key: &[u8; 32]) -> bool {
    let mut y = *key;
    y[31] &= 0x7f;
    let at_least_p = y[0] >= 0xed && y[1..31].iter().all(|byte| *byte == 0xff) && y[31] == 0x7f;
    at_least_p || SMALL_ORDER.contains(&y)
}
