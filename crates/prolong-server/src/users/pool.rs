//! Password hashing on a bounded number of threads, with a bounded queue: a burst of sign-ins must not starve renewals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::hash::{Cost, PasswordHash};
use super::strangers::Strangers;
use crate::entropy::{Entropy, draw};
use crate::settings::Limits;

/// Hashes and verifies passwords, so many at a time; so many more may wait; the rest are turned away at once.
#[derive(Debug)]
pub struct PasswordPool {
    turns: Arc<Semaphore>,
    present: AtomicUsize,
    most_present: usize,
    cost: Cost,
    strangers: Strangers,
}

/// The pool's queue is full, or it broke: nothing was verified. Worth another try in a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are being verified")]
pub struct PasswordBusy;

impl PasswordPool {
    /// A pool within `limits`.
    #[must_use]
    pub fn new(limits: &Limits, entropy: &dyn Entropy) -> Self {
        let cost = Cost::new(limits.argon2_memory_kib, limits.argon2_passes);
        let at_once = limits.password_hashes.max(1);
        Self {
            turns: Arc::new(Semaphore::new(at_once)),
            present: AtomicUsize::new(0),
            most_present: at_once.saturating_add(limits.password_queue),
            strangers: Strangers::new(cost.work(), draw(entropy)),
            cost,
        }
    }

    /// Whether `password` is the one behind `hash`; without a hash it takes as long as with one that such an account could
    /// have, and is `false`.
    ///
    /// # Errors
    /// [`PasswordBusy`]: not verified.
    pub async fn verify(
        &self,
        account: &str,
        password: &str,
        hash: Option<&str>,
    ) -> Result<bool, PasswordBusy> {
        let known = hash.and_then(|hash| PasswordHash::parse(hash).ok());
        let real = known.is_some();
        if let Some(known) = &known {
            self.strangers.met(known.work());
        }
        let Some(hash) = known.or_else(|| self.strangers.hash_of(account)) else {
            return Ok(false);
        };
        let password = Zeroizing::new(password.as_bytes().to_vec());
        self.take_turn(move || hash.verify(&password))
            .await
            .map(|matches| matches && real)
    }

    /// Hashes a new password with this salt.
    ///
    /// # Errors
    /// [`PasswordBusy`]: not hashed.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> Result<String, PasswordBusy> {
        let cost = self.cost.clone();
        let password = Zeroizing::new(password.as_bytes().to_vec());
        self.take_turn(move || cost.hash(&password, salt))
            .await?
            .ok_or(PasswordBusy)
    }

    /// What is stored now, by a sample: names that nobody has take as long as these.
    pub(crate) fn learn<'a>(&self, stored: impl Iterator<Item = &'a str>) {
        let parsed = stored.filter_map(|hash| PasswordHash::parse(hash).ok());
        self.strangers
            .learn(parsed.map(|hash| hash.work()).collect());
    }

    /// Whether a stored hash should be replaced by one of this password, which it verified.
    #[must_use]
    pub fn needs_rehash(&self, hash: &str, password: &str) -> bool {
        PasswordHash::parse(hash)
            .is_ok_and(|hash| hash.needs_rehash(&self.cost, password.as_bytes()))
    }

    #[cfg(test)]
    pub(crate) fn work_of_a_stranger(&self, account: &str) -> Option<super::hash::Work> {
        Some(self.strangers.hash_of(account)?.work())
    }

    async fn take_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordBusy> {
        let _place = Place::take(&self.present, self.most_present)?;
        let turn = Arc::clone(&self.turns)
            .acquire_owned()
            .await
            .map_err(|_| PasswordBusy)?;
        // The turn goes along: if the caller goes away, the thread still counts until it is done.
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        task.await.map_err(|_| PasswordBusy)
    }
}

/// A place in the queue or at work; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(present: &'a AtomicUsize, most: usize) -> Result<Self, PasswordBusy> {
        let place = Self(present);
        if present.fetch_add(1, Ordering::AcqRel) >= most {
            Err(PasswordBusy)
        } else {
            Ok(place)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::PredictableEntropy;

    fn limits(at_once: usize, queue: usize) -> Limits {
        Limits {
            password_hashes: at_once,
            password_queue: queue,
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..Limits::default()
        }
    }

    #[tokio::test]
    async fn a_password_is_known_again_and_an_unknown_user_has_none() {
        let pool = PasswordPool::new(&limits(1, 1), &PredictableEntropy::new());
        let hash = pool.hash("correct horse", [3; 16]).await.unwrap();
        assert_eq!(
            pool.verify("ann", "correct horse", Some(&hash)).await,
            Ok(true)
        );
        assert_eq!(pool.verify("ann", "wrong", Some(&hash)).await, Ok(false));
        assert_eq!(pool.verify("ann", "correct horse", None).await, Ok(false));
        assert_eq!(
            pool.verify("ann", "correct horse", Some("garbage")).await,
            Ok(false)
        );
        assert!(!pool.needs_rehash(&hash, "correct horse"));
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_turned_away_and_places_come_back() {
        let pool = PasswordPool::new(&limits(1, 1), &PredictableEntropy::new());
        let held = Arc::clone(&pool.turns).acquire_owned().await.unwrap();
        let first = pool.verify("ann", "a", None);
        let second = pool.verify("ann", "b", None);
        let third = async {
            tokio::task::yield_now().await;
            let turned_away = pool.verify("ann", "c", None).await;
            drop(held);
            turned_away
        };
        let (first, second, third) = tokio::join!(first, second, third);
        assert_eq!(
            (first, second, third),
            (Ok(false), Ok(false), Err(PasswordBusy))
        );
        assert_eq!(pool.verify("ann", "d", None).await, Ok(false));
        assert_eq!(pool.present.load(Ordering::SeqCst), 0);
    }
}
