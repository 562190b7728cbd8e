//! The claims of an accepted token (RFC 9068 §2.2, DESIGN §6.2), typed.

use std::{
    borrow::Cow,
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
///
/// Strings stay where they are in the claims' JSON: a token is read without an allocation for each.
#[derive(Debug)]
pub(crate) struct Body {
    iss: Text,
    sub: Text,
    aud: Audience,
    client_id: Text,
    pub(crate) exp: i64,
    pub(crate) iat: i64,
    jti: Text,
    pub(crate) nbf: Option<i64>,
    auth_time: Option<i64>,
    pub(crate) softexp: Option<i64>,
    sid: Option<Text>,
    pub(crate) jwt_version: Option<u64>,
    pub(crate) generation: Option<u64>,
    scope: Option<Text>,
    acr: Option<Text>,
    json: String,
    /// Read from `json` when someone asks: most services never do.
    raw: OnceLock<Map<String, Value>>,
}

/// A string of the claims: where it stands in their JSON, or itself where it is written with escapes.
#[derive(Debug)]
enum Text {
    At { start: u32, end: u32 },
    Own(Box<str>),
}

#[derive(Debug)]
enum Audience {
    One(Text),
    Several(Box<[Text]>),
}

impl Text {
    /// `found` is a part of `json`, or a copy without escapes.
    fn of(json: &str, found: Cow<'_, str>) -> Self {
        match found {
            Cow::Borrowed(part) => {
                let start = part.as_ptr().addr() - json.as_ptr().addr();
                let place = (u32::try_from(start), u32::try_from(start + part.len()));
                match place {
                    (Ok(start), Ok(end)) => Self::At { start, end },
                    _ => Self::Own(part.into()),
                }
            }
            Cow::Owned(text) => Self::Own(text.into()),
        }
    }

    fn in_json<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::At { start, end } => json.get(*start as usize..*end as usize).unwrap_or_default(),
            Self::Own(text) => text,
        }
    }
}

/// In the order in which the authority writes them: that of their names.
const NAMES: [&str; 15] = [
    "acr",
    "aud",
    "auth_time",
    "client_id",
    "exp",
    "gen",
    "iat",
    "iss",
    "jti",
    "jwt_version",
    "nbf",
    "scope",
    "sid",
    "softexp",
    "sub",
];

impl Body {
    pub(crate) fn parse(json: Vec<u8>) -> Result<Self, Rejection> {
        let json = String::from_utf8(json).map_err(|_| Rejection::BadClaims)?;
        let members = json::members(&json, &NAMES).ok_or(Rejection::BadClaims)?;
        let [
            acr,
            aud,
            auth_time,
            client_id,
            exp,
            generation,
            iat,
            iss,
            jti,
            jwt_version,
            nbf,
            scope,
            sid,
            softexp,
            sub,
        ] = members;
        let text = |found| Text::of(&json, found);
        Ok(Self {
            iss: text(required("iss", iss, string)?),
            sub: text(required("sub", sub, string)?),
            aud: match aud {
                Some(Scanned::Text(one)) if !one.is_empty() => Audience::One(text(one)),
                other => {
                    let all = required("aud", other, several)?;
                    Audience::Several(all.into_iter().map(text).collect())
                }
            },
            client_id: text(required("client_id", client_id, string)?),
            exp: required("exp", exp, upper)?,
            iat: required("iat", iat, lower)?,
            jti: text(required("jti", jti, string)?),
            nbf: optional("nbf", nbf, upper)?,
            auth_time: optional("auth_time", auth_time, lower)?,
            softexp: optional("softexp", softexp, upper)?,
            sid: optional("sid", sid, string)?.map(text),
            jwt_version: optional("jwt_version", jwt_version, unsigned)?,
            generation: optional("gen", generation, unsigned)?,
            scope: optional("scope", scope, any_string)?.map(text),
            acr: optional("acr", acr, string)?.map(text),
            raw: OnceLock::new(),
            json,
        })
    }

    pub(crate) fn iss(&self) -> &str {
        self.iss.in_json(&self.json)
    }

    pub(crate) fn sub(&self) -> &str {
        self.sub.in_json(&self.json)
    }

    pub(crate) fn client_id(&self) -> &str {
        self.client_id.in_json(&self.json)
    }

    pub(crate) fn sid(&self) -> Option<&str> {
        self.text(self.sid.as_ref())
    }

    pub(crate) fn aud(&self) -> impl Iterator<Item = &str> {
        let all = match &self.aud {
            Audience::One(one) => std::slice::from_ref(one),
            Audience::Several(all) => all,
        };
        all.iter().map(|one| one.in_json(&self.json))
    }

    fn text<'a>(&'a self, text: Option<&'a Text>) -> Option<&'a str> {
        text.map(|text| text.in_json(&self.json))
    }

    fn raw(&self) -> &Map<String, Value> {
        self.raw
            .get_or_init(|| json::object(self.json.as_bytes()).unwrap_or_default())
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
        self.token.body.iss()
    }

    /// `sub`: the user's id, or a machine's client id.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.token.body.sub()
    }

    /// `aud`, one or several; never none.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.token.body.aud()
    }

    /// `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.token.body.client_id()
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
        self.token.body.jti.in_json(&self.token.body.json)
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
        self.token.body.sid()
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
        self.token.body.text(self.token.body.scope.as_ref())
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
        self.token.body.text(self.token.body.acr.as_ref())
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
            .field("sub", &self.token.body.sub())
            .field("sid", &self.token.body.sid())
            .field("exp", &self.token.body.exp)
            .field("expired", &self.expired)
            .finish_non_exhaustive()
    }
}

fn required<'a, T>(
    name: &'static str,
    member: Option<Scanned<'a>>,
    read: fn(Scanned<'a>) -> Option<T>,
) -> Result<T, Rejection> {
    member.and_then(read).ok_or(Rejection::BadClaim(name))
}

/// A member of the wrong type is refused, `null` included: it does not mean "absent".
fn optional<'a, T>(
    name: &'static str,
    member: Option<Scanned<'a>>,
    read: fn(Scanned<'a>) -> Option<T>,
) -> Result<Option<T>, Rejection> {
    member
        .map(|value| read(value).ok_or(Rejection::BadClaim(name)))
        .transpose()
}

fn any_string(value: Scanned<'_>) -> Option<Cow<'_, str>> {
    match value {
        Scanned::Text(text) => Some(text),
        _ => None,
    }
}

fn string(value: Scanned<'_>) -> Option<Cow<'_, str>> {
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

/// A list of at least one; every one of at least one character.
fn several(value: Scanned<'_>) -> Option<Vec<Cow<'_, str>>> {
    let Scanned::List(all) = value else {
        return None;
    };
    all.filter(|all| !all.is_empty() && all.iter().all(|one| !one.is_empty()))
}
