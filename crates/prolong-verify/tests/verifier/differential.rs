//! Thousands of changed tokens, before this verifier and before `jsonwebtoken`. Where the two differ, a lenient reading
//! of the token must show the rule that makes the difference; and every rule listed here makes one at least once.

use std::collections::BTreeMap;

use jsonwebtoken::{DecodingKey, Validation, decode};
use prolong_verify::{Algorithm, Rejection};
use serde_json::Value;

use crate::{
    corpus::{Signer, mutate::Mutations},
    mint::{ISSUER, NOW, check, jwk},
};

const TOKENS: usize = 6000;

/// What was decoded without any strictness.
struct Lenient {
    header: Value,
    claims: Value,
    repeats: [bool; 2],
}

impl Lenient {
    fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let mut texts = [parts.next()?, parts.next()?].into_iter().map(|part| {
            let bytes =
                base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, part).ok()?;
            String::from_utf8(bytes).ok()
        });
        let (header, claims) = (texts.next()??, texts.next()??);
        let repeats = [&header, &claims].map(|text| repeats(text));
        Some(Self {
            header: serde_json::from_str(&header).ok()?,
            claims: serde_json::from_str(&claims).ok()?,
            repeats,
        })
    }
}

/// Whether the text has more colons outside of strings than its value has members.
fn repeats(text: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    let (mut colons, mut inside, mut escaped) = (0, false, false);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            ':' if !inside => colons += 1,
            _ => {}
        }
    }
    colons > members(&value)
}

fn members(value: &Value) -> usize {
    match value {
        Value::Object(all) => all.len() + all.values().map(members).sum::<usize>(),
        Value::Array(all) => all.iter().map(members).sum(),
        _ => 0,
    }
}

/// With the key of the header's `alg`, if there is one: `jsonwebtoken` leaves the choice of a key to its caller.
fn theirs(token: &str, lenient: Option<&Lenient>) -> bool {
    let named = lenient.and_then(|lenient| Algorithm::parse(lenient.header["alg"].as_str()?));
    let algorithm = named.unwrap_or(Algorithm::Es256);
    let Ok(name) = algorithm.as_str().parse() else {
        return false;
    };
    let mut rules = Validation::new(name);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&["orders-api"]);
    rules.validate_exp = false; // it reads the system's clock; times have their own tests
    let jwk = serde_json::from_value(jwk(algorithm)).unwrap();
    decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &rules).is_ok()
}

/// Why only `jsonwebtoken` accepts it; the rule must be broken by what was read leniently.
fn stricter(refusal: Rejection, lenient: &Lenient) -> Option<&'static str> {
    let Lenient {
        header,
        claims,
        repeats,
    } = lenient;
    let number = |name: &str| claims[name].as_f64();
    let named = |name: &str| header[name].as_str();
    let (why, broken) = match refusal {
        Rejection::WrongType => (
            "it does not ask for a typ",
            !named("typ").is_some_and(|typ| {
                let typ = typ.to_lowercase();
                typ == "at+jwt" || typ == "application/at+jwt"
            }),
        ),
        Rejection::UnknownKey => (
            "it was handed the key",
            named("kid").is_some_and(|kid| Algorithm::parse(kid).is_none()),
        ),
        Rejection::KeyAlgorithm => ("it was handed the key", named("kid") != named("alg")),
        Rejection::BadHeader if repeats[0] => ("it takes the last of two members", true),
        Rejection::BadHeader => (
            "it does not ask for a kid",
            named("kid").is_none() || !header["typ"].is_string(),
        ),
        Rejection::CriticalExtension => (
            "it does not look at crit and b64",
            header.get("crit").is_some() || header.get("b64").is_some(),
        ),
        Rejection::BadClaims => ("it takes the last of two members", repeats[1]),
        Rejection::BadClaim(name) => ("RFC 9068 asks for more claims, and types", {
            claims.get(name).is_none_or(|value| !sound(name, value))
        }),
        Rejection::Expired => (
            "it was told not to look at times",
            number("exp").is_some_and(|at| at <= seconds(NOW)),
        ),
        Rejection::NotYetValid => (
            "it was told not to look at times",
            ["iat", "nbf"]
                .iter()
                .any(|name| number(name).is_some_and(|at| at > seconds(NOW + 30))),
        ),
        _ => return None,
    };
    broken.then_some(why)
}

fn seconds(at: i64) -> f64 {
    f64::from(u32::try_from(at).unwrap())
}

/// RFC 9068 §2.2 and DESIGN §6.2, in other words than the verifier's.
fn sound(name: &str, value: &Value) -> bool {
    match name {
        "exp" | "iat" | "nbf" | "auth_time" | "softexp" => value.is_number(),
        "jwt_version" | "gen" => value
            .as_f64()
            .is_some_and(|n| n >= 0.0 && n.fract() == 0.0 && n < 1.8e19),
        "scope" => value.is_string(),
        "aud" => match value {
            Value::Array(all) => !all.is_empty() && all.iter().all(|one| sound("sub", one)),
            one => sound("sub", one),
        },
        _ => value.as_str().is_some_and(|text| !text.is_empty()),
    }
}

/// Why only we accept it: its header has members that we never look at, of types that they do not like.
fn wider(lenient: &Lenient) -> Option<&'static str> {
    let header = &lenient.header;
    if ["jku", "cty", "zip", "jwk", "x5u"]
        .iter()
        .any(|name| header.get(name).is_some())
    {
        return Some("we do not look at jku, jwk, cty and zip, whatever their type");
    }
    let beyond = |name| {
        let at = lenient.claims[name].as_f64();
        at.is_some_and(|at| !(0.0..1.8e19).contains(&at))
    };
    if beyond("exp") || beyond("nbf") {
        return Some("we saturate times beyond 64 bits");
    }
    None
}

#[test]
fn every_difference_to_jsonwebtoken_is_explained() {
    let signer = Signer::fresh();
    let mut mutations = Mutations::new(2026, &signer);
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut accepted = 0;
    for number in 0..TOKENS {
        let (kind, token) = mutations.next();
        let lenient = Lenient::read(&token);
        let ours = check(&token);
        let theirs = theirs(&token, lenient.as_ref());
        accepted += usize::from(ours.is_ok());
        let reason = match (&ours, theirs, &lenient) {
            (Ok(_), true, _) | (Err(_), false, _) => continue,
            (Ok(_), false, Some(lenient)) => wider(lenient),
            (Err(refusal), true, Some(lenient)) => stricter(*refusal, lenient),
            (_, _, None) => None,
        };
        let reason = reason.unwrap_or_else(|| {
            panic!("token {number} ({kind}): we say {ours:?}, they {theirs}: {token:?}")
        });
        *reasons.entry(reason).or_default() += 1;
    }
    println!("{accepted} of {TOKENS} accepted; differences: {reasons:#?}");
    assert!(
        accepted > TOKENS / 20 && accepted < TOKENS / 2,
        "{accepted}"
    );
    for reason in [
        "it does not ask for a typ",
        "it was handed the key",
        "it takes the last of two members",
        "it does not ask for a kid",
        "it does not look at crit and b64",
        "RFC 9068 asks for more claims, and types",
        "it was told not to look at times",
        "we do not look at jku, jwk, cty and zip, whatever their type",
    ] {
        assert!(reasons.contains_key(reason), "never met: {reason}");
    }
}
