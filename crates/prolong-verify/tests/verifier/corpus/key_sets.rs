//! JWKS documents: which keys are used, which are left out and why, which documents are refused.

use prolong_verify::{Algorithm, Keys, KeysRefused};
use serde_json::{Value, json};

use super::{lines, sorted};
use crate::mint::{b64, jwk, unb64};

pub(super) fn file() -> String {
    let cases = documents().into_iter().map(|(id, document)| {
        let outcome = match Keys::from_jwks(&document) {
            Ok(keys) => used(&keys),
            Err(KeysRefused::DuplicateKid(_)) => "\"refused\":\"DuplicateKid\"".to_owned(),
            Err(_) => "\"refused\":\"NotAKeySet\"".to_owned(),
        };
        format!(
            "{{\"id\":{},{outcome},\"document\":{}}}",
            json!(id),
            json!(document)
        )
    });
    format!("{{\"cases\":[\n{}\n]}}\n", lines(cases))
}

fn used(keys: &Keys) -> String {
    let candidates = [
        "k", "ES256", "EdDSA", "Ed25519", "RS256", "PS256", "é", "k2",
    ];
    let used: Vec<String> = candidates
        .iter()
        .filter_map(|kid| {
            let key = keys.get(kid)?;
            Some(format!("{}:\"{}\"", json!(kid), key.algorithm().as_str()))
        })
        .collect();
    assert_eq!(used.len(), keys.len(), "every kid is among the candidates");
    let left_out: Vec<String> = keys
        .left_out()
        .iter()
        .map(|one| format!("{{\"kid\":{},\"why\":\"{:?}\"}}", json!(one.kid), one.why))
        .collect();
    format!(
        "\"used\":{{{}}},\"left_out\":[{}]",
        used.join(","),
        left_out.join(",")
    )
}

