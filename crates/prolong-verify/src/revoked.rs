//! What the feed has said (`docs/reference/feed.md`), in hash tables. Nothing is un-learnt before its `until`.

use std::{collections::HashMap, fmt};

use aws_lc_rs::digest::{SHA256, digest};
use prolong_protocol::{
    feed::{Entry, Kind, reason_of},
    problem::Reason,
};

use crate::{
    facts::{Said, SaltedKey},
    marks::Marks,
    rejection::Rejection,
    token::{MAX_TOKEN_BYTES, named_key},
    uniform_hash::BuildUniform,
};

/// Salt and name up to so many bytes are hashed without an allocation.
const SHORT: usize = 128;

/// Revocations under one salt, and those under earlier salts until they are over.
#[derive(Clone, Debug, Default)]
pub struct Revoked {
    salt: [u8; 16],
    tables: Tables,
    /// Left by an authority that changed its salt; normally empty.
    earlier: Vec<Revoked>,
}

#[derive(Clone, Debug, Default)]
struct Tables {
    sessions: Table<Option<Reason>>,
    users: Table<u64>,
    generations: Table<u64>,
    keys: Table<()>,
    clients: Table<u64>,
    global: Option<Fact<u64>>,
    /// Everybody who is in one of the first three.
    marks: Marks,
}

type Table<T> = HashMap<SaltedKey, Fact<T>, BuildUniform>;

#[derive(Clone, Copy, Debug)]
struct Fact<T> {
    value: T,
    until: u64,
}

/// An entry of a kind that this version does not know: the verifier must count itself stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind(pub Kind);

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "feed entries of kind {:?} are unknown to this version: update the verifier",
            char::from(self.0)
        )
    }
}

impl std::error::Error for UnknownKind {}

impl Revoked {
    /// Nothing revoked yet, under the feed's salt.
    #[must_use]
    pub fn new(salt: [u8; 16]) -> Self {
        Self {
            salt,
            ..Self::default()
        }
    }

    /// The salt that [`Revoked::apply`]'s entries are hashed with.
    #[must_use]
    pub const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// The key of a `sid`, `sub`, `kid` or `client_id`: first 8 bytes of SHA-256(salt ‖ its characters).
    #[must_use]
    pub fn key_of(salt: &[u8; 16], name: &str) -> [u8; 8] {
        salted(salt, name).to_le_bytes()
    }

    /// Learns one entry. Applying one twice, or in another order, comes to the same.
    ///
    /// # Errors
    /// [`UnknownKind`]; nothing is changed.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), UnknownKind> {
        let Entry { arg, until, .. } = *entry;
        let key = u64::from_le_bytes(entry.key);
        let tables = &mut self.tables;
        match entry.kind {
            Kind::SESSION => learn(&mut tables.sessions, key, reason_of(arg), until, Option::or),
            Kind::USER => learn(&mut tables.users, key, arg, until, u64::max),
            Kind::GENERATION => learn(&mut tables.generations, key, arg, until, u64::max),
            Kind::SIGNING_KEY => learn(&mut tables.keys, key, (), until, |(), ()| ()),
            Kind::CLIENT => learn(&mut tables.clients, key, arg, until, u64::max),
            Kind::GLOBAL => {
                let old = tables.global.unwrap_or(Fact { value: arg, until });
                tables.global = Some(Fact {
                    value: old.value.max(arg),
                    until: old.until.max(until),
                });
            }
            unknown => return Err(UnknownKind(unknown)),
        }
        if matches!(entry.kind, Kind::SESSION | Kind::USER | Kind::GENERATION) {
            tables.mark(key);
        }
        Ok(())
    }

    /// Adds everything that `other` knows.
    pub fn merge(&mut self, other: &Self) {
        for layer in std::iter::once(other).chain(&other.earlier) {
            self.layer(layer.salt).absorb(&layer.tables);
        }
    }

    /// Forgets what no acceptable token can match any more. `now` is in seconds since the epoch.
    pub fn prune(&mut self, now: u64) {
        self.tables.prune(now);
        self.earlier.iter_mut().for_each(|layer| layer.prune(now));
        self.earlier.retain(|layer| !layer.is_empty());
    }

    /// How many facts are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.len() + self.earlier.iter().map(Self::len).sum::<usize>()
    }

    /// Whether nothing is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the key that a token names was declared unsafe. The token itself may be anything.
    #[must_use]
    pub fn kills_key_of(&self, token: &str) -> bool {
        let has_keys = |layer: &Self| !layer.tables.keys.is_empty();
        if !std::iter::once(self).chain(&self.earlier).any(has_keys)
            || token.len() > MAX_TOKEN_BYTES
        {
            return false;
        }
        named_key(token).is_some_and(|kid| {
            std::iter::once(self)
                .chain(&self.earlier)
                .any(|layer| layer.tables.keys.contains_key(&salted(&layer.salt, &kid)))
        })
    }

    /// Order: `K G C`, then `U`, then `S` and `T`.
    pub(crate) fn check(&self, said: &impl Said) -> Result<(), Rejection> {
        self.tables.check(&self.salt, said)?;
        self.earlier.iter().try_for_each(|layer| layer.check(said))
    }

    fn layer(&mut self, salt: [u8; 16]) -> &mut Tables {
        if salt == self.salt {
            return &mut self.tables;
        }
        let place = self
            .earlier
            .iter()
            .position(|layer| layer.salt == salt)
            .unwrap_or_else(|| {
                self.earlier.push(Self::new(salt));
                self.earlier.len() - 1
            });
        &mut self.earlier[place].tables
    }
}

