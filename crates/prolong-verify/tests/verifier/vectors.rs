//! Published examples.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use prolong_verify::{Algorithm, Key, PublicKeyBytes, Rejection};

use crate::mint::check;

fn decode(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn fixed(text: &str) -> [u8; 32] {
    decode(text).try_into().unwrap()
}

fn holds(algorithm: Algorithm, key: &PublicKeyBytes, jws: &str) -> bool {
    let (message, signature) = jws.rsplit_once('.').unwrap();
    Key::new("k", algorithm, key)
        .unwrap()
        .signed(message.as_bytes(), &decode(signature))
}

const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

#[test]
fn rfc_7515_a_2_and_7519_rs256() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let key = PublicKeyBytes::Rsa {
        n: decode(n),
        e: vec![1, 0, 1],
    };
    assert!(holds(
        Algorithm::Rs256,
        &key,
        &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{signature}")
    ));
    assert!(!holds(
        Algorithm::Ps256,
        &key,
        &format!("eyJhbGciOiJSUzI1NiJ9.{CLAIMS}.{signature}")
    ));
}

#[test]
fn rfc_7515_a_3_es256() {
    let key = PublicKeyBytes::P256 {
        x: fixed("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        y: fixed("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    };
    let signature =
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    assert!(holds(
        Algorithm::Es256,
        &key,
        &format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}.{signature}")
    ));
}

#[test]
fn rfc_8037_a_3_and_a_4_thumbprint_and_signature() {
    let key = PublicKeyBytes::Ed25519(fixed("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
    assert_eq!(
        key.thumbprint(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
    let jws = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert!(holds(Algorithm::EdDsa, &key, jws));
}

#[test]
fn rfc_7638_3_1_thumbprint() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let key = PublicKeyBytes::Rsa {
        n: decode(n),
        e: vec![1, 0, 1],
    };
    assert_eq!(
        key.thumbprint(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

/// RFC 7515 A.1 (HMAC), A.5 and RFC 7519 §6.1 (unsecured), A.6 (JSON serialization).
#[test]
fn rfc_7515_a_1_a_5_a_6_and_7519_6_1_are_refused() {
    let hmac = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9";
    let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let refused = |token: &str| check(token).unwrap_err();
    assert_eq!(
        refused(&format!("{hmac}.{CLAIMS}.{signature}")),
        Rejection::BadHeader
    );
    assert_eq!(
        refused(&format!("eyJhbGciOiJub25lIn0.{CLAIMS}.")),
        Rejection::NotCompact
    );
    let json = format!(
        r#"{{"payload":"{CLAIMS}","signatures":[{{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"{signature}"}}]}}"#
    );
    assert_eq!(refused(&json), Rejection::NotCompact);
    // Not a key of ours, whatever it is called.
    assert!(Algorithm::parse("HS256").is_none() && Algorithm::parse("none").is_none());
}
