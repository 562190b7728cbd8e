//! The corpus under `tests/vectors/`: tokens and key sets with the verdicts of this verifier, for verifiers in other
//! languages. It is made here, and a test holds that the files are what this makes.
//!
//! ES256 and PS256 draw randomness for each signature, so a signature in the present file is kept where it still holds.

mod forms;
mod key_sets;
pub(crate) mod mutate;
mod text;
mod times;

use std::{collections::HashMap, fmt::Write as _, fs, path::PathBuf};

use prolong_protocol::feed::Entry;
use prolong_verify::{
    Algorithm, Audience, Caller, Expected, Key, Rejection, Requirement, Revoked, SoftExpiry, verify,
};
use serde_json::{Value, json};

use crate::mint::{ISSUED_BY, ISSUER, NOW, b64, jwk, keys};
pub(crate) use text::{claims, header};

/// The salt of the feed entries in the corpus.
pub(crate) const SALT: [u8; 16] = [9; 16];

/// Tokens that are judged under the same circumstances.
pub(crate) struct Group {
    name: &'static str,
    now: i64,
    expected: Expected,
    entries: Vec<Entry>,
    requirement: Requirement,
    cases: Vec<(String, String)>,
}

impl Group {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            now: NOW,
            expected: Expected::new(ISSUER, "orders-api"),
            entries: Vec::new(),
            requirement: Requirement {
                caller: Caller::Any,
                ..Requirement::default()
            },
            cases: Vec::new(),
        }
    }

    fn case(&mut self, id: impl Into<String>, token: String) {
        self.cases.push((id.into(), token));
    }
}

/// Signs; what the old corpus has of a randomised algorithm is used again.
pub(crate) struct Signer(HashMap<String, Vec<Vec<u8>>>);

impl Signer {
    fn from(old: &str) -> Self {
        let mut known: HashMap<String, Vec<Vec<u8>>> = HashMap::new();
        let old: Value = serde_json::from_str(old).unwrap_or_default();
        let groups = old["groups"].as_array().into_iter().flatten();
        let cases = groups.flat_map(|group| group["cases"].as_array().into_iter().flatten());
        for token in cases.filter_map(|case| case["token"].as_str()) {
            if let Some((message, signature)) = token.rsplit_once('.')
                && let Ok(signature) =
                    base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, signature)
            {
                known.entry(message.to_owned()).or_default().push(signature);
            }
        }
        Self(known)
    }

    /// With nothing to use again.
    pub(crate) fn fresh() -> Self {
        Self(HashMap::new())
    }

    fn sign(&self, algorithm: Algorithm, message: &str) -> Vec<u8> {
        let key = Key::new("k", algorithm, &ISSUED_BY.public(algorithm)).unwrap();
        let known = self.0.get(message).into_iter().flatten();
        known
            .filter(|_| matches!(algorithm, Algorithm::Es256 | Algorithm::Ps256))
            .find(|signature| key.signed(message.as_bytes(), signature))
            .cloned()
            .unwrap_or_else(|| ISSUED_BY.sign(algorithm, message.as_bytes()))
    }

    /// A token of exactly these characters.
    pub(crate) fn token(
        &self,
        algorithm: Algorithm,
        header: &str,
        claims: impl AsRef<[u8]>,
    ) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = self.sign(algorithm, &message);
        format!("{message}.{}", b64(signature))
    }

    /// A sound token of this algorithm.
    pub(crate) fn sound(&self, algorithm: Algorithm) -> String {
        self.token(
            algorithm,
            &header(algorithm).to_string(),
            claims().to_string(),
        )
    }
}

/// Where the files are.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(name)
}

/// The two files: name, and what should be in it given what is in it.
pub(crate) fn files() -> [(&'static str, String); 2] {
    let old = fs::read_to_string(path("tokens.json")).unwrap_or_default();
    let signer = Signer::from(&old);
    [
        ("tokens.json", tokens(&signer)),
        ("key-sets.json", key_sets::file()),
    ]
}

fn tokens(signer: &Signer) -> String {
    let mut groups = forms::groups(signer);
    groups.extend(times::groups(signer));
    groups.push(mutate::group(signer));
    let keys: Vec<Value> = Algorithm::ALL
        .iter()
        .map(|one| sorted(&jwk(*one)))
        .collect();
    let mut file = String::from("{\n\"keys\":{\"keys\":[\n");
    file.push_str(&lines(keys.iter().map(Value::to_string)));
    file.push_str("]},\n\"groups\":[\n");
    file.push_str(&lines(groups.iter().map(group_text)));
    file.push_str("]\n}\n");
    file
}

fn lines(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",\n")
}

