//! A bounded memory of verified tokens: the second sight of a token costs a keyed hash and a look-up.
//!
//! 1. A token is known by a 128-bit hash over the whole of it under a secret; see `fingerprint`.
//! 2. Remembered is that its signature holds, and what is asked on every sight, in 64 bytes; nothing that depends on time,
//!    expectation or feed. The words of its claims are read from the token itself, when somebody asks for them.
//! 3. On every sight, the first one included, the same function asks: algorithm, `typ`, key still present, `iss`, `aud`,
//!    times, revocation.
//! 4. Refusals are not remembered: a flood of bad tokens displaces nothing.
//! 5. What does not fit is verified anew each time: over 136 years between `iat` and `exp`, a version over 2^32.

mod kind;
mod record;
mod table;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

use self::{
    kind::{Kind, Kinds, Numbers},
    record::Record,
    table::{MayWrite, Table},
};
use crate::{
    claims::Claims,
    expected::{Audience, Expected},
    facts::{Asked, Facts, Said, SaltedKey},
    fingerprint::{Fingerprint, Fingerprints},
    key::Key,
    keys::Keys,
    rejection::Rejection,
    requirement::Requirement,
    revoked::{Revoked, salted},
    token::{Authentic, without_key},
    verify::{Terms, judge},
    wording::{Payload, Wording},
};

/// The table begins with room for so many tokens, and grows by this factor.
const AT_FIRST: usize = 1024;
const GROWTH: usize = 4;

/// Verified tokens, remembered.
pub struct SeenTokens {
    fingerprints: Fingerprints,
    capacity: usize,
    memory: ArcSwap<Memory>,
    writing: Mutex<Writing>,
}

/// What is remembered under one salt of the feed.
struct Memory {
    salt: [u8; 16],
    kinds: Arc<Kinds>,
    table: Arc<Table>,
}

/// Of whoever writes, one at a time.
struct Writing {
    may_write: MayWrite,
    /// Of the kinds of the memory as it is now.
    numbers: Numbers,
}

/// A token that was seen before.
struct Remembered<'a> {
    kind: &'a Kind,
    record: Record,
    facts: Facts,
    salt: &'a [u8; 16],
    token: &'a [u8],
}

impl SeenTokens {
    /// Remembers about `capacity` tokens, of 73 bytes each. `secret` is drawn at random at start and never stored.
    #[must_use]
    pub fn new(capacity: usize, secret: &[u8; 32]) -> Self {
        let room = capacity.min(AT_FIRST);
        Self {
            fingerprints: Fingerprints::new(secret),
            capacity,
            memory: ArcSwap::from_pointee(Memory::new([0; 16], room)),
            writing: Mutex::new(Writing {
                may_write: MayWrite::new(),
                numbers: Numbers::new(),
            }),
        }
    }

    /// [`crate::verify()`], with memory. The answer is the same, and so nothing is told to anybody: no activity is reported.
    ///
    /// # Errors
    /// As [`crate::verify()`].
    pub fn verify(
        &self,
        token: &str,
        keys: &Keys,
        expected: &Expected,
        revoked: &Revoked,
        now: i64,
    ) -> Result<Claims, Rejection> {
        let terms = Terms {
            keys,
            expected,
            revoked,
            now,
        };
        let payload = || Payload::Copied(token.as_bytes().into());
        self.sight(token.as_bytes(), payload, &terms, &Requirement::NONE)
    }

    /// The same of a token that the claims may share: [`SeenTokens::verify`] copies it for them.
    ///
    /// # Errors
    /// As [`crate::verify()`].
    pub fn verify_shared(
        &self,
        token: &Arc<str>,
        keys: &Keys,
        expected: &Expected,
        revoked: &Revoked,
        now: i64,
    ) -> Result<Claims, Rejection> {
        let terms = Terms {
            keys,
            expected,
            revoked,
            now,
        };
        let payload = || Payload::Copied(Arc::clone(token).into());
        self.sight(token.as_bytes(), payload, &terms, &Requirement::NONE)
    }

    /// The same with what a route asks beyond that. `payload` is where the claims of a token that was seen before can be
    /// read.
    pub(crate) fn sight(
        &self,
        token: &[u8],
        payload: impl FnOnce() -> Payload,
        terms: &Terms<'_>,
        requirement: &Requirement,
    ) -> Result<Claims, Rejection> {
        let fingerprint = self.fingerprints.of(token);
        let fingerprint = fingerprint.ok_or(Rejection::TooLarge)?;
        let salt = terms.revoked.salt();
        let unknown_key = |rejection| match str::from_utf8(token) {
            Ok(token) => without_key(token, rejection, terms.revoked),
            Err(_) => rejection,
        };
        let memory = self.memory.load();
        if let Some(known) = memory.find(&fingerprint, token, salt) {
            match judge(&known, terms) {
                Ok(times) => {
                    requirement.judge(&known, terms.now)?;
                    let wording = Wording::remembered(known.kind.places, payload());
                    return Ok(Claims::new(known.facts, wording, times));
                }
                // Another key may have its name now, and what that says of the signature is not remembered.
                Err(Rejection::UnknownKey) => {}
                Err(rejection) => return Err(rejection),
            }
        }
        drop(memory);
        let text = str::from_utf8(token).map_err(|_| Rejection::NotCompact)?;
        let authentic = Authentic::read(text, terms.keys, terms.expected).map_err(unknown_key)?;
        let times = judge(&authentic, terms).map_err(unknown_key)?;
        self.remember(fingerprint, &authentic, salt);
        requirement.judge(&authentic, terms.now)?;
        Ok(authentic.into_claims(times))
    }

