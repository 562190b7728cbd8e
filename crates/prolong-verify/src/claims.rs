//! The claims of an accepted token (RFC 9068 §2.2, and Prolong's own), typed.

use std::{borrow::Cow, fmt};

use serde_json::{Map, Value};

use crate::{
    facts::{Asked, Facts},
    json::{self, Known, Scanned},
    numeric_date::{self, Number},
    rejection::Rejection,
    verify::Times,
    wording::{Parts, Place, Places, Wording},
};

/// Claims of a token that was verified. Cheap to clone.
#[derive(Clone)]
pub struct Claims {
    facts: Facts,
    wording: Wording,
    times: Times,
}

/// What a signature covers: independent of time, expectation and revocation.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) facts: Facts,
    pub(crate) wording: Wording,
    /// Where `aud` is a list.
    pub(crate) audiences: Box<[Box<str>]>,
}

/// In the order in which the authority writes them.
const NAMES: Known<15> = Known::new([
    "iss",
    "sub",
    "aud",
    "client_id",
    "iat",
    "exp",
    "jti",
    "scope",
    "sid",
    "auth_time",
    "jwt_version",
    "softexp",
    "acr",
    "gen",
    "nbf",
]);

impl Body {
    /// `parts` is how long the others of the token's parts are.
    pub(crate) fn parse(json: Vec<u8>, parts: Parts) -> Result<Self, Rejection> {
        let json = String::from_utf8(json).map_err(|_| Rejection::BadClaims)?;
        let members = json::members(&json, &NAMES).ok_or(Rejection::BadClaims)?;
        let [
            iss,
            sub,
            aud,
            client_id,
            iat,
            exp,
            jti,
            scope,
            sid,
            auth_time,
            jwt_version,
            softexp,
            acr,
            generation,
            nbf,
        ] = members;
        let place = |found| match found {
            Cow::Borrowed(part) => Place::of(&json, part),
            Cow::Owned(_) => Place::NOT_PLAIN,
        };
        let or_absent = |found: Option<_>| found.map_or(Place::ABSENT, place);
        let iss = place(required("iss", iss, string)?);
        let sub = place(required("sub", sub, string)?);
        let (aud, audiences) = match required("aud", aud, one_or_several)? {
            Aud::One(Cow::Borrowed(one)) => (Place::of(&json, one), Box::default()),
            Aud::One(Cow::Owned(one)) => (Place::NOT_PLAIN, [one.into()].into()),
            Aud::Several(all) => (
                Place::NOT_PLAIN,
                all.into_iter().map(Box::<str>::from).collect(),
            ),
        };
        let client_id = place(required("client_id", client_id, string)?);
        let exp = required("exp", exp, upper)?;
        let iat = required("iat", iat, lower)?;
        let jti = place(required("jti", jti, string)?);
        let nbf = optional("nbf", nbf, upper)?;
        let auth_time = optional("auth_time", auth_time, lower)?;
        let softexp = optional("softexp", softexp, upper)?;
        let sid = or_absent(optional("sid", sid, string)?);
        let jwt_version = optional("jwt_version", jwt_version, unsigned)?;
        let generation = optional("gen", generation, unsigned)?;
        let scope = or_absent(optional("scope", scope, any_string)?);
        let acr = or_absent(optional("acr", acr, string)?);
        Ok(Self {
            facts: Facts {
                exp,
                iat,
                nbf,
                auth_time,
                softexp,
                jwt_version,
                generation,
            },
            audiences,
            wording: Wording::read(
                Places {
                    parts,
                    iss,
                    sub,
                    aud,
                    client_id,
                    jti,
                    sid,
                    scope,
                    acr,
                },
                json,
            ),
        })
    }

    /// `aud`: one, or the list.
    pub(crate) fn audience(&self) -> impl Iterator<Item = &str> {
        let one = match self.wording.places.aud {
            Place::NOT_PLAIN => None,
            place => self.wording.text(place, "aud"),
        };
        one.into_iter()
            .chain(self.audiences.iter().map(|one| &**one))
    }
}

impl Claims {
    pub(crate) const fn new(facts: Facts, wording: Wording, times: Times) -> Self {
        Self {
            facts,
            wording,
            times,
        }
    }

