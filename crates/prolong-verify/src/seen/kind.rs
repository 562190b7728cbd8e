//! What many tokens have in common: key, type, issuer, audience, scope; and where in the JSON their words stand.
//!
//! A kind has a number for as long as its memory lives, and is read by it without a lock.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState},
    sync::{Arc, OnceLock},
};

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

/// Kinds are kept in groups of so many, made when they are needed.
const GROUP: usize = 256;
const GROUPS: usize = 64;
/// Among so many, a token's kind is looked for one by one.
const FEW: usize = 8;

/// All kinds of one memory, by number.
pub(super) struct Kinds([OnceLock<Box<[OnceLock<Kind>]>>; GROUPS]);

impl Kinds {
    pub(super) const MOST: usize = GROUPS * GROUP;

    pub(super) const fn new() -> Self {
        Self([const { OnceLock::new() }; GROUPS])
    }

    #[inline]
    pub(super) fn get(&self, number: u16) -> Option<&Kind> {
        let number = usize::from(number);
        let group = self.0.get(number / GROUP)?.get()?;
        group.get(number % GROUP)?.get()
    }

    fn set(&self, number: u16, kind: Kind) {
        let at = usize::from(number);
        if let Some(group) = self.0.get(at / GROUP) {
            let group = group.get_or_init(|| (0..GROUP).map(|_| OnceLock::new()).collect());
            // Numbers are given once.
            let _ = group[at % GROUP].set(kind);
        }
    }
}

/// Which numbers are given. For whoever writes.
pub(super) struct Numbers {
    given: u16,
    /// By a hash of everything that makes a kind; where two have one, the later counts.
    by_hash: HashMap<u64, u16>,
    hashing: RandomState,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self {
            given: 0,
            by_hash: HashMap::new(),
            hashing: RandomState::new(),
        }
    }

    pub(super) fn are_given_out(&self) -> bool {
        usize::from(self.given) >= Kinds::MOST
    }

    /// None is given any more.
    pub(super) fn begin_anew(&mut self) {
        self.given = 0;
        self.by_hash.clear();
    }

    /// The number of a token's kind.
    pub(super) fn of(&self, kinds: &Kinds, authentic: &Authentic) -> Option<u16> {
        let is_it = |number: &u16| kinds.get(*number).is_some_and(|kind| kind.is_of(authentic));
        let few = u16::try_from(FEW).map_or(self.given, |few| self.given.min(few));
        (0..few).find(is_it).or_else(|| {
            let by_hash = || self.by_hash.get(&self.hash(authentic)).copied();
            (self.given > few).then(by_hash).flatten().filter(is_it)
        })
    }

    /// A number for a kind that has none; `None` where there is none left.
    pub(super) fn give(
        &mut self,
        kinds: &Kinds,
        authentic: &Authentic,
        salt: &[u8; 16],
    ) -> Option<u16> {
        let number = self.given;
        if self.are_given_out() {
            return None;
        }
        kinds.set(number, Kind::of(authentic, salt));
        self.by_hash.insert(self.hash(authentic), number);
        self.given += 1;
        Some(number)
    }

    fn hash(&self, authentic: &Authentic) -> u64 {
        let (body, facts) = (&authentic.body, &authentic.body.facts);
        let mut hash = self.hashing.build_hasher();
        body.wording.places.hash(&mut hash);
        (after(facts.nbf, facts.iat), after(facts.softexp, facts.iat)).hash(&mut hash);
        (authentic.key.kid(), authentic.key.bytes()).hash(&mut hash);
        authentic.typ.as_str().hash(&mut hash);
        (body.wording.iss(), body.wording.client_id()).hash(&mut hash);
        (authentic.scope(), authentic.acr()).hash(&mut hash);
        body.audience().for_each(|one| one.hash(&mut hash));
        hash.finish()
    }
}

impl Kind {
    fn of(authentic: &Authentic, salt: &[u8; 16]) -> Self {
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
    fn is_of(&self, authentic: &Authentic) -> bool {
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
