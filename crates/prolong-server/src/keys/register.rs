//! Which master keys a store has seen.
//!
//! 1. An id stands for one key for ever: the number is in refresh tokens, so another key under it would be a mix-up that
//!    nobody could explain later. The store keeps a fingerprint of each key it has seen.
//! 2. A key stays in the list while a live session is pinned to it: without it, those sessions could never be prolonged.

use std::collections::BTreeMap;

use prolong_core::KeyId;
use prolong_store::{Change, NotCommitted, Store, StoreError, Transaction};

use super::MasterKeys;

/// Why a list of master keys does not go with a store.
#[derive(Debug, thiserror::Error)]
pub enum RegisterFault {
    /// An id that the store knows stands for another key.
    #[error(
        "master key {0} is not the key {0} that this database knows. Either this is the key file of another database, or \
         an id was used twice: put the old key {0} back and give a new one a number that was never used"
    )]
    AnotherKey(u8),
    /// Sessions hang on a key that is not in the list.
    #[error(
        "master key {0} is missing, and live sessions still hang on it: put its line back, below the newer ones. They move \
         to the newest key as they are renewed; `prolong key list` says when nothing hangs on it any more, and \
         `prolong key distrust --refresh {0}` ends what does"
    )]
    StillNeeded(u8),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take what is new.
    #[error(transparent)]
    NotCommitted(#[from] NotCommitted),
}

/// Compares the list with what the store has seen, and notes what is new.
///
/// # Errors
/// [`RegisterFault`]; nothing has changed then.
pub(crate) async fn check(store: &dyn Store, master: &MasterKeys) -> Result<(), RegisterFault> {
    let written = store.fact(MASTER_KEYS_SEEN).await?.unwrap_or_default();
    let mut seen = read(&written);
    let present: BTreeMap<u8, String> = master
        .fingerprints()
        .into_iter()
        .map(|(id, fingerprint)| (id.0, fingerprint))
        .collect();
    for (id, fingerprint) in &present {
        if seen.get(id).is_some_and(|known| known != fingerprint) {
            return Err(RegisterFault::AnotherKey(*id));
        }
    }
    for id in seen.keys().filter(|id| !present.contains_key(id)) {
        if store.key_in_use(KeyId(*id)).await? {
            return Err(RegisterFault::StillNeeded(*id));
        }
    }
    seen.extend(present);
    let value = write(&seen);
    if value != written {
        let name = MASTER_KEYS_SEEN;
        store
            .commit(Transaction::of(Change::SetFact { name, value }))
            .await?;
    }
    Ok(())
}

/// The fact that holds them: `1:0011223344556677 2:…`.
const MASTER_KEYS_SEEN: &str = "master_keys_seen";

fn read(text: &str) -> BTreeMap<u8, String> {
    text.split(' ')
        .filter_map(|entry| {
            let (id, fingerprint) = entry.split_once(':')?;
            Some((id.parse().ok()?, fingerprint.to_owned()))
        })
        .collect()
}

fn write(seen: &BTreeMap<u8, String>) -> String {
    let entries: Vec<_> = seen
        .iter()
        .map(|(id, fingerprint)| format!("{id}:{fingerprint}"))
        .collect();
    entries.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prolong_store::MemoryStore;

    const ONE: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const TWO: &str = "2 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHER_ONE: &str = "1 ICECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    async fn at(store: &MemoryStore, lines: &[&str]) -> Result<(), RegisterFault> {
        check(store, &MasterKeys::parse(&lines.join("\n")).unwrap()).await
    }

    #[tokio::test]
    async fn an_id_is_never_used_twice_not_even_after_its_key_went() {
        let store = MemoryStore::new([0; 16]);
        at(&store, &[ONE]).await.unwrap();
        at(&store, &[TWO, ONE]).await.unwrap();
        at(&store, &[TWO]).await.unwrap();
        let twice = at(&store, &[TWO, OTHER_ONE]).await.unwrap_err();
        assert!(matches!(twice, RegisterFault::AnotherKey(1)), "{twice}");
        at(&store, &[TWO, ONE]).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_stored_does_not_name_the_key() {
        let store = MemoryStore::new([0; 16]);
        at(&store, &[ONE]).await.unwrap();
        let stored = store.fact(MASTER_KEYS_SEEN).await.unwrap().unwrap();
        assert_eq!(stored.len(), 2 + 16, "{stored}");
        let keys = MasterKeys::parse(ONE).unwrap();
        for purpose in ["prolong/rt/v1", "prolong/seal/v1"] {
            let used: String = keys.derive(purpose)[0]
                .1
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert!(!stored.contains(&used), "{purpose}");
        }
        assert!(!stored.contains("0001020304050607"));
    }
}
