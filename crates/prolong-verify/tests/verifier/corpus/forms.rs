//! Cases that depend on no time: forms, headers, keys, signatures, claims. Each is named for a line of the checklist.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair},
};
use prolong_verify::{Algorithm, PublicKeyBytes};
use serde_json::json;

use super::{Group, Signer, claims, header, text::Object};
use crate::mint::{ISSUED_BY, b64, unb64};

pub(super) fn groups(signer: &Signer) -> Vec<Group> {
    let mut allowlist = Group::new("an allowlist of one algorithm");
    allowlist.expected.algorithms = vec![Algorithm::EdDsa];
    for algorithm in Algorithm::ALL {
        allowlist.case(
            format!("jwt-1-{}", algorithm.as_str()),
            signer.sound(*algorithm),
        );
    }
    let mut foreign = Group::new("another issuer's types");
    foreign.expected.types = vec![Some("JWT".into()), None];
    for (id, typ) in [
        ("jwt", Some("\"jwt\"")),
        ("absent", None),
        ("at-jwt", Some("\"at+jwt\"")),
        ("null", Some("null")),
    ] {
        let header = match typ {
            Some(raw) => header(Algorithm::EdDsa).set("typ", raw),
            None => header(Algorithm::EdDsa).without("typ"),
        };
        foreign.case(
            format!("atj-6-{id}"),
            signer.token(Algorithm::EdDsa, &header.to_string(), claims().to_string()),
        );
    }
    vec![
        compact(signer),
        headers(signer),
        keys(signer),
        signatures(signer),
        claim_values(signer),
        claim_texts(signer),
        allowlist,
        foreign,
    ]
}

/// JWT-0, 3, 4, 5, 8.
fn compact(signer: &Signer) -> Group {
    let mut group = Group::new("compact serialization");
    for algorithm in Algorithm::ALL {
        group.case(
            format!("jwt-0-sound-{}", algorithm.as_str()),
            signer.sound(*algorithm),
        );
    }
    let good = signer.sound(Algorithm::EdDsa);
    let parts: Vec<&str> = good.split('.').collect();
    let [head, body, signature] = parts[..] else {
        unreachable!()
    };
    for (id, token) in [
        ("empty", String::new()),
        ("dots-only", "..".into()),
        ("one-part", head.into()),
        ("two-parts", format!("{head}.{body}")),
        ("no-signature", format!("{head}.{body}.")),
        ("no-header", format!(".{body}.{signature}")),
        ("no-claims", format!("{head}..{signature}")),
        ("four-parts", format!("{good}.")),
        ("five-parts", format!("{good}.{body}.{signature}")),
        ("dot-first", format!(".{good}")),
        ("padding", format!("{good}==")),
        ("padding-inside", format!("{head}=.{body}.{signature}")),
        ("space-first", format!(" {good}")),
        ("space-last", format!("{good} ")),
        ("newline-last", format!("{good}\n")),
        (
            "newline-inside",
            format!("{head}.{}\n{}.{signature}", &body[..8], &body[8..]),
        ),
        ("nul-last", format!("{good}\0")),
        ("bom-first", format!("\u{feff}{good}")),
        ("quoted", format!("\"{good}\"")),
        ("bearer", format!("Bearer {good}")),
        ("percent", good.replacen('.', "%2e", 1)),
        ("letter-beyond-ascii", good.replacen('e', "é", 1)),
        (
            "standard-alphabet",
            good.replace('-', "+").replace('_', "/") + "+",
        ),
        (
            "json-flattened",
            json!({ "payload": body, "protected": head, "signature": signature }).to_string(),
        ),
        ("length-1-mod-4", format!("{good}A")),
    ] {
        group.case(format!("jwt-4-{id}"), token);
    }
    // Each part has, at its end, bits that say nothing.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (name, at) in [("header", 0), ("claims", 1), ("signature", 2)] {
        for padding in 0..3 {
            let claims = claims().and("x", json!("y".repeat(padding)));
            let token = signer.token(
                Algorithm::EdDsa,
                &format!("{}{}", header(Algorithm::EdDsa), " ".repeat(padding)),
                claims.to_string(),
            );
            let mut parts: Vec<String> = token.split('.').map(Into::into).collect();
            if parts[at].len().is_multiple_of(4) {
                continue;
            }
            let last = parts[at].pop().unwrap();
            parts[at].push(
                alphabet
                    .chars()
                    .nth(alphabet.find(last).unwrap() + 1)
                    .unwrap(),
            );
            group.case(
                format!("jwt-5-unused-bits-{name}-{padding}"),
                parts.join("."),
            );
        }
    }
    let unsigned = b64(r#"{"alg":"none","kid":"EdDSA","typ":"at+jwt"}"#);
    group.case("jwt-3-none", format!("{unsigned}.{body}."));
    group.case(
        "jwt-3-none-with-a-signature",
        format!("{unsigned}.{body}.{signature}"),
    );
    for (id, length) in [("at-the-cap", 8192), ("over-the-cap", 8193)] {
        group.case(format!("jwt-8-{id}"), of_length(signer, length));
    }
    group
}

