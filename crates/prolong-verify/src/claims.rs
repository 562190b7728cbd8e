//! The claims of an accepted token (RFC 9068 §2.2, DESIGN §6.2), typed.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value};

use crate::{
    json::{self, Scanned},
    numeric_date,
    rejection::Rejection,
    token::Authentic,
};

/// Claims of a token that was verified. Cheap to clone.
#[derive(Clone)]
pub struct Claims {
    token: Arc<Authentic>,
    expired: bool,
    renewal_due: bool,
}

/// What a signature covers: independent of time, expectation and revocation.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) iss: String,
    pub(crate) sub: String,
    pub(crate) aud: Vec<String>,
    pub(crate) client_id: String,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    jti: String,
    pub(crate) nbf: Option<i64>,
    auth_time: Option<i64>,
    pub(crate) softexp: Option<i64>,
    pub(crate) sid: Option<String>,
    pub(crate) jwt_version: Option<u64>,
    pub(crate) generation: Option<u64>,
    scope: Option<String>,
    acr: Option<String>,
    json: Vec<u8>,
    /// Read from `json` when someone asks: most services never do.
    raw: OnceLock<Map<String, Value>>,
}

const NAMES: [&str; 15] = [
    "iss",
    "sub",
    "aud",
    "client_id",
    "exp",
    "iat",
    "jti",
    "nbf",
    "auth_time",
    "softexp",
    "sid",
    "jwt_version",
    "gen",
    "scope",
    "acr",
];

impl Body {
    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, Rejection> {
        let members = json::members(&json, &NAMES).ok_or(Rejection::BadClaims)?;
        let [
            iss,
            sub,
            aud,
            client_id,
            exp,
            iat,
            jti,
            nbf,
            auth_time,
            softexp,
            sid,
            jwt_version,
            generation,
            scope,
            acr,
        ] = members;
        Ok(Self {
            iss: required("iss", iss, string)?,
            sub: required("sub", sub, string)?,
            aud: required("aud", aud, audience)?,
            client_id: required("client_id", client_id, string)?,
            exp: required("exp", exp, upper)?,
            iat: required("iat", iat, lower)?,
            jti: required("jti", jti, string)?,
            nbf: optional("nbf", nbf, upper)?,
            auth_time: optional("auth_time", auth_time, lower)?,
            softexp: optional("softexp", softexp, upper)?,
            sid: optional("sid", sid, string)?,
            jwt_version: optional("jwt_version", jwt_version, unsigned)?,
            generation: optional("gen", generation, unsigned)?,
            scope: optional("scope", scope, any_string)?,
            acr: optional("acr", acr, string)?,
            json,
            raw: OnceLock::new(),
        })
    }

    fn raw(&self) -> &Map<String, Value> {
        self.raw
            .get_or_init(|| json::object(&self.json).unwrap_or_default())
    }
}

impl Claims {
    pub(crate) const fn new(token: Arc<Authentic>, expired: bool, renewal_due: bool) -> Self {
        Self {
            token,
            expired,
            renewal_due,
        }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.token.body.iss
    }

    /// `sub`: the user's id, or a machine's client id.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.token.body.sub
    }

    /// `aud`, as a list; never empty.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.token.body.aud
    }

    /// `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.token.body.client_id
    }

    /// `exp`, seconds since the epoch; over at that second. Fractions are rounded up, as for `nbf` and `softexp`.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.token.body.exp
    }

    /// `iat`, seconds since the epoch. Fractions are rounded down, as for `auth_time`.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.token.body.iat
    }

    /// `nbf`.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.token.body.nbf
    }

    /// `jti`.
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.token.body.jti
    }

    /// `auth_time`: when the person last proved who they are.
    #[must_use]
    pub fn auth_time(&self) -> Option<i64> {
        self.token.body.auth_time
    }

    /// `softexp`: from then on the token is due for renewal.
    #[must_use]
    pub fn soft_expires_at(&self) -> Option<i64> {
        self.token.body.softexp
    }

    /// `sid`: the session; `None` for a machine's token.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.token.body.sid.as_deref()
    }

    /// `jwt_version`.
    #[must_use]
    pub fn jwt_version(&self) -> Option<u64> {
        self.token.body.jwt_version
    }

    /// `gen`: the generation of the session, where its policy supersedes.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.token.body.generation
    }

    /// `scope` as it stands.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.token.body.scope.as_deref()
    }

    /// Whether `scope` holds this one.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope()
            .is_some_and(|all| all.split(' ').any(|one| one == scope && !one.is_empty()))
    }

    /// `acr`.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.token.body.acr.as_deref()
    }

    /// `cnf`: what the token is bound to (RFC 7800).
    #[must_use]
    pub fn confirmation(&self) -> Option<&Value> {
        self.token.body.raw().get("cnf")
    }

    /// Every member, public claims included.
    #[must_use]
    pub fn raw(&self) -> &Map<String, Value> {
        self.token.body.raw()
    }

    /// Whether `exp` had passed; only possible with [`crate::Expected::expired_for`].
    #[must_use]
    pub const fn expired(&self) -> bool {
        self.expired
    }

    /// Whether `softexp` had passed.
    #[must_use]
    pub const fn renewal_due(&self) -> bool {
        self.renewal_due
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("sub", &self.token.body.sub)
            .field("sid", &self.token.body.sid)
            .field("exp", &self.token.body.exp)
            .field("expired", &self.expired)
            .finish_non_exhaustive()
    }
}

fn required<T>(
    name: &'static str,
    member: Option<Scanned<'_>>,
    read: fn(Scanned<'_>) -> Option<T>,
) -> Result<T, Rejection> {
    member.and_then(read).ok_or(Rejection::BadClaim(name))
}

/// A member of the wrong type is refused, `null` included: it does not mean "absent".
fn optional<T>(
    name: &'static str,
    member: Option<Scanned<'_>>,
    read: fn(Scanned<'_>) -> Option<T>,
) -> Result<Option<T>, Rejection> {
    member
        .map(|value| read(value).ok_or(Rejection::BadClaim(name)))
        .transpose()
}

fn any_string(value: Scanned<'_>) -> Option<String> {
    match value {
        Scanned::Text(text) => Some(text.into_owned()),
        _ => None,
    }
}

fn string(value: Scanned<'_>) -> Option<String> {
    any_string(value).filter(|text| !text.is_empty())
}

fn number<T>(value: Scanned<'_>, read: fn(&Value) -> Option<T>) -> Option<T> {
    match value {
        Scanned::Number(number) => read(&number),
        _ => None,
    }
}

fn upper(value: Scanned<'_>) -> Option<i64> {
    number(value, numeric_date::upper)
}

fn lower(value: Scanned<'_>) -> Option<i64> {
    number(value, numeric_date::lower)
}

fn unsigned(value: Scanned<'_>) -> Option<u64> {
    number(value, numeric_date::counter)
}

fn audience(value: Scanned<'_>) -> Option<Vec<String>> {
    match value {
        Scanned::List(Some(items)) if !items.is_empty() => items
            .into_iter()
            .map(|item| string(Scanned::Text(item)))
            .collect(),
        Scanned::Text(_) => Some(vec![string(value)?]),
        _ => None,
    }
}
