//! JSON objects as they are written: members with raw values, in their order, repeated where someone repeats them.

use std::fmt;

use prolong_verify::Algorithm;
use serde_json::json;

use crate::mint::{ISSUER, NOW};

#[derive(Clone)]
pub(crate) struct Object(Vec<(String, String)>);

#[expect(
    clippy::needless_pass_by_value,
    reason = "a hundred callers read better without a sign for it"
)]
impl Object {
    /// Sets a member to raw JSON, where it stands or at the end.
    pub(crate) fn set(mut self, name: &str, raw: impl ToString) -> Self {
        let raw = raw.to_string();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, value)) => *value = raw,
            None => self.0.push((name.to_owned(), raw)),
        }
        self
    }

    /// Adds a member, though there may be one of its name. The name is written as it is given.
    pub(crate) fn and(mut self, name: &str, raw: impl ToString) -> Self {
        self.0.push((name.to_owned(), raw.to_string()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<_> = self
            .0
            .iter()
            .map(|(name, raw)| format!("\"{name}\":{raw}"))
            .collect();
        write!(f, "{{{}}}", members.join(","))
    }
}

pub(crate) fn header(algorithm: Algorithm) -> Object {
    let name = json!(algorithm.as_str());
    Object(Vec::new())
        .set("alg", &name)
        .set("kid", &name)
        .set("typ", json!("at+jwt"))
}

pub(crate) fn claims() -> Object {
    Object(Vec::new())
        .set("iss", json!(ISSUER))
        .set("sub", r#""u1""#)
        .set("aud", r#""orders-api""#)
        .set("client_id", r#""web""#)
        .set("iat", NOW - 60)
        .set("exp", NOW + 840)
        .set("jti", r#""j1""#)
        .set("sid", r#""s1""#)
}