/// A sound token of so many characters.
fn of_length(signer: &Signer, length: usize) -> String {
    let head = header(Algorithm::EdDsa);
    for blanks in 0..4 {
        let short = signer.token(
            Algorithm::EdDsa,
            &format!("{head}{}", " ".repeat(blanks)),
            claims().and("x", "\"\"").to_string(),
        );
        for more in (length - short.len()) * 3 / 4..length {
            let claims = claims().and("x", json!("y".repeat(more)));
            let token = signer.token(
                Algorithm::EdDsa,
                &format!("{head}{}", " ".repeat(blanks)),
                claims.to_string(),
            );
            if token.len() == length {
                return token;
            }
            if token.len() > length {
                break;
            }
        }
    }
    unreachable!("some length fits")
}

/// JWT-1, 2, 6, 7, 12, 14; ATJ-6.
#[expect(clippy::too_many_lines, reason = "a table")]
fn headers(signer: &Signer) -> Group {
    let mut group = Group::new("headers");
    let base = || header(Algorithm::EdDsa);
    let mut with = |id: &str, header: String| {
        group.case(
            id,
            signer.token(Algorithm::EdDsa, &header, claims().to_string()),
        );
    };
    for (number, alg) in [
        "\"eddsa\"",
        "\"EDDSA\"",
        "\"ES256\"",
        "\"ES384\"",
        "\"HS256\"",
        "\"noNE\"",
        "\"NONE\"",
        "\"\"",
        "\" EdDSA\"",
        "\"EdDSA\\u0000\"",
        "\"Ed448\"",
        "\"RSA-OAEP\"",
    ]
    .iter()
    .enumerate()
    {
        with(
            &format!("jwt-1-alg-{number}"),
            base().set("alg", alg).to_string(),
        );
    }
    with(
        "jwt-1-alg-escaped",
        base().set("alg", r#""\u0045dDSA""#).to_string(),
    );
    for (number, raw) in ["null", "7", "[\"EdDSA\"]", "{}"].iter().enumerate() {
        with(
            &format!("jwt-1-alg-type-{number}"),
            base().set("alg", raw).to_string(),
        );
        with(
            &format!("jwt-2-kid-type-{number}"),
            base().set("kid", raw).to_string(),
        );
        with(
            &format!("jwt-14-typ-type-{number}"),
            base().set("typ", raw).to_string(),
        );
    }
    for name in ["alg", "kid", "typ"] {
        with(
            &format!("jwt-2-no-{name}"),
            base().without(name).to_string(),
        );
    }
    with(
        "jwt-2-unknown-kid",
        base().set("kid", "\"other\"").to_string(),
    );
    with(
        "jwt-2-kid-in-other-case",
        base().set("kid", "\"eddsa\"").to_string(),
    );
    with(
        "jwt-12-kid-is-a-path",
        base().set("kid", "\"../../etc/passwd\"").to_string(),
    );
    with(
        "jwt-12-kid-is-sql",
        base().set("kid", "\"' OR 1=1 --\"").to_string(),
    );
    with(
        "jwt-12-kid-is-long",
        base().set("kid", json!("k".repeat(4000))).to_string(),
    );
    with(
        "jwt-12-kid-with-nul",
        base().set("kid", r#""EdDSA\u0000""#).to_string(),
    );
    with(
        "jwt-12-kid-is-a-prototype",
        base().set("kid", "\"__proto__\"").to_string(),
    );
    with(
        "jwt-12-other-sources-are-not-looked-at",
        base()
            .and("jku", "\"https://evil.example/\"")
            .and("x5u", "7")
            .and("x5c", "[]")
            .and("jwk", "{\"kty\":\"oct\"}")
            .to_string(),
    );
    for (number, raw) in [
        "[]",
        "[\"exp\"]",
        "[\"alg\"]",
        "[\"b64\"]",
        "\"x\"",
        "1",
        "null",
        "[\"x\",\"x\"]",
    ]
    .iter()
    .enumerate()
    {
        with(
            &format!("jwt-7-crit-{number}"),
            base().and("crit", raw).to_string(),
        );
    }
    for (number, raw) in ["true", "false", "null"].iter().enumerate() {
        with(
            &format!("jwt-7-b64-{number}"),
            base().and("b64", raw).to_string(),
        );
    }
    with(
        "jwt-16-zip-is-not-known-and-changes-nothing",
        base().and("zip", "\"DEF\"").to_string(),
    );
    for (id, typ) in [
        ("upper", "AT+JWT"),
        ("long", "application/at+jwt"),
        ("long-upper", "Application/At+Jwt"),
        ("jwt", "JWT"),
        ("short", "at"),
        ("other-type", "x/at+jwt"),
        ("two-slashes", "application/x/at+jwt"),
        ("logout", "logout+jwt"),
        ("empty", ""),
        ("secevent", "secevent+jwt"),
        ("blank", "at+jwt "),
        ("parameter", "at+jwt; charset=utf-8"),
        ("long-s", "at+jwt\u{17f}"),
    ] {
        with(
            &format!("jwt-14-typ-{id}"),
            base().set("typ", json!(typ)).to_string(),
        );
    }
    for (id, object) in [
        ("alg", base().and("alg", "\"EdDSA\"")),
        ("kid", base().and("kid", "\"EdDSA\"")),
        ("unknown", base().and("x", "1").and("x", "1")),
        ("escaped", base().and("\\u0061lg", "\"EdDSA\"")),
        ("nested", base().and("x", "{\"a\":1,\"a\":1}")),
        (
            "in-jwk",
            base().and("jwk", "{\"kty\":\"EC\",\"kty\":\"EC\"}"),
        ),
    ] {
        with(&format!("jwt-6-header-twice-{id}"), object.to_string());
    }
    for (id, text) in [
        (
            "blanks",
            " {\t\"alg\" : \"EdDSA\",\r\n\"kid\":\"EdDSA\" , \"typ\":\"at+jwt\" } ".to_owned(),
        ),
        ("array", format!("[{}]", base())),
        ("string", "\"x\"".into()),
        ("empty-object", "{}".into()),
        ("two-objects", format!("{}{}", base(), base())),
        ("comma-last", base().to_string().replace('}', ",}")),
        ("single-quotes", base().to_string().replace('"', "'")),
        ("bom", format!("\u{feff}{}", base())),
        ("no-end", base().to_string().replace('}', "")),
        ("comment", format!("{}//", base())),
        ("nul-last", format!("{}\0", base())),
    ] {
        with(&format!("jwt-8-header-{id}"), text);
    }
    group
}

/// JWT-2, 9: signatures by other keys and algorithms.
fn keys(signer: &Signer) -> Group {
    let mut group = Group::new("keys");
    for (alg, kid) in [
        ("EdDSA", "Ed25519"),
        ("Ed25519", "EdDSA"),
        ("PS256", "RS256"),
        ("RS256", "PS256"),
        ("ES256", "RS256"),
        ("RS256", "ES256"),
    ] {
        let algorithm = Algorithm::parse(alg).unwrap();
        let header = header(algorithm).set("kid", json!(kid));
        group.case(
            format!("jwt-2-{alg}-by-key-of-{kid}"),
            signer.token(algorithm, &header.to_string(), claims().to_string()),
        );
    }
    let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    let message = format!(
        "{}.{}",
        b64(header(Algorithm::EdDsa).to_string()),
        b64(claims().to_string())
    );
    group.case(
        "atj-9-signed-by-a-stranger",
        format!("{message}.{}", b64(other.sign(message.as_bytes()))),
    );

    // HMAC with the public key as its secret: the oldest confusion there is.
    let PublicKeyBytes::Rsa { n, .. } = ISSUED_BY.public(Algorithm::Rs256) else {
        unreachable!()
    };
    for kid in ["RS256", "PS256", "ES256"] {
        let message = format!(
            "{}.{}",
            b64(header(Algorithm::Rs256)
                .set("alg", "\"HS256\"")
                .set("kid", json!(kid))
                .to_string()),
            b64(claims().to_string())
        );
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &n), message.as_bytes());
        group.case(
            format!("jwt-9-hmac-under-{kid}"),
            format!("{message}.{}", b64(tag)),
        );
    }
    // The right key with another hash than the header says.
    let rsa = RsaKeyPair::from_der(&unb64(include_str!("../rfc_7515_a_2.der.txt").trim())).unwrap();
    let message = format!(
        "{}.{}",
        b64(header(Algorithm::Rs256).to_string()),
        b64(claims().to_string())
    );
    for (id, padding) in [("sha384", &RSA_PKCS1_SHA384), ("sha512", &RSA_PKCS1_SHA512)] {
        let mut signature = vec![0; 256];
        rsa.sign(
            padding,
            &SystemRandom::new(),
            message.as_bytes(),
            &mut signature,
        )
        .unwrap();
        group.case(
            format!("jwt-9-rs256-with-{id}"),
            format!("{message}.{}", b64(signature)),
        );
    }
    group
}

