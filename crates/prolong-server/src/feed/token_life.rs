//! How long any token that was ever issued can be acceptable, so that an entry is kept at least as long.
//!
//! The highest `exp` ever issued is bounded without a write per token: what is stored is the longest life of each run,
//! and a later run assumes a token of the earlier one that was minted just now.

use std::time::Duration;

use prolong_core::Timestamp;
use prolong_store::{Store, StoreError};

use super::facts::{number, set};

/// When the last token can be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenLife {
    /// No token of an earlier run lives past this second.
    earlier_tokens_until: i64,
    /// The longest life of an access token under today's policies.
    longest: Duration,
}

impl TokenLife {
    /// Reads what earlier runs left, and leaves word for later ones.
    pub(super) async fn start(
        store: &dyn Store,
        now: Timestamp,
        longest: Duration,
    ) -> Result<Self, StoreError> {
        let known = number(store, TOKENS_UNTIL).await?.unwrap_or(0);
        let earlier_longest = number(store, LONGEST_TOKEN).await?.unwrap_or(0);
        let minted_just_now = now
            .as_secs()
            .saturating_add(earlier_longest)
            .saturating_add(1);
        let earlier_tokens_until = known.max(minted_just_now);
        let facts = vec![
            (TOKENS_UNTIL, earlier_tokens_until.to_string()),
            (LONGEST_TOKEN, longest.as_secs().to_string()),
        ];
        set(store, facts).await?;
        Ok(Self {
            earlier_tokens_until,
            longest,
        })
    }

    /// The second from which an entry made `now` can be forgotten.
    pub(super) fn until(&self, now: Timestamp) -> i64 {
        let tokens_of_today = now.plus(self.longest).as_secs().saturating_add(1);
        tokens_of_today
            .max(self.earlier_tokens_until)
            .saturating_add(SPARE_SECONDS)
    }
}

const TOKENS_UNTIL: &str = "tokens_until";
const LONGEST_TOKEN: &str = "longest_token_seconds";
const SPARE_SECONDS: i64 = 60;
