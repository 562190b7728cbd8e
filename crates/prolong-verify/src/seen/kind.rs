//! What many tokens have in common: key, type, issuer, audience, scope; and where in the JSON their words stand.

use std::sync::Arc;

use crate::{
    facts::{Asked, Facts, Said, SaltedKey},
    key::Key,
    token::{Authentic, Typ},
    wording::Places,
};

pub(super) struct Kind {
    pub(super) key: Arc<Key>,
    pub(super) typ: Typ,
    pub(super) issuer: Box<str>,
    pub(super) audiences: Box<[Box<str>]>,
    pub(super) scope: Option<Box<str>>,
    pub(super) acr: Option<Box<str>>,
    client_id: Box<str>,
    /// What the feed calls the client and the key.
    pub(super) salted_client: SaltedKey,
    pub(super) salted_kid: SaltedKey,
    /// Seconds after `iat`.
    pub(super) nbf_after: Option<i64>,
    pub(super) softexp_after: Option<i64>,
    pub(super) has: Has,
    pub(super) places: Places,
}

/// Which numbers are there at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Has {
    pub(super) auth_time: bool,
    pub(super) jwt_version: bool,
    pub(super) generation: bool,
}

impl Has {
    const fn of(facts: &Facts) -> Self {
        Self {
            auth_time: facts.auth_time.is_some(),
            jwt_version: facts.jwt_version.is_some(),
            generation: facts.generation.is_some(),
        }
    }
}

impl Kind {
    pub(super) fn of(authentic: &Authentic, salt: &[u8; 16]) -> Self {
        let body = &authentic.body;
        let facts = &body.facts;
        Self {
            key: Arc::clone(&authentic.key),
            typ: authentic.typ.clone(),
            issuer: body.wording.iss().into(),
            audiences: body.audience().map(Box::from).collect(),
            scope: authentic.scope().map(Box::from),
            acr: authentic.acr().map(Box::from),
            client_id: body.wording.client_id().into(),
            salted_client: authentic.salted_client(salt),
            salted_kid: authentic.salted_kid(salt),
            nbf_after: after(facts.nbf, facts.iat),
            softexp_after: after(facts.softexp, facts.iat),
            has: Has::of(facts),
            places: body.wording.places,
        }
    }

    /// Whether the token is of this kind: every field is compared, but for those that follow from others.
    pub(super) fn is_of(&self, authentic: &Authentic) -> bool {
        let body = &authentic.body;
        let facts = &body.facts;
        self.places == body.wording.places
            && self.has == Has::of(facts)
            && self.nbf_after == after(facts.nbf, facts.iat)
            && self.softexp_after == after(facts.softexp, facts.iat)
            && (Arc::ptr_eq(&self.key, &authentic.key) || self.key.is_same(&authentic.key))
            && self.typ == authentic.typ
            && *self.issuer == *body.wording.iss()
            && *self.client_id == *body.wording.client_id()
            && self.scope.as_deref() == authentic.scope()
            && self.acr.as_deref() == authentic.acr()
            && self.audiences.iter().map(|one| &**one).eq(body.audience())
    }
}

/// Seconds from `iat` on. Where that is no number, the token is not remembered ([`super::record::Record::new`]).
fn after(date: Option<i64>, iat: i64) -> Option<i64> {
    date.map(|date| date.wrapping_sub(iat))
}