    /// How many tokens are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.memory.load().table.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn remember(&self, fingerprint: Fingerprint, authentic: &Authentic, salt: &[u8; 16]) {
        let user = authentic.salted_user(salt);
        let session = authentic.salted_session(salt);
        let Some(record) = Record::new(fingerprint, authentic.facts(), user, session) else {
            return;
        };
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let Writing { may_write, numbers } = &mut *writing;
        let mut memory = self.memory.load_full();
        let mut number = numbers.of(&memory.kinds, authentic);
        // The numbers of the kinds, and what names are salted to, are in the records: these go with them.
        if memory.salt != *salt || (number.is_none() && numbers.are_given_out()) {
            memory = Arc::new(Memory::new(*salt, memory.table.room()));
            numbers.begin_anew();
            number = None;
            self.memory.store(Arc::clone(&memory));
        }
        let room = memory.table.room();
        if memory.table.len() >= room && room < self.capacity {
            let more = self.capacity.min(room * GROWTH);
            memory = Arc::new(Memory {
                salt: memory.salt,
                kinds: Arc::clone(&memory.kinds),
                table: Arc::new(memory.table.grown(may_write, more)),
            });
            self.memory.store(Arc::clone(&memory));
        }
        let number = number.or_else(|| numbers.give(&memory.kinds, authentic, salt));
        if let Some(number) = number {
            memory.table.insert(may_write, &record.of_kind(number));
        }
    }
}

impl Memory {
    fn new(salt: [u8; 16], room: usize) -> Self {
        Self {
            salt,
            kinds: Arc::new(Kinds::new()),
            table: Arc::new(Table::new(room)),
        }
    }

    #[inline]
    fn find<'a>(
        &'a self,
        fingerprint: &Fingerprint,
        token: &'a [u8],
        salt: &[u8; 16],
    ) -> Option<Remembered<'a>> {
        if self.salt != *salt {
            return None;
        }
        let record = self.table.find(fingerprint)?;
        let kind = self.kinds.get(record.kind)?;
        Some(Remembered {
            kind,
            record,
            facts: record.facts(kind),
            salt: &self.salt,
            token,
        })
    }
}

impl Remembered<'_> {
    /// Read from the token where another salt than that of the memory is asked for: only for a while after the authority
    /// was restored.
    fn wording(&self) -> Wording {
        Wording::remembered(self.kind.places, Payload::Copied(self.token.into()))
    }
}

impl Asked for Remembered<'_> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn scope(&self) -> Option<&str> {
        self.kind.scope.as_deref()
    }

    fn acr(&self) -> Option<&str> {
        self.kind.acr.as_deref()
    }

    fn has_session(&self) -> bool {
        self.kind.places.has_session()
    }
}

impl Said for Remembered<'_> {
    fn key(&self) -> &Arc<Key> {
        &self.kind.key
    }

    fn typ(&self) -> Option<&str> {
        self.kind.typ.as_str()
    }

    fn issuer(&self) -> &str {
        &self.kind.issuer
    }

    fn is_for(&self, audience: &Audience) -> bool {
        audience.accepts(self.kind.audiences.iter().map(|one| &**one))
    }

    fn salted_kid(&self, salt: &[u8; 16]) -> SaltedKey {
        if salt == self.salt {
            self.kind.salted_kid
        } else {
            salted(salt, self.kind.key.kid())
        }
    }

    fn salted_client(&self, salt: &[u8; 16]) -> SaltedKey {
        if salt == self.salt {
            self.kind.salted_client
        } else {
            salted(salt, self.wording().client_id())
        }
    }

    fn salted_user(&self, salt: &[u8; 16]) -> SaltedKey {
        if salt == self.salt {
            self.record.user
        } else {
            salted(salt, self.wording().sub())
        }
    }

    fn salted_session(&self, salt: &[u8; 16]) -> Option<SaltedKey> {
        if !self.has_session() {
            None
        } else if salt == self.salt {
            Some(self.record.session)
        } else {
            self.wording().sid().map(|sid| salted(salt, sid))
        }
    }
}

impl fmt::Debug for SeenTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenTokens")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