impl Tables {
    /// Names are asked for only where a table could hold them: to salt one costs a hash.
    fn check(&self, salt: &[u8; 16], said: &impl Said) -> Result<(), Rejection> {
        let facts = said.facts();
        let issued_before = |cut: &Fact<u64>| u64::try_from(facts.iat).unwrap_or(0) < cut.value;
        if !self.keys.is_empty() && self.keys.contains_key(&said.salted_kid(salt)) {
            return Err(Rejection::KeyDistrusted);
        }
        let client = |clients: &Table<u64>| {
            clients
                .get(&said.salted_client(salt))
                .is_some_and(issued_before)
        };
        if self.global.as_ref().is_some_and(issued_before)
            || (!self.clients.is_empty() && client(&self.clients))
        {
            return Err(Rejection::IssuedBeforeCut);
        }
        if !self.users.is_empty() {
            let user = said.salted_user(salt);
            let raised = |least: &Fact<u64>| facts.jwt_version.unwrap_or(0) < least.value;
            if self.marks.may_hold(user) && self.users.get(&user).is_some_and(raised) {
                return Err(Rejection::VersionRaised);
            }
        }
        if self.sessions.is_empty() && self.generations.is_empty() {
            return Ok(());
        }
        let Some(session) = said.salted_session(salt) else {
            return Ok(());
        };
        if !self.marks.may_hold(session) {
            return Ok(());
        }
        if let Some(end) = self.sessions.get(&session) {
            return Err(Rejection::SessionEnded(end.value));
        }
        match self.generations.get(&session) {
            Some(newest) if facts.generation.unwrap_or(0) < newest.value => {
                Err(Rejection::Superseded)
            }
            _ => Ok(()),
        }
    }

    fn absorb(&mut self, other: &Self) {
        let Self {
            sessions,
            users,
            generations,
            keys,
            clients,
            global,
            marks: _,
        } = other;
        absorb(&mut self.sessions, sessions, Option::or);
        absorb(&mut self.users, users, u64::max);
        absorb(&mut self.generations, generations, u64::max);
        absorb(&mut self.keys, keys, |(), ()| ());
        absorb(&mut self.clients, clients, u64::max);
        if let Some(new) = global {
            let old = self.global.unwrap_or(*new);
            self.global = Some(Fact {
                value: old.value.max(new.value),
                until: old.until.max(new.until),
            });
        }
        self.mark_all();
    }

    /// After it was learnt.
    fn mark(&mut self, key: SaltedKey) {
        if !self.marks.mark(key) {
            self.mark_all();
        }
    }

    fn mark_all(&mut self) {
        let marked = self.sessions.len() + self.users.len() + self.generations.len();
        let mut marks = Marks::with_room_for(marked);
        let (sessions, users) = (self.sessions.keys(), self.users.keys());
        for key in sessions.chain(users).chain(self.generations.keys()) {
            let _ = marks.mark(*key);
        }
        self.marks = marks;
    }

    fn prune(&mut self, now: u64) {
        self.sessions.retain(|_, fact| now < fact.until);
        self.users.retain(|_, fact| now < fact.until);
        self.generations.retain(|_, fact| now < fact.until);
        self.keys.retain(|_, fact| now < fact.until);
        self.clients.retain(|_, fact| now < fact.until);
        self.global = self.global.filter(|fact| now < fact.until);
        self.mark_all();
    }

    fn len(&self) -> usize {
        let keyed = self.sessions.len() + self.users.len() + self.generations.len();
        keyed + self.keys.len() + self.clients.len() + usize::from(self.global.is_some())
    }
}

fn learn<T: Copy>(table: &mut Table<T>, key: SaltedKey, value: T, until: u64, join: fn(T, T) -> T) {
    table
        .entry(key)
        .and_modify(|fact| {
            *fact = Fact {
                value: join(fact.value, value),
                until: fact.until.max(until),
            }
        })
        .or_insert(Fact { value, until });
}

fn absorb<T: Copy>(table: &mut Table<T>, other: &Table<T>, join: fn(T, T) -> T) {
    for (key, fact) in other {
        learn(table, *key, fact.value, fact.until, join);
    }
}

/// The first 8 bytes of SHA-256(salt ‖ name).
pub(crate) fn salted(salt: &[u8; 16], name: &str) -> SaltedKey {
    let mut short = [0; SHORT];
    let digest = match short.get_mut(..salt.len() + name.len()) {
        Some(message) => {
            message[..salt.len()].copy_from_slice(salt);
            message[salt.len()..].copy_from_slice(name.as_bytes());
            digest(&SHA256, message)
        }
        None => digest(&SHA256, &[&salt[..], name.as_bytes()].concat()),
    };
    let first = digest.as_ref().first_chunk();
    first.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