/// A key with `kid` = `k` and these members changed; `null` takes one away.
fn changed(algorithm: Algorithm, changes: &Value) -> Value {
    let mut key = jwk(algorithm);
    key["kid"] = "k".into();
    for (name, value) in changes.as_object().unwrap() {
        key[name] = value.clone();
    }
    let members = key
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, value)| !value.is_null());
    members
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn documents() -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = texts();
    let mut one = |id: &str, algorithm, changes: Value| {
        let key = sorted(&changed(algorithm, &changes));
        all.push((id.to_owned(), format!("{{\"keys\":[{key}]}}")));
    };
    for algorithm in Algorithm::ALL {
        one(
            &format!("jwk-1-{}", algorithm.as_str()),
            *algorithm,
            json!({}),
        );
    }
    let (es, ed, rs) = (Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256);
    for (id, change) in [
        ("use-enc", json!({ "use": "enc" })),
        ("use-absent", json!({ "use": null })),
        ("use-type", json!({ "use": ["sig"] })),
        ("use-in-other-case", json!({ "use": "SIG" })),
        ("key-ops-verify", json!({ "key_ops": ["verify"] })),
        (
            "key-ops-sign-and-verify",
            json!({ "key_ops": ["sign", "verify"] }),
        ),
        ("key-ops-sign", json!({ "key_ops": ["sign"] })),
        ("key-ops-empty", json!({ "key_ops": [] })),
        ("key-ops-twice", json!({ "key_ops": ["verify", "verify"] })),
        ("key-ops-type", json!({ "key_ops": "verify" })),
        ("key-ops-with-a-number", json!({ "key_ops": ["verify", 1] })),
        ("alg-absent", json!({ "alg": null })),
        ("alg-of-another-kind", json!({ "alg": "RS256" })),
        ("alg-unknown", json!({ "alg": "ES512" })),
        ("alg-hmac", json!({ "alg": "HS256" })),
        ("alg-none", json!({ "alg": "none" })),
        ("alg-type", json!({ "alg": 7 })),
        ("kid-absent", json!({ "kid": null })),
        ("kid-empty", json!({ "kid": "" })),
        ("kid-type", json!({ "kid": 7 })),
        ("kid-beyond-ascii", json!({ "kid": "é" })),
        ("kty-unknown", json!({ "kty": "AKP" })),
        ("kty-in-other-case", json!({ "kty": "ec" })),
        ("kty-absent", json!({ "kty": null })),
        ("kty-of-another-kind", json!({ "kty": "OKP" })),
        ("crv-unknown", json!({ "crv": "P-384" })),
        ("crv-secp256k1", json!({ "crv": "secp256k1" })),
        ("crv-absent", json!({ "crv": null })),
        ("x-absent", json!({ "x": null })),
        ("x-short", json!({ "x": "AA" })),
        ("x-31-bytes", json!({ "x": b64([1; 31]) })),
        (
            "x-33-bytes",
            json!({ "x": b64([&[0][..], &unb64(jwk(es)["x"].as_str().unwrap())].concat()) }),
        ),
        (
            "x-with-padding",
            json!({ "x": format!("{}=", jwk(es)["x"].as_str().unwrap()) }),
        ),
        (
            "x-unused-bits",
            json!({ "x": format!("{}V", jwk(es)["x"].as_str().unwrap().strip_suffix('U').unwrap()) }),
        ),
        (
            "y-standard-alphabet",
            json!({ "y": jwk(es)["y"].as_str().unwrap().replace('-', "+").replace('_', "/") }),
        ),
        ("y-is-x", json!({ "y": jwk(es)["x"] })),
        ("point-0-0", json!({ "x": b64([0; 32]), "y": b64([0; 32]) })),
        (
            "x-is-p",
            json!({ "x": "_____wAAAAEAAAAAAAAAAAAAAAD_______________w" }),
        ),
        ("private", json!({ "d": "AA" })),
        ("private-of-any-type", json!({ "d": 7 })),
        (
            "unknown-members",
            json!({ "x5c": ["AA"], "x5t": "AA", "ext": true, "iat": 1 }),
        ),
    ] {
        one(&format!("jwk-2-{id}"), es, change);
    }
    let ed_x = unb64(jwk(ed)["x"].as_str().unwrap());
    let mut spelled = [0xff; 32];
    (spelled[0], spelled[31]) = (0xee, 0x7f);
    let small = |hex: &str| json!({ "x": b64(unhex(hex)) });
    for (id, change) in [
        ("alg-absent", json!({ "alg": null })),
        ("alg-ed25519", json!({ "alg": "Ed25519" })),
        ("alg-es256", json!({ "alg": "ES256" })),
        ("x25519", json!({ "crv": "X25519" })),
        ("ed448", json!({ "crv": "Ed448" })),
        ("31-bytes", json!({ "x": b64(&ed_x[1..]) })),
        ("33-bytes", json!({ "x": b64([&ed_x[..], &[0]].concat()) })),
        (
            "neutral",
            small("0100000000000000000000000000000000000000000000000000000000000000"),
        ),
        (
            "neutral-with-sign",
            small("0100000000000000000000000000000000000000000000000000000000000080"),
        ),
        (
            "order-2",
            small("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        ),
        (
            "order-4",
            small("0000000000000000000000000000000000000000000000000000000000000000"),
        ),
        (
            "order-4-with-sign",
            small("0000000000000000000000000000000000000000000000000000000000000080"),
        ),
        (
            "order-8",
            small("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
        ),
        (
            "order-8-other",
            small("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        ),
        ("second-spelling", json!({ "x": b64(spelled) })),
        ("private", json!({ "d": "AA" })),
    ] {
        one(&format!("jwk-5-{id}"), ed, change);
    }
    let n = unb64(jwk(rs)["n"].as_str().unwrap());
    let mut even = n.clone();
    even[255] &= 0xfe;
    let mut short = n.clone();
    short[0] &= 0x7f;
    let mut long = vec![0xff; 1025];
    long[1024] = 0xfd;
    for (id, change) in [
        ("alg-absent", json!({ "alg": null })),
        ("alg-ps256", json!({ "alg": "PS256" })),
        ("alg-rs512", json!({ "alg": "RS512" })),
        ("alg-es256", json!({ "alg": "ES256" })),
        ("n-512-bits", json!({ "n": b64(&n[192..]) })),
        ("n-1024-bits", json!({ "n": b64(&n[128..]) })),
        ("n-2047-bits", json!({ "n": b64(&short) })),
        ("n-2040-bits", json!({ "n": b64(&n[1..]) })),
        ("n-8200-bits", json!({ "n": b64(&long) })),
        ("n-zero-first", json!({ "n": b64([&[0][..], &n].concat()) })),
        (
            "n-2047-bits-zero-first",
            json!({ "n": b64([&[0][..], &short].concat()) }),
        ),
        ("n-even", json!({ "n": b64(&even) })),
        ("n-absent", json!({ "n": null })),
        ("n-empty", json!({ "n": "" })),
        ("n-padding", json!({ "n": format!("{}==", b64(&n)) })),
        ("e-1", json!({ "e": "AQ" })),
        ("e-2", json!({ "e": "Ag" })),
        ("e-3", json!({ "e": "Aw" })),
        ("e-17", json!({ "e": "EQ" })),
        ("e-65536", json!({ "e": "AQAA" })),
        ("e-zero-first", json!({ "e": "AAEAAQ" })),
        ("e-33-bits", json!({ "e": b64([1, 0, 0, 0, 1]) })),
        ("e-34-bits", json!({ "e": b64([2, 0, 0, 0, 1]) })),
        ("e-huge", json!({ "e": b64(&n) })),
        ("e-absent", json!({ "e": null })),
        ("e-number", json!({ "e": 65537 })),
        ("private-d", json!({ "d": "AA" })),
        ("private-p-alone", json!({ "p": "AA" })),
        ("private-oth-alone", json!({ "oth": [] })),
    ] {
        one(&format!("jwk-2-rsa-{id}"), rs, change);
    }
    all
}

/// Whole documents.
fn texts() -> Vec<(String, String)> {
    let key = |algorithm| sorted(&jwk(algorithm)).to_string();
    let (es, ed) = (key(Algorithm::Es256), key(Algorithm::EdDsa));
    let symmetric = r#"{"kty":"oct","kid":"k","k":"AAAA","alg":"HS256"}"#;
    let deep = |depth: usize| {
        format!(
            "{{\"keys\":[{es}],\"x\":{}{}}}",
            "[".repeat(depth),
            "]".repeat(depth)
        )
    };
    let large = |length: usize| {
        let document = format!("{{\"keys\":[{es}]}}");
        format!("{}{document}", " ".repeat(length - document.len()))
    };
    assert!(
        Keys::from_jwks(large(256 * 1024)).is_ok()
            && Keys::from_jwks(large(256 * 1024 + 1)).is_err()
    );
    [
        ("two-keys", format!("{{\"keys\":[{es},{ed}]}}")),
        ("no-keys", "{\"keys\":[]}".into()),
        (
            "other-members",
            format!("{{\"x\":1,\"keys\":[{es}],\"y\":[]}}"),
        ),
        (
            "symmetric-left-out",
            format!("{{\"keys\":[{symmetric},{es}]}}"),
        ),
        (
            "not-an-object-left-out",
            format!("{{\"keys\":[7,null,\"x\",[],{es}]}}"),
        ),
        ("two-of-a-kid", format!("{{\"keys\":[{es},{es}]}}")),
        (
            "two-of-a-kid-one-unusable",
            format!("{{\"keys\":[{es},{}]}}", es.replace("P-256", "P-384")),
        ),
        (
            "a-kid-escaped-is-the-same",
            format!(
                "{{\"keys\":[{es},{}]}}",
                ed.replace("\"kid\":\"EdDSA\"", "\"kid\":\"\\u0045S256\"")
            ),
        ),
        ("empty", String::new()),
        ("array", format!("[{es}]")),
        ("one-key-alone", es.clone()),
        ("keys-is-an-object", "{\"keys\":{}}".into()),
        ("keys-absent", "{}".into()),
        ("keys-null", "{\"keys\":null}".into()),
        ("keys-in-other-case", format!("{{\"Keys\":[{es}]}}")),
        ("keys-twice", format!("{{\"keys\":[],\"keys\":[{es}]}}")),
        (
            "member-twice",
            format!(
                "{{\"keys\":[{}]}}",
                es.replace("\"kty\"", "\"kty\":\"EC\",\"kty\"")
            ),
        ),
        (
            "member-twice-in-a-key-left-out",
            format!(
                "{{\"keys\":[{},{es}]}}",
                symmetric.replace("\"k\":", "\"k\":\"AA\",\"k\":")
            ),
        ),
        (
            "member-twice-deep",
            format!("{{\"keys\":[{es}],\"x\":[{{\"a\":1,\"\\u0061\":2}}]}}"),
        ),
        ("more-after", format!("{{\"keys\":[{es}]}} x")),
        ("bom", format!("\u{feff}{{\"keys\":[{es}]}}")),
        ("comma-last", format!("{{\"keys\":[{es},]}}")),
        (
            "number-too-large",
            format!("{{\"keys\":[{es}],\"x\":1e400}}"),
        ),
        (
            "lone-surrogate",
            format!("{{\"keys\":[{es}],\"x\":\"\\ud800\"}}"),
        ),
        ("nested-127-deep", deep(126)),
        ("nested-128-deep", deep(127)),
        ("nested-129-deep", deep(128)),
    ]
    .map(|(id, document)| (format!("jwk-set-{id}"), document))
    .to_vec()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}