/// JWT-9, JWK-5: signatures that are no encodings of one.
#[expect(clippy::too_many_lines, reason = "a table")]
fn signatures(signer: &Signer) -> Group {
    let mut group = Group::new("signatures");
    let mut with = |id: &str, algorithm: Algorithm, change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let good = signer.sound(algorithm);
        let (message, signature) = good.rsplit_once('.').unwrap();
        group.case(id, format!("{message}.{}", b64(change(&unb64(signature)))));
    };
    let (es, ed) = (Algorithm::Es256, Algorithm::EdDsa);
    let n = unhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    let p = unhex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let zero = vec![0; 32];
    let one = [&[0; 31][..], &[1]].concat();
    let with_r = |r: &[u8]| {
        let r = r.to_vec();
        move |sig: &[u8]| [&r, &sig[32..]].concat()
    };
    let with_s = |s: &[u8]| {
        let s = s.to_vec();
        move |sig: &[u8]| [&sig[..32], &s].concat()
    };
    with("jwt-9-es256-r-0", es, &with_r(&zero));
    with("jwt-9-es256-s-0", es, &with_s(&zero));
    with("jwt-9-es256-both-0", es, &|_| vec![0; 64]);
    with("jwt-9-es256-both-1", es, &|_| [&one[..], &one].concat());
    with("jwt-9-es256-r-n", es, &with_r(&n));
    with("jwt-9-es256-s-n", es, &with_s(&n));
    with("jwt-9-es256-both-n", es, &|_| [&n[..], &n].concat());
    with("jwt-9-es256-r-p", es, &with_r(&p));
    with("jwt-9-es256-all-ones", es, &|_| vec![0xff; 64]);
    with("jwt-9-es256-s-plus-n", es, &|sig| {
        [&sig[..32], &add(&sig[32..], &n)].concat()
    });
    with("jwt-9-es256-swapped", es, &|sig| {
        [&sig[32..], &sig[..32]].concat()
    });
    with("jwt-9-es256-its-twin-n-minus-s-is-as-good", es, &|sig| {
        [&sig[..32], &subtract(&n, &sig[32..])].concat()
    });
    with("jwt-9-es256-der", es, &|sig| der(&sig[..32], &sig[32..]));
    with("jwt-9-es256-zero-before-each", es, &|sig| {
        [&[0], &sig[..32], &[0], &sig[32..]].concat()
    });
    for (id, algorithm) in [
        ("es256", es),
        ("eddsa", ed),
        ("rs256", Algorithm::Rs256),
        ("ps256", Algorithm::Ps256),
    ] {
        with(&format!("jwt-9-{id}-short"), algorithm, &|sig| {
            sig[..sig.len() - 1].to_vec()
        });
        with(&format!("jwt-9-{id}-long"), algorithm, &|sig| {
            [sig, &[0]].concat()
        });
        with(&format!("jwt-9-{id}-zero-first"), algorithm, &|sig| {
            [&[0], sig].concat()
        });
        with(&format!("jwt-9-{id}-twice"), algorithm, &|sig| {
            [sig, sig].concat()
        });
        with(&format!("jwt-9-{id}-all-zero"), algorithm, &|sig| {
            vec![0; sig.len()]
        });
        with(&format!("jwt-9-{id}-one-byte"), algorithm, &|_| vec![1]);
    }
    let order = reversed(&unhex(
        "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed",
    ));
    with("jwk-5-eddsa-s-plus-l", ed, &|sig| {
        [
            &sig[..32],
            &reversed(&add(&reversed(&sig[32..]), &reversed(&order))),
        ]
        .concat()
    });
    with("jwk-5-eddsa-s-is-l", ed, &|sig| {
        [&sig[..32], &order].concat()
    });
    with("jwk-5-eddsa-s-is-0", ed, &with_s(&zero));
    with("jwk-5-eddsa-s-high-bits", ed, &|sig| {
        let mut sig = sig.to_vec();
        sig[63] |= 0xe0;
        sig
    });
    with("jwk-5-eddsa-r-sign", ed, &|sig| {
        let mut sig = sig.to_vec();
        sig[31] ^= 0x80;
        sig
    });
    with("jwk-5-eddsa-r-neutral-s-0", ed, &|_| {
        let mut sig = vec![0; 64];
        sig[0] = 1;
        sig
    });
    with("jwk-5-eddsa-r-is-p-plus-1", ed, &|_| {
        [&[0xee][..], &[0xff; 30], &[0x7f], &[0; 32]].concat()
    });
    let PublicKeyBytes::Rsa { n, .. } = ISSUED_BY.public(Algorithm::Rs256) else {
        unreachable!()
    };
    with("jwt-9-rs256-is-n", Algorithm::Rs256, &|_| n.clone());
    with("jwt-9-rs256-is-n-minus-1", Algorithm::Rs256, &|_| {
        subtract(&n, &[&[0; 255][..], &[1]].concat())
    });
    with("jwt-9-rs256-is-1", Algorithm::Rs256, &|_| {
        [&[0; 255][..], &[1]].concat()
    });
    with("jwt-9-rs256-plus-n", Algorithm::Rs256, &|sig| {
        add(&[&[0], sig].concat(), &[&[0], &n[..]].concat())
    });
    group
}