/// The members in one order, whatever `serde_json` was built with.
fn sorted(object: &Value) -> Value {
    let mut members: Vec<_> = object.as_object().unwrap().iter().collect();
    members.sort_by_key(|(name, _)| *name);
    members
        .into_iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn group_text(group: &Group) -> String {
    let Expected {
        issuer,
        audience,
        algorithms,
        types,
        exp_leeway,
        future_leeway,
        expired_for,
        soft_expiry,
    } = &group.expected;
    let audience = match audience {
        Audience::Any => Value::Null,
        Audience::OneOf(all) => json!(all),
    };
    let algorithms: Vec<_> = algorithms.iter().map(|one| one.as_str()).collect();
    let soft_expiry = match soft_expiry {
        SoftExpiry::Hint => "hint",
        SoftExpiry::Reject => "reject",
    };
    let caller = match group.requirement.caller {
        Caller::Any => "any",
        Caller::User => "user",
        Caller::Machine => "machine",
    };
    let mut text = String::new();
    let _ = write!(
        text,
        "{{\"name\":{},\"now\":{},\n\"expected\":{{\"issuer\":{},\"audience\":{audience},\"algorithms\":{},\"types\":{},\
         \"exp_leeway\":{exp_leeway},\"future_leeway\":{future_leeway},\"expired_for\":{expired_for},\
         \"soft_expiry\":\"{soft_expiry}\"}},\n\"require\":{{\"scopes\":{},\"max_age\":{},\"acr_values\":{},\
         \"caller\":\"{caller}\"}},\n\"revoked\":{{\"salt\":\"{}\",\"entries\":{}}},\n\"cases\":[\n",
        json!(group.name),
        group.now,
        json!(issuer),
        json!(algorithms),
        json!(types),
        json!(group.requirement.scopes),
        json!(group.requirement.max_age),
        json!(group.requirement.acr_values),
        hex(&SALT),
        entries_text(&group.entries),
    );
    text.push_str(&lines(
        group
            .cases
            .iter()
            .map(|(id, token)| case_text(group, id, token)),
    ));
    text.push_str("]}");
    text
}

fn entries_text(entries: &[Entry]) -> String {
    let one = |entry: &Entry| {
        format!(
            "{{\"seq\":{},\"kind\":\"{}\",\"key\":\"{}\",\"arg\":{},\"until\":{}}}",
            entry.seq,
            char::from(entry.kind),
            hex(&entry.key),
            entry.arg,
            entry.until
        )
    };
    format!(
        "[{}]",
        entries.iter().map(one).collect::<Vec<_>>().join(",")
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn case_text(group: &Group, id: &str, token: &str) -> String {
    let mut revoked = Revoked::new(SALT);
    for entry in &group.entries {
        revoked.apply(entry).unwrap();
    }
    let outcome = verify(token, &keys(), &group.expected, &revoked, group.now)
        .and_then(|claims| group.requirement.check(&claims, group.now).map(|()| claims));
    let verdict = match outcome {
        Ok(claims) => {
            let mut verdict = String::from("\"verdict\":\"ok\"");
            for (name, holds) in [
                ("expired", claims.expired()),
                ("renewal_due", claims.renewal_due()),
            ] {
                if holds {
                    let _ = write!(verdict, ",\"{name}\":true");
                }
            }
            verdict
        }
        Err(refused) => refusal_text(refused),
    };
    format!(
        "{{\"id\":{},{verdict},\"token\":{}}}",
        json!(id),
        json!(token)
    )
}

fn refusal_text(refused: Rejection) -> String {
    let why = format!("{refused:?}");
    let why = why.split('(').next().unwrap();
    let mut text = format!(
        "\"verdict\":\"{}\",\"action\":\"{}\",\"why\":\"{why}\"",
        refused.code().as_str(),
        refused.action().as_str()
    );
    if let Rejection::BadClaim(name) = refused {
        let _ = write!(text, ",\"claim\":\"{name}\"");
    }
    if let Some(reason) = refused.reason() {
        let _ = write!(text, ",\"reason\":\"{}\"", reason.as_str());
    }
    text
}
