//! What this verifier and `jsonwebtoken` make of the same token, and why they differ: a lenient reading of the token must
//! show the rule that makes the difference. For thousands of changed tokens (`differential`), and for what is fuzzed
//! (`crates/prolong-fuzz`, which compiles this file in).

use jsonwebtoken::{DecodingKey, Validation, decode};
use prolong_verify::{Algorithm, Claims, Rejection};
use serde_json::Value;

use crate::mint::{ISSUER, NOW, jwk};

/// Why the two differ about a token; `Ok(None)` where they agree.
///
/// `Err`: whether `jsonwebtoken` accepts it. No rule that is known here explains that they differ.
pub(crate) fn difference(
    token: &str,
    ours: &Result<Claims, Rejection>,
) -> Result<Option<&'static str>, bool> {
    let lenient = Lenient::read(token);
    let theirs = theirs(token, lenient.as_ref());
    let reason = match (ours, theirs, &lenient) {
        (Ok(_), true, _) | (Err(_), false, _) => return Ok(None),
        (Ok(_), false, Some(lenient)) => wider(lenient),
        (Err(refusal), true, Some(lenient)) => stricter(*refusal, lenient),
        (_, _, None) => None,
    };
    reason.map(Some).ok_or(theirs)
}

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

/// RFC 9068 §2.2 and Prolong's own claims, in other words than the verifier's.
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
    if header["alg"] == "Ed25519" {
        return Some("they do not know the name that RFC 9864 gives to EdDSA on that curve");
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
