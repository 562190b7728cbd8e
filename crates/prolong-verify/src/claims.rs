//! The claims of an accepted token (RFC 9068 §2.2, DESIGN §6.2), typed.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use crate::{json, numeric_date, rejection::Rejection};

/// Claims of a token that was verified. Cheap to clone.
#[derive(Clone)]
pub struct Claims {
    body: Arc<Body>,
    expired: bool,
    renewal_due: bool,
}

/// What a signature covers: independent of time, expectation and revocation.
#[derive(Debug, PartialEq)]
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
    raw: Map<String, Value>,
}

impl Body {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Rejection> {
        let raw = json::object(bytes).ok_or(Rejection::BadClaims)?;
        let from = Members(&raw);
        Ok(Self {
            iss: from.required("iss", string)?,
            sub: from.required("sub", string)?,
            aud: from.required("aud", audience)?,
            client_id: from.required("client_id", string)?,
            exp: from.required("exp", numeric_date::upper)?,
            iat: from.required("iat", numeric_date::lower)?,
            jti: from.required("jti", string)?,
            nbf: from.optional("nbf", numeric_date::upper)?,
            auth_time: from.optional("auth_time", numeric_date::lower)?,
            softexp: from.optional("softexp", numeric_date::upper)?,
            sid: from.optional("sid", string)?,
            jwt_version: from.optional("jwt_version", Value::as_u64)?,
            generation: from.optional("gen", Value::as_u64)?,
            scope: from.optional("scope", |value| value.as_str().map(str::to_owned))?,
            acr: from.optional("acr", string)?,
            raw,
        })
    }
}

impl Claims {
    pub(crate) const fn new(body: Arc<Body>, expired: bool, renewal_due: bool) -> Self {
        Self {
            body,
            expired,
            renewal_due,
        }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.body.iss
    }

    /// `sub`: the user's id, or a machine's client id.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.body.sub
    }

    /// `aud`, as a list; never empty.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.body.aud
    }

    /// `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.body.client_id
    }

    /// `exp`, seconds since the epoch; over at that second. Fractions are rounded up, as for `nbf` and `softexp`.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.body.exp
    }

    /// `iat`, seconds since the epoch. Fractions are rounded down, as for `auth_time`.
    #[must_use]
    pub fn issued_at(&self) -> i64 {
        self.body.iat
    }

    /// `nbf`.
    #[must_use]
    pub fn not_before(&self) -> Option<i64> {
        self.body.nbf
    }

    /// `jti`.
    #[must_use]
    pub fn token_id(&self) -> &str {
        &self.body.jti
    }

    /// `auth_time`: when the person last proved who they are.
    #[must_use]
    pub fn auth_time(&self) -> Option<i64> {
        self.body.auth_time
    }

    /// `softexp`: from then on the token is due for renewal.
    #[must_use]
    pub fn soft_expires_at(&self) -> Option<i64> {
        self.body.softexp
    }

    /// `sid`: the session; `None` for a machine's token.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.body.sid.as_deref()
    }

    /// `jwt_version`.
    #[must_use]
    pub fn jwt_version(&self) -> Option<u64> {
        self.body.jwt_version
    }

    /// `gen`: the generation of the session, where its policy supersedes.
    #[must_use]
    pub fn generation(&self) -> Option<u64> {
        self.body.generation
    }

    /// `scope` as it stands.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.body.scope.as_deref()
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
        self.body.acr.as_deref()
    }

    /// `cnf`: what the token is bound to (RFC 7800).
    #[must_use]
    pub fn confirmation(&self) -> Option<&Value> {
        self.body.raw.get("cnf")
    }

    /// Every member, public claims included.
    #[must_use]
    pub fn raw(&self) -> &Map<String, Value> {
        &self.body.raw
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
            .field("sub", &self.body.sub)
            .field("sid", &self.body.sid)
            .field("exp", &self.body.exp)
            .field("expired", &self.expired)
            .finish_non_exhaustive()
    }
}

struct Members<'a>(&'a Map<String, Value>);

impl Members<'_> {
    fn required<T>(
        &self,
        name: &'static str,
        read: fn(&Value) -> Option<T>,
    ) -> Result<T, Rejection> {
        self.0
            .get(name)
            .and_then(read)
            .ok_or(Rejection::BadClaim(name))
    }

    /// A member of the wrong type is refused, `null` included: it does not mean "absent".
    fn optional<T>(
        &self,
        name: &'static str,
        read: fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, Rejection> {
        self.0
            .get(name)
            .map(|value| read(value).ok_or(Rejection::BadClaim(name)))
            .transpose()
    }
}

fn string(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn audience(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(_) => Some(vec![string(value)?]),
        Value::Array(items) if !items.is_empty() => items.iter().map(string).collect(),
        _ => None,
    }
}
