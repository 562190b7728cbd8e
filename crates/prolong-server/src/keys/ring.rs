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
            let key = make(&sealing, algorithm, KeyState::Active, now, entropy)?;
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

    /// Makes a new key the active one at once; the old one goes on verifying.
    ///
    /// # Errors
    /// [`RingFault`]; nothing has changed then.
    pub async fn rotate(
        &self,
        store: &dyn Store,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, RingFault> {
        let _turn = self.changing.lock().await;
        let before = store.signing_keys().await?;
        let mut keys = before.clone();
        let kid = match keys
            .iter()
            .find(|key| key.state == KeyState::Pending)
            .map(|key| key.kid.clone())
        {
            Some(kid) => kid,
            None => {
                let key = make(
                    &self.sealing,
                    self.algorithm,
                    KeyState::Pending,
                    now,
                    entropy,
                )?;
                keys.push(key);
                keys.last().map(|key| key.kid.clone()).unwrap_or_default()
            }
        };
        promote(&mut keys, &kid, now);
        self.store(store, &before, keys, Vec::new()).await?;
        Ok(kid)
    }

    /// Declares a key dead: it is published no more and verifies nothing; if it was active, another takes over at once.
    /// `told` is committed with it.
    ///
    /// # Errors
    /// [`RingFault`]; nothing has changed then.
    pub async fn distrust(
        &self,
        store: &dyn Store,
        kid: &str,
        now: Timestamp,
        entropy: &dyn Entropy,
        told: Vec<Change>,
    ) -> Result<Committed, RingFault> {
        let _turn = self.changing.lock().await;
        let before = store.signing_keys().await?;
        let mut keys = before.clone();
        let key = keys
            .iter_mut()
            .find(|key| key.kid == kid)
            .ok_or_else(|| RingFault::Unknown(kid.to_owned()))?;
        let was_active = key.state == KeyState::Active;
        key.state = KeyState::Dead;
        key.state_since = now;
        key.sealed = Vec::new();
        if was_active {
            let key = make(
                &self.sealing,
                self.algorithm,
                KeyState::Active,
                now,
                entropy,
            )?;
            keys.push(key);
        }
        self.store(store, &before, keys, told).await
    }

    /// Learns what other nodes and commands have changed, and moves keys along their life: publishes the next one `publish_ahead` before the active one is `lifetime` old,
    /// lets it take over, and forgets keys that have not signed for `verify_for`.
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
        let active_since = keys
            .iter()
            .find(|key| key.state == KeyState::Active)
            .map(|key| key.state_since);
        let age = active_since.map_or(Duration::ZERO, |since| now.since(since));
        let pending = keys
            .iter()
            .find(|key| key.state == KeyState::Pending)
            .cloned();
        match pending {
            None if age + publish_ahead >= lifetime => {
                keys.push(make(
                    &self.sealing,
                    self.algorithm,
                    KeyState::Pending,
                    now,
                    entropy,
                )?);
            }
            Some(next) if age >= lifetime && now.since(next.state_since) >= publish_ahead => {
                promote(&mut keys, &next.kid, now);
            }
            _ => {}
        }
        keys.retain(|key| {
            key.state != KeyState::Retiring || now.since(key.state_since) < verify_for
        });
        if keys == self.state.load().keys {
            Ok(())
        } else {
            self.store(store, &before, keys, Vec::new()).await.map(drop)
        }
    }

    /// Stores what differs from `before`, as it was read from the store, together with `told`, and goes on with `keys`.
    async fn store(
        &self,
        store: &dyn Store,
        before: &[SealedKey],
        keys: Vec<SealedKey>,
        told: Vec<Change>,
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
        changes.extend(told);
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

fn make(
    sealing: &Sealing,
    algorithm: Algorithm,
    state: KeyState,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<SealedKey, RingFault> {
    let private = signer::generate(algorithm).ok_or(RingFault::CannotMake)?;
    let signer = Signer::parse(algorithm, &private).ok_or(RingFault::CannotMake)?;
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
mod tests {
    use super::*;
    use prolong_store::MemoryStore;
    use prolong_verify::{Expected, Revoked, verify};

    struct Counting(std::sync::atomic::AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }

    const OLD: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const BOTH: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const NEW: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const DAY: Duration = Duration::from_secs(86_400);

    fn entropy() -> Counting {
        Counting(std::sync::atomic::AtomicU8::new(0))
    }

    async fn load(
        store: &MemoryStore,
        master: &str,
        algorithm: Algorithm,
    ) -> Result<SigningRing, RingFault> {
        let master = MasterKeys::parse(master).unwrap();
        SigningRing::load(store, &master, algorithm, Timestamp::EPOCH, &entropy()).await
    }

    fn good(ring: &SigningRing, token: &str) -> bool {
        let expected = Expected::new("https://a.example", "api");
        let salt = [0; 16];
        verify(
            token,
            &ring.verification_keys(),
            &expected,
            &Revoked::new(salt),
            1_000,
        )
        .is_ok()
    }

    const CLAIMS: &[u8] = br#"{"iss":"https://a.example","aud":"api","sub":"u","client_id":"web","iat":900,"exp":2000,"jti":"j"}"#;

    #[tokio::test]
    async fn every_algorithm_signs_what_the_verifier_accepts() {
        for algorithm in Algorithm::ALL {
            let ring = load(&MemoryStore::new([0; 16]), OLD, algorithm)
                .await
                .unwrap();
            let token = ring.sign(CLAIMS).unwrap();
            assert!(good(&ring, &token), "{algorithm:?}");
            assert!(!ring.jwks().contains("\"d\""));
        }
    }

    #[tokio::test]
    async fn keys_survive_a_restart_and_a_new_master_key() {
        let store = MemoryStore::new([0; 16]);
        let token = load(&store, OLD, Algorithm::Es256)
            .await
            .unwrap()
            .sign(CLAIMS)
            .unwrap();
        assert!(load(&store, NEW, Algorithm::Es256).await.is_err());
        assert!(good(
            &load(&store, BOTH, Algorithm::Es256).await.unwrap(),
            &token
        ));
        assert!(
            good(&load(&store, NEW, Algorithm::Es256).await.unwrap(), &token),
            "it was resealed"
        );
    }

    #[tokio::test]
    async fn a_rotation_keeps_old_tokens_and_a_distrust_does_not() {
        let store = MemoryStore::new([0; 16]);
        let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
        let old = ring.sign(CLAIMS).unwrap();
        let old_kid = ring.list()[0].kid.clone();
        ring.rotate(&store, Timestamp::from_secs(10), &entropy())
            .await
            .unwrap();
        let new = ring.sign(CLAIMS).unwrap();
        assert!(good(&ring, &old) && good(&ring, &new));
        ring.distrust(
            &store,
            &old_kid,
            Timestamp::from_secs(20),
            &entropy(),
            Vec::new(),
        )
        .await
        .unwrap();
        assert!(!good(&ring, &old) && good(&ring, &new));
        let again = load(&store, OLD, Algorithm::Es256).await.unwrap();
        assert!(!good(&again, &old) && good(&again, &new));
    }

    #[tokio::test]
    async fn a_row_that_no_master_key_sealed_verifies_nothing() {
        let store = MemoryStore::new([0; 16]);
        let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
        let elsewhere = load(&MemoryStore::new([0; 16]), NEW, Algorithm::Es256)
            .await
            .unwrap();
        let mut planted = elsewhere.list()[0].clone();
        planted.state = KeyState::Retiring;
        let kid = planted.kid.clone();
        store
            .commit(Transaction::of(Change::PutSigningKey(planted)))
            .await
            .unwrap();
        ring.tick(&store, Timestamp::EPOCH, 30 * DAY, DAY, 2 * DAY, &entropy())
            .await
            .unwrap();
        assert!(!good(&ring, &elsewhere.sign(CLAIMS).unwrap()));
        assert!(!ring.jwks().contains(&kid));
    }

    #[tokio::test]
    async fn what_another_node_changed_is_learnt_and_never_undone() {
        let store = MemoryStore::new([0; 16]);
        let here = load(&store, OLD, Algorithm::Es256).await.unwrap();
        let there = load(&store, OLD, Algorithm::Es256).await.unwrap();
        let first = here.list()[0].kid.clone();
        let old = here.sign(CLAIMS).unwrap();
        there
            .distrust(
                &store,
                &first,
                Timestamp::from_secs(1),
                &entropy(),
                Vec::new(),
            )
            .await
            .unwrap();
        here.rotate(&store, Timestamp::from_secs(2), &entropy())
            .await
            .unwrap();
        assert!(
            !good(&here, &old),
            "rotating here does not bring the dead key back"
        );
        there
            .tick(
                &store,
                Timestamp::from_secs(3),
                30 * DAY,
                DAY,
                2 * DAY,
                &entropy(),
            )
            .await
            .unwrap();
        assert!(good(&there, &here.sign(CLAIMS).unwrap()));
    }

    #[tokio::test]
    async fn a_key_is_published_before_it_signs_and_kept_after() {
        let store = MemoryStore::new([0; 16]);
        let ring = load(&store, OLD, Algorithm::Es256).await.unwrap();
        let first = ring.sign(CLAIMS).unwrap();
        let tick = async |days: u32| {
            let now = Timestamp::EPOCH.plus(DAY * days);
            ring.tick(&store, now, 30 * DAY, DAY, 2 * DAY, &entropy())
                .await
                .unwrap();
            ring.list().iter().map(|key| key.state).collect::<Vec<_>>()
        };
        assert_eq!(tick(28).await, [KeyState::Active]);
        assert_eq!(tick(29).await, [KeyState::Active, KeyState::Pending]);
        let mut states = tick(30).await;
        states.sort_by_key(|state| state.number());
        assert_eq!(states, [KeyState::Active, KeyState::Retiring]);
        assert!(good(&ring, &first));
        assert_eq!(tick(32).await, [KeyState::Active]);
        assert!(!good(&ring, &first));
    }
}