/// ATJ-2, 3; JWT-10, 11: other values.
fn claim_values(signer: &Signer) -> Group {
    let mut group = Group::new("claims");
    let mut with = |id: String, claims: &Object| {
        group.case(
            id,
            signer.token(
                Algorithm::EdDsa,
                &header(Algorithm::EdDsa).to_string(),
                claims.to_string(),
            ),
        );
    };
    for name in ["iss", "sub", "aud", "client_id", "iat", "exp", "jti"] {
        with(format!("atj-2-no-{name}"), &claims().without(name));
        for (number, raw) in ["null", "true", "{}", "\"\""].iter().enumerate() {
            with(format!("atj-2-{name}-{number}"), &claims().set(name, raw));
        }
    }
    for (name, raws) in [
        ("sid", &["null", "7", "\"\"", "[\"s1\"]", "\"s1\""][..]),
        ("nbf", &["null", "false", "\"1\"", "0"]),
        ("auth_time", &["null", "\"x\"", "1e3"]),
        ("softexp", &["null", "\"1\"", "1"]),
        ("scope", &["null", "[\"a\"]", "\"\"", "\"a  b\""]),
        ("acr", &["null", "1", "\"\"", "\"aal2\""]),
        (
            "jwt_version",
            &[
                "null",
                "-1",
                "1.5",
                "\"1\"",
                "1.0",
                "10e-1",
                "1e2",
                "-0",
                "1e40",
                "18446744073709551616",
                "9007199254740991",
            ],
        ),
        ("gen", &["null", "-1", "1.5", "\"1\"", "0"]),
    ] {
        for (number, raw) in raws.iter().enumerate() {
            with(format!("atj-3-{name}-{number}"), &claims().set(name, raw));
        }
    }
    for (number, iss) in [
        "https://auth.example.com/",
        "HTTPS://auth.example.com",
        "https://auth.example.com.evil",
        "https://auth.example.com\u{0}",
        " https://auth.example.com",
        "x",
    ]
    .iter()
    .enumerate()
    {
        with(
            format!("jwt-10-iss-{number}"),
            &claims().set("iss", json!(iss)),
        );
    }
    with(
        "jwt-10-iss-escaped".into(),
        &claims().set("iss", r#""\u0068ttps:\/\/auth.example.com""#),
    );
    with(
        "jwt-10-iss-list".into(),
        &claims().set("iss", r#"["https://auth.example.com"]"#),
    );
    for (number, raw) in [
        r#"["x","orders-api"]"#,
        r#"["orders-api"]"#,
        r#""orders""#,
        r#""orders-api2""#,
        r#""ORDERS-API""#,
        r#""orders-api ""#,
        "[]",
        "7",
        r#"["orders-api",7]"#,
        r#"[["orders-api"]]"#,
        r#"{"orders-api":1}"#,
        r#"["orders-api",""]"#,
        r#"["orders-api",null]"#,
        r#""x orders-api""#,
    ]
    .iter()
    .enumerate()
    {
        with(format!("jwt-11-aud-{number}"), &claims().set("aud", raw));
    }
    group
}

/// JWT-6, 8, 15: JSON that one reader takes and another does not.
#[expect(clippy::too_many_lines, reason = "a table")]
fn claim_texts(signer: &Signer) -> Group {
    let mut group = Group::new("JSON");
    let mut with = |id: &str, text: &[u8]| {
        group.case(
            id,
            signer.token(
                Algorithm::EdDsa,
                &header(Algorithm::EdDsa).to_string(),
                text,
            ),
        );
    };
    for (id, object) in [
        ("first", claims().and("sub", "\"u2\"")),
        ("same", claims().and("sub", "\"u1\"")),
        ("escaped", claims().and("s\\u0075b", "\"u2\"")),
        ("unknown", claims().and("x", "1").and("x", "1")),
        (
            "unknown-escaped",
            claims().and("x", "1").and("\\u0078", "1"),
        ),
        ("nested", claims().and("x", "{\"a\":1,\"a\":2}")),
        ("in-a-list", claims().and("x", "[{\"a\":1,\"a\":2}]")),
        (
            "deep",
            claims().and("x", "{\"a\":{\"b\":[{\"c\":1,\"\\u0063\":2}]}}"),
        ),
        ("in-aud", claims().set("aud", "{\"a\":1,\"a\":1}")),
        ("empty-name", claims().and("", "1").and("", "2")),
        (
            "proto",
            claims().and("__proto__", "{}").and("__proto__", "{}"),
        ),
    ] {
        with(&format!("jwt-6-twice-{id}"), object.to_string().as_bytes());
    }
    let many = |last: &str| {
        (0..40)
            .fold(claims(), |all, number| {
                all.and(&format!("m{number}"), number)
            })
            .and(last, "0")
            .to_string()
    };
    with("jwt-6-many-members", many("m40").as_bytes());
    with("jwt-6-many-members-one-twice", many("m39").as_bytes());
    for (id, object) in [
        ("proto-once", claims().and("__proto__", "{\"sub\":\"u2\"}")),
        ("constructor", claims().and("constructor", "1")),
        (
            "same-name-at-two-levels",
            claims().and("x", "{\"sub\":\"u2\"}"),
        ),
        ("names-in-other-case", claims().and("SUB", "\"u2\"")),
        ("surrogate-pair", claims().and("x", r#""\ud83d\ude00""#)),
        ("nul-escaped", claims().and("x", r#""\u0000""#)),
        ("nul-in-sub", claims().set("sub", r#""u1\u0000""#)),
        ("empty-member-name", claims().and("", "1")),
        ("lone-surrogate", claims().and("x", r#""\ud800""#)),
        ("lone-low-surrogate", claims().and("x", r#""\udc00""#)),
        ("surrogates-turned", claims().and("x", r#""\ude00\ud83d""#)),
        ("lone-surrogate-in-a-name", claims().and("\\ud800", "1")),
        ("bad-escape", claims().and("x", r#""\x""#)),
        ("short-escape", claims().and("x", r#""\u00""#)),
        ("number-too-large", claims().and("x", "1e400")),
        ("number-too-small-is-zero", claims().and("x", "1e-400")),
        (
            "number-too-large-inside",
            claims().and("x", "[{\"a\":[-1e400]}]"),
        ),
        (
            "number-with-many-digits",
            claims().and("x", "1".repeat(300)),
        ),
        (
            "number-with-too-many-digits",
            claims().and("x", "1".repeat(400)),
        ),
        ("number-leading-zero", claims().and("x", "01")),
        ("number-plus", claims().and("x", "+1")),
        ("number-dot-first", claims().and("x", ".5")),
        ("number-dot-last", claims().and("x", "1.")),
        ("number-exponent-only", claims().and("x", "e5")),
        ("number-hex", claims().and("x", "0x10")),
        ("nan", claims().and("x", "NaN")),
        ("infinity", claims().and("x", "Infinity")),
        ("undefined", claims().and("x", "undefined")),
        ("literal-in-other-case", claims().and("x", "True")),
        ("trailing-comma-in-a-list", claims().and("x", "[1,]")),
        ("hole-in-a-list", claims().and("x", "[1,,2]")),
        ("nested-127-deep", claims().and("x", nested(126))),
        ("nested-128-deep", claims().and("x", nested(127))),
        ("nested-129-deep", claims().and("x", nested(128))),
        ("nested-2000-deep", claims().and("x", nested(2000))),
    ] {
        with(&format!("jwt-8-{id}"), object.to_string().as_bytes());
    }
    let text = claims().to_string();
    let opened = &text[1..];
    for (id, bytes) in [
        ("blanks", format!(" \t\r\n{text} \n").into_bytes()),
        ("bom", format!("\u{feff}{text}").into_bytes()),
        ("more-after", format!("{text} x").into_bytes()),
        ("two-objects", format!("{text}{text}").into_bytes()),
        ("array", format!("[{text}]").into_bytes()),
        ("null", b"null".to_vec()),
        ("empty-object", b"{}".to_vec()),
        ("not-json", b"hello".to_vec()),
        ("no-end", text[..text.len() - 1].into()),
        (
            "comma-last",
            format!("{},}}", &text[..text.len() - 1]).into_bytes(),
        ),
        ("no-colon", text.replacen(':', " ", 1).into_bytes()),
        ("single-quotes", text.replace('"', "'").into_bytes()),
        ("comment", format!("/*x*/{text}").into_bytes()),
        (
            "name-without-quotes",
            text.replacen("\"iss\"", "iss", 1).into_bytes(),
        ),
        ("nul-last", format!("{text}\0").into_bytes()),
        (
            "vertical-tab-is-no-blank",
            format!("\u{b}{text}").into_bytes(),
        ),
        (
            "no-break-space-is-no-blank",
            format!("\u{a0}{text}").into_bytes(),
        ),
        (
            "line-separator-in-a-string",
            format!("{{\"x\":\"\u{2028}\",{opened}").into_bytes(),
        ),
        (
            "newline-in-a-string",
            format!("{{\"x\":\"\n\",{opened}").into_bytes(),
        ),
        (
            "nul-in-a-string",
            format!("{{\"x\":\"\0\",{opened}").into_bytes(),
        ),
        (
            "tab-in-a-string",
            format!("{{\"x\":\"\t\",{opened}").into_bytes(),
        ),
        (
            "delete-character-in-a-string",
            format!("{{\"x\":\"\u{7f}\",{opened}").into_bytes(),
        ),
        (
            "utf8-cut",
            [b"{\"x\":\"\xc3\",", opened.as_bytes()].concat(),
        ),
        (
            "utf8-overlong",
            [b"{\"x\":\"\xc0\xaf\",", opened.as_bytes()].concat(),
        ),
        (
            "utf8-surrogate",
            [b"{\"x\":\"\xed\xa0\x80\",", opened.as_bytes()].concat(),
        ),
        (
            "utf8-too-high",
            [b"{\"x\":\"\xf4\x90\x80\x80\",", opened.as_bytes()].concat(),
        ),
        (
            "utf8-lone-continuation",
            [b"{\"x\":\"\x80\",", opened.as_bytes()].concat(),
        ),
        (
            "utf8-highest",
            format!("{{\"x\":\"\u{10ffff}\",{opened}").into_bytes(),
        ),
        ("latin-1", [b"{\"x\":\"\xe9\",", opened.as_bytes()].concat()),
        (
            "utf16",
            text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        ),
    ] {
        with(&format!("jwt-8-text-{id}"), &bytes);
    }
    group
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// Big-endian, modulo the length.
fn add(one: &[u8], two: &[u8]) -> Vec<u8> {
    let mut sum = one.to_vec();
    let mut carry = 0;
    for (byte, more) in sum.iter_mut().zip(two).rev() {
        carry += u16::from(*byte) + u16::from(*more);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    sum
}

fn subtract(one: &[u8], two: &[u8]) -> Vec<u8> {
    let inverted: Vec<u8> = two.iter().map(|byte| !byte).collect();
    let mut unit = vec![0; two.len()];
    *unit.last_mut().unwrap() = 1;
    add(&add(one, &inverted), &unit)
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let short: Vec<u8> = bytes
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        let pad = if short[0] >= 0x80 { &[0][..] } else { &[] };
        [
            &[2, u8::try_from(pad.len() + short.len()).unwrap()],
            pad,
            &short,
        ]
        .concat()
    };
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}
