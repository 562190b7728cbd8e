//! The ring of signing keys: published before use, verified after it, replaced without anybody noticing.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prolong_core::Timestamp;
use prolong_store::{
    Change, Committed, KeyState, NotCommitted, SealedKey, Store, StoreError, Transaction,
};
use prolong_verify::Keys;

use super::MasterKeys;
use super::sealing::Sealing;
use super::signer::{self, Signer};
use crate::entropy::Entropy;
use crate::settings::Algorithm;

/// The signing keys, as they stand. Readers never wait.
pub struct SigningRing {
    algorithm: Algorithm,
    sealing: Sealing,
    state: ArcSwap<State>,
    /// One change of the ring at a time.
    changing: tokio::sync::Mutex<()>,
}

struct State {
    keys: Vec<SealedKey>,
    active: Arc<Signer>,
    jwks: Arc<str>,
    verification: Arc<Keys>,
}

/// Why the ring could not be loaded or changed.
#[derive(Debug, thiserror::Error)]
pub enum RingFault {
    /// A stored key was sealed under a master key that is not in the list, or is damaged.
    #[error(
        "signing key {0} cannot be opened: is the master key that sealed it still in the list?"
    )]
    CannotOpen(String),
    /// There is no such key.
    #[error("there is no signing key {0}")]
    Unknown(String),
    /// The cryptographic library refused.
    #[error("a signing key could not be made")]
    CannotMake,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take the change.
    #[error(transparent)]
    NotCommitted(#[from] NotCommitted),
}

