//! Tokens as the authority issues them, and the keys they are signed with.

use prolong_verify::{Algorithm, Keys};
use serde_json::json;

use crate::mint::{self, ISSUED_BY, ISSUER, NOW, jwk};

/// The claims and their order are those of the authority.
pub(crate) fn claims(number: usize) -> String {
    let id = |what: u64| {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(
            &(number as u64)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_le_bytes(),
        );
        bytes[8..].copy_from_slice(&what.to_le_bytes());
        mint::b64(bytes)
    };
    format!(
        r#"{{"iss":"{ISSUER}","sub":"{:08x}-0000-4000-8000-{number:012x}","aud":"orders-api","client_id":"web","iat":{},"exp":{},"jti":"{}","scope":"orders:read","sid":"{}","auth_time":{},"jwt_version":1}}"#,
        number,
        NOW - 60,
        NOW + 840,
        id(1),
        id(2),
        NOW - 600,
    )
}

pub(crate) fn header(algorithm: Algorithm) -> String {
    let kid = ISSUED_BY.public(algorithm).thumbprint();
    let name = algorithm.as_str();
    format!(r#"{{"typ":"at+jwt","alg":"{name}","kid":"{kid}"}}"#)
}

pub(crate) fn token(algorithm: Algorithm, number: usize) -> String {
    mint::signed(algorithm, &header(algorithm), claims(number).as_bytes())
}

/// By thumbprint, as the authority names them; RS256 and PS256 are the same key here, so each has a set of its own.
pub(crate) fn set(algorithm: Algorithm) -> Keys {
    let mut jwk = jwk(algorithm);
    jwk["kid"] = ISSUED_BY.public(algorithm).thumbprint().into();
    Keys::from_jwks(json!({ "keys": [jwk] }).to_string()).unwrap()
}
