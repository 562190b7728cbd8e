//! What the feed remembers in the store beside its entries.

use prolong_store::{Change, NotCommitted, Store, StoreError, Transaction};

/// The feed's salt; drawn where there is none yet.
pub(super) async fn salt(
    store: &dyn Store,
    draw: impl FnOnce() -> [u8; 16],
) -> Result<[u8; 16], StoreError> {
    if let Some(salt) = stored_salt(store).await? {
        return Ok(salt);
    }
    let salt = draw();
    set(
        store,
        vec![(SALT, format!("{:032x}", u128::from_be_bytes(salt)))],
    )
    .await?;
    // Another node may have drawn one at the same moment: the stored one is the feed's.
    Ok(stored_salt(store).await?.unwrap_or(salt))
}

async fn stored_salt(store: &dyn Store) -> Result<Option<[u8; 16]>, StoreError> {
    let Some(text) = store.fact(SALT).await? else {
        return Ok(None);
    };
    let salt = u128::from_str_radix(&text, 16)
        .map_err(|_| StoreError::Damaged("the feed's salt".to_owned()))?;
    Ok(Some(salt.to_be_bytes()))
}

/// A fact that is a number.
pub(super) async fn number(store: &dyn Store, name: &str) -> Result<Option<i64>, StoreError> {
    Ok(store.fact(name).await?.and_then(|text| text.parse().ok()))
}

/// Sets facts together.
pub(super) async fn set(
    store: &dyn Store,
    facts: Vec<(&'static str, String)>,
) -> Result<(), StoreError> {
    let changes = facts
        .into_iter()
        .map(|(name, value)| Change::SetFact { name, value })
        .collect();
    match store.commit(Transaction { changes }).await {
        Ok(_) => Ok(()),
        Err(NotCommitted::Failed(error)) => Err(error),
        Err(NotCommitted::Conflict(_)) => Err(StoreError::Damaged(
            "a fact has no guard, and yet met one".to_owned(),
        )),
    }
}

const SALT: &str = "feed_salt";
