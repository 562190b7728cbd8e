//! What kinds of password hashes are stored.

use core::fmt::Write as _;

use prolong_store::{Page, StoreError, UserFilter};

use super::Authority;
use crate::entropy::draw;

impl Authority {
    /// Draws a sample of what is stored, so that names that nobody has are answered in the time of those that somebody
    /// has.
    ///
    /// # Errors
    /// The store's; what was known stays.
    pub(crate) async fn sample_password_hashes(&self) -> Result<(), StoreError> {
        // Ids that were made here begin with random hexadecimal digits; of others, the first of a page are as good as any.
        let mut from = String::new();
        for byte in draw::<4>(&*self.entropy) {
            let _ = write!(from, "{byte:02x}");
        }
        let page = |after| Page {
            after,
            limit: SAMPLE,
        };
        let filter = UserFilter::default();
        let mut users = self.store.users(&filter, &page(Some(from))).await?;
        if users.len() < SAMPLE {
            users.extend(self.store.users(&filter, &page(None)).await?);
            users.sort_unstable_by(|one, other| one.sub.cmp(&other.sub));
            users.dedup_by(|one, other| one.sub == other.sub);
        }
        let stored = users
            .iter()
            .filter_map(|user| user.password_hash.as_deref());
        self.passwords.learn(stored);
        Ok(())
    }
}

/// Users in one page of the sample.
const SAMPLE: usize = 256;