    /// `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.wording.iss()
    }

    /// `sub`: the user's id, or a machine's client id.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.wording.sub()
    }

    /// `aud`, one or several; never none.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.wording.aud()
    }

    /// `client_id`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        self.wording.client_id()
    }

    /// `exp`, seconds since the epoch; over at that second. Fractions are rounded up, as for `nbf` and `softexp`.
    #[must_use]
    pub const fn expires_at(&self) -> i64 {
        self.facts.exp
    }

    /// `iat`, seconds since the epoch. Fractions are rounded down, as for `auth_time`.
    #[must_use]
    pub const fn issued_at(&self) -> i64 {
        self.facts.iat
    }

    /// `nbf`.
    #[must_use]
    pub const fn not_before(&self) -> Option<i64> {
        self.facts.nbf
    }

    /// `jti`.
    #[must_use]
    pub fn token_id(&self) -> &str {
        self.wording.jti()
    }

    /// `auth_time`: when the person last proved who they are.
    #[must_use]
    pub const fn auth_time(&self) -> Option<i64> {
        self.facts.auth_time
    }

    /// `softexp`: from then on the token is due for renewal.
    #[must_use]
    pub const fn soft_expires_at(&self) -> Option<i64> {
        self.facts.softexp
    }

    /// `sid`: the session; `None` for a machine's token.
    #[must_use]
    pub fn session_id(&self) -> Option<&str> {
        self.wording.sid()
    }

    /// `jwt_version`.
    #[must_use]
    pub const fn jwt_version(&self) -> Option<u64> {
        self.facts.jwt_version
    }

    /// `gen`: the generation of the session, where its policy supersedes.
    #[must_use]
    pub const fn generation(&self) -> Option<u64> {
        self.facts.generation
    }

    /// `scope` as it stands.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.wording.scope()
    }

    /// Whether `scope` holds this one.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope().is_some_and(|all| holds_scope(all, scope))
    }

    /// `acr`.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.wording.acr()
    }

    /// `cnf`: what the token is bound to (RFC 7800).
    #[must_use]
    pub fn confirmation(&self) -> Option<&Value> {
        self.raw().get("cnf")
    }

    /// Every member, public claims included.
    #[must_use]
    pub fn raw(&self) -> &Map<String, Value> {
        self.wording.raw()
    }

    /// Whether `exp` had passed; only possible with [`crate::Expected::expired_for`].
    #[must_use]
    pub const fn expired(&self) -> bool {
        self.times.expired
    }

    /// Whether `softexp` had passed.
    #[must_use]
    pub const fn renewal_due(&self) -> bool {
        self.times.renewal_due
    }
}

impl Asked for Claims {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn scope(&self) -> Option<&str> {
        self.wording.scope()
    }

    fn acr(&self) -> Option<&str> {
        self.wording.acr()
    }

    fn has_session(&self) -> bool {
        self.wording.places.has_session()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("sub", &self.subject())
            .field("sid", &self.session_id())
            .field("exp", &self.expires_at())
            .field("expired", &self.expired())
            .finish_non_exhaustive()
    }
}

/// Whether a `scope` holds one scope (RFC 6749 §3.3).
pub(crate) fn holds_scope(all: &str, scope: &str) -> bool {
    let mut all = all.as_bytes().split(|byte| *byte == b' ');
    all.any(|one| one == scope.as_bytes() && !one.is_empty())
}

enum Aud<'a> {
    One(Cow<'a, str>),
    Several(Vec<Cow<'a, str>>),
}

/// At least one; every one of at least one character.
fn one_or_several(value: Scanned<'_>) -> Option<Aud<'_>> {
    match value {
        Scanned::Text(one) if !one.is_empty() => Some(Aud::One(one)),
        Scanned::List(Some(all)) if !all.is_empty() && all.iter().all(|one| !one.is_empty()) => {
            Some(Aud::Several(all))
        }
        _ => None,
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

fn number(value: Scanned<'_>) -> Option<Number> {
    match value {
        Scanned::Number(number) => Some(number),
        _ => None,
    }
}

fn upper(value: Scanned<'_>) -> Option<i64> {
    number(value).as_ref().map(numeric_date::upper)
}

fn lower(value: Scanned<'_>) -> Option<i64> {
    number(value).as_ref().map(numeric_date::lower)
}

fn unsigned(value: Scanned<'_>) -> Option<u64> {
    number(value).as_ref().and_then(numeric_date::counter)
}