impl SigningRing {
    /// Loads the ring, and makes its first key where there is none. Reseals under the newest master key.
    ///
    /// # Errors
    /// [`RingFault`].
    pub async fn load(
        store: &dyn Store,
        master: &MasterKeys,
        algorithm: Algorithm,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, RingFault> {
        let sealing = Sealing::derive(master);
        let mut keys = store.signing_keys().await?;
        let mut changes = Vec::new();
        for key in keys
            .iter_mut()
            .filter(|key| key.state != KeyState::Dead && sealing.is_stale(&key.sealed))
        {
            let cannot = || RingFault::CannotOpen(key.kid.clone());
            let private = sealing.open(&key.kid, &key.sealed).ok_or_else(cannot)?;
            key.sealed = sealing
                .seal(&key.kid, &private, entropy)
                .ok_or(RingFault::CannotMake)?;
            changes.push(Change::PutSigningKey(key.clone()));
        }
        if !keys.iter().any(|key| key.state == KeyState::Active) {
            let key = make(&sealing, algorithm, KeyState::Active, now, entropy).await?;
            changes.push(Change::PutSigningKey(key.clone()));
            keys.push(key);
        }
        if !changes.is_empty() {
            store.commit(Transaction { changes }).await?;
        }
        let state = ArcSwap::from_pointee(State::of(keys, &sealing)?);
        Ok(Self {
            algorithm,
            sealing,
            state,
            changing: tokio::sync::Mutex::new(()),
        })
    }

    /// Signs claims (a JSON object) with the active key.
    ///
    /// # Errors
    /// Only if the cryptographic library refuses.
    pub fn sign(&self, claims: &[u8]) -> Result<String, RingFault> {
        self.state
            .load()
            .active
            .sign(claims)
            .ok_or(RingFault::CannotMake)
    }

    /// The published key set, as JSON.
    #[must_use]
    pub fn jwks(&self) -> Arc<str> {
        Arc::clone(&self.state.load().jwks)
    }

    /// The published keys, ready to verify with.
    #[must_use]
    pub fn verification_keys(&self) -> Arc<Keys> {
        Arc::clone(&self.state.load().verification)
    }

    /// Every key, oldest first.
    #[must_use]
    pub fn list(&self) -> Vec<SealedKey> {
        self.state.load().keys.clone()
    }

    /// Makes a new key the active one at once; the old one goes on verifying. `also` gives further changes for the
    /// same commit, from the new key's id.
    ///
    /// # Errors
    /// [`RingFault`]; nothing has changed then.
    pub async fn rotate(
        &self,
        store: &dyn Store,
        now: Timestamp,
        entropy: &dyn Entropy,
        also: impl FnOnce(&str) -> Vec<Change> + Send,
    ) -> Result<(String, Committed), RingFault> {
        let _turn = self.changing.lock().await;
        let before = store.signing_keys().await?;
        let mut keys = before.clone();
        keys.retain(|key| !self.is_unwanted(key));
        let published = keys.iter().find(|key| key.state == KeyState::Pending);
        let kid = if let Some(kid) = published.map(|key| key.kid.clone()) {
            kid
        } else {
            let key = self.make(KeyState::Pending, now, entropy).await?;
            let kid = key.kid.clone();
            keys.push(key);
            kid
        };
        promote(&mut keys, &kid, now);
        let committed = self.store(store, &before, keys, also(&kid)).await?;
        Ok((kid, committed))
    }

    /// Declares a key dead: it is published no more and verifies nothing; if it was active, another takes over at once.
    /// `also` is committed with it.
    ///
    /// # Errors
    /// [`RingFault`]; nothing has changed then.
    pub async fn distrust(
        &self,
        store: &dyn Store,
        kid: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
        also: Vec<Change>,
    ) -> Result<Committed, RingFault> {
        let _turn = self.changing.lock().await;
        let before = store.signing_keys().await?;
        let mut keys = before.clone();
        let key = keys
            .iter_mut()
            .find(|key| key.kid == kid)
            .ok_or_else(|| RingFault::Unknown(kid.to_owned()))?;
        let was_active = key.state == KeyState::Active;
        if key.state != KeyState::Dead {
            key.state = KeyState::Dead;
            key.state_since = now;
            key.sealed = Vec::new();
        }
        if was_active {
            keys.push(self.make(KeyState::Active, now, entropy).await?);
        }
        self.store(store, &before, keys, also).await
    }

    /// Learns what other nodes and commands have changed, and moves keys along their life: publishes the next one
    /// `publish_ahead` before the active one is `lifetime` old, or at once where another algorithm is wanted; lets it
    /// take over when it has been published so long; and forgets keys that have not signed for `verify_for`.
    ///
    /// # Errors
    /// [`RingFault`]; the next turn tries again.
    pub async fn tick(
        &self,
        store: &dyn Store,
        now: Timestamp,
        lifetime: Duration,
        publish_ahead: Duration,
        verify_for: Duration,
        entropy: &dyn Entropy,
    ) -> Result<(), RingFault> {
        let _turn = self.changing.lock().await;
        let before = store.signing_keys().await?;
        let mut keys = before.clone();
        keys.retain(|key| !self.is_unwanted(key));
        let active = keys.iter().find(|key| key.state == KeyState::Active);
        let age = active.map_or(Duration::ZERO, |key| now.since(key.state_since));
        let other_algorithm = active.is_some_and(|key| key.algorithm != self.algorithm.as_str());
        let pending = keys.iter().find(|key| key.state == KeyState::Pending);
        match pending.map(|next| (next.kid.clone(), now.since(next.state_since))) {
            None if other_algorithm || age + publish_ahead >= lifetime => {
                keys.push(self.make(KeyState::Pending, now, entropy).await?);
            }
            Some((kid, published))
                if (other_algorithm || age >= lifetime) && published >= publish_ahead =>
            {
                promote(&mut keys, &kid, now);
            }
            _ => {}
        }
        keys.retain(|key| {
            key.state != KeyState::Retiring || now.since(key.state_since) < verify_for
        });
        if keys != self.state.load().keys {
            self.store(store, &before, keys, Vec::new()).await?;
        }
        Ok(())
    }

    /// A successor that was published for an algorithm that is not wanted any more. It has never signed.
    fn is_unwanted(&self, key: &SealedKey) -> bool {
        key.state == KeyState::Pending && key.algorithm != self.algorithm.as_str()
    }

    async fn make(
        &self,
        state: KeyState,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<SealedKey, RingFault> {
        make(&self.sealing, self.algorithm, state, now, entropy).await
    }

    /// Stores what differs from `before`, as it was read from the store, together with `also`, and goes on with `keys`.
    async fn store(
        &self,
        store: &dyn Store,
        before: &[SealedKey],
        keys: Vec<SealedKey>,
        also: Vec<Change>,
    ) -> Result<Committed, RingFault> {
        let state = State::of(keys, &self.sealing)?;
        let mut changes: Vec<Change> = state
            .keys
            .iter()
            .filter(|key| !before.contains(key))
            .map(|key| Change::PutSigningKey(key.clone()))
            .collect();
        let gone = before
            .iter()
            .filter(|old| !state.keys.iter().any(|key| key.kid == old.kid));
        changes.extend(gone.map(|key| Change::RemoveSigningKey(key.kid.clone())));
        changes.extend(also);
        let committed = if changes.is_empty() {
            Committed::default()
        } else {
            store.commit(Transaction { changes }).await?
        };
        self.state.store(Arc::new(state));
        Ok(committed)
    }
}

impl State {
    fn of(keys: Vec<SealedKey>, sealing: &Sealing) -> Result<Self, RingFault> {
        let active_kid = keys
            .iter()
            .rfind(|key| key.state == KeyState::Active)
            .map(|key| key.kid.clone());
        let active_kid = active_kid.ok_or(RingFault::CannotMake)?;
        let cannot = || RingFault::CannotOpen(active_kid.clone());
        let mut active = None;
        let mut published = Vec::new();
        for key in keys.iter().filter(|key| key.state != KeyState::Dead) {
            // What opens was sealed by an authority. A row that somebody else wrote must not verify anything.
            let Some(signer) = opened(key, sealing) else {
                tracing::error!(
                    kid = key.kid,
                    "this signing key cannot be opened; it is not published"
                );
                continue;
            };
            published.push(signer.public_jwk.clone());
            if key.kid == active_kid {
                active = Some(signer);
            }
        }
        let active = Arc::new(active.ok_or_else(cannot)?);
        let jwks = format!(r#"{{"keys":[{}]}}"#, published.join(","));
        let verification = Arc::new(Keys::from_jwks(&jwks).map_err(|_| cannot())?);
        Ok(Self {
            keys,
            active,
            jwks: jwks.into(),
            verification,
        })
    }
}

/// The private half of a row, if it opens and is the key that its row says.
fn opened(key: &SealedKey, sealing: &Sealing) -> Option<Signer> {
    let private = sealing.open(&key.kid, &key.sealed)?;
    Signer::parse(Algorithm::parse(&key.algorithm)?, &private)
        .filter(|signer| signer.kid == key.kid)
}

/// Makes a key. RSA takes up to a second of computing, which no request should wait for.
async fn make(
    sealing: &Sealing,
    algorithm: Algorithm,
    state: KeyState,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<SealedKey, RingFault> {
    let computed = move || {
        let private = signer::generate(algorithm)?;
        let signer = Signer::parse(algorithm, &private)?;
        Some((private, signer))
    };
    let made = match algorithm {
        Algorithm::Es256 | Algorithm::EdDsa => computed(),
        Algorithm::Rs256 | Algorithm::Ps256 => {
            tokio::task::spawn_blocking(computed).await.ok().flatten()
        }
    };
    let (private, signer) = made.ok_or(RingFault::CannotMake)?;
    let sealed = sealing
        .seal(&signer.kid, &private, entropy)
        .ok_or(RingFault::CannotMake)?;
    Ok(SealedKey {
        kid: signer.kid,
        algorithm: algorithm.as_str().to_owned(),
        state,
        public_jwk: signer.public_jwk,
        sealed,
        created_at: now,
        state_since: now,
    })
}

fn promote(keys: &mut [SealedKey], kid: &str, now: Timestamp) {
    for key in keys {
        let state = match key.state {
            KeyState::Active => KeyState::Retiring,
            KeyState::Pending if key.kid == kid => KeyState::Active,
            state => state,
        };
        if state != key.state {
            key.state = state;
            key.state_since = now;
        }
    }
}

#[cfg(test)]
mod tests;
