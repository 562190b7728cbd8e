//! The authority's operations: read, decide in the core, commit, mint. Handlers call these and render what comes back.

mod activity;
mod authenticate;
mod change_user;
mod commit;
mod concurrent;
pub(crate) mod end;
#[cfg(test)]
mod guessing_tests;
mod introspect;
mod logins;
mod machine_token;
mod mint;
mod new;
mod outside_ids;
mod password;
mod password_sample;
mod password_sign_in;
mod presented;
mod prolong;
mod reauthenticate;
mod refresh_keys;
mod renew;
mod reuse;
mod revoke;
pub(crate) mod sign_in;
mod signing_keys;
pub(crate) mod ticket;
mod user_table;
#[cfg(test)]
mod user_tests;
pub(crate) mod users;
mod verify;

use std::sync::Arc;

use prolong_core::{Policy, Session};
use prolong_store::Store;
use prolong_verify::{Expected, SeenTokens};

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::feed::{LiveFeed, Streams};
use crate::keys::{MasterKeys, RefreshKeys, SigningRing};
use crate::serve::Metrics;
use crate::settings::{Client, Settings};
use crate::users::{PasswordPool, SignInThrottle};

pub use machine_token::MACHINE_SCOPES;
pub use new::StartFault;

pub(crate) use authenticate::Credential;
pub(crate) use machine_token::MachineTokenRefused;
pub(crate) use outside_ids::OutsideIds;
pub(crate) use presented::{ClientProof, NotProlonged, Presented, Prolonged};
pub(crate) use renew::RenewWish;
pub(crate) use revoke::NotRevoked;
pub(crate) use verify::{Forwarded, VerifyWish};

/// What an authority is made of.
pub struct Parts {
    /// What the operator decided.
    pub settings: Settings,
    /// Where sessions live.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The master keys, newest first.
    pub master_keys: MasterKeys,
}

/// The session authority. Cheap to share (`Arc<Authority>`); every operation is a method in a file of its own.
pub struct Authority {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) refresh_keys: RefreshKeys,
    pub(crate) signing: SigningRing,
    pub(crate) feed: LiveFeed,
    pub(crate) streams: Streams,
    pub(crate) outside_ids: OutsideIds,
    pub(crate) metrics: Metrics,
    pub(crate) passwords: PasswordPool,
    pub(crate) throttle: SignInThrottle,
    pub(crate) seen_tokens: SeenTokens,
    /// What tokens of our own are, for any audience, not expired.
    pub(crate) own_tokens: Expected,
    /// The same, whatever their age.
    pub(crate) own_tokens_of_any_age: Expected,
    pub(crate) concurrent: concurrent::ConcurrentAnswers,
    pub(crate) activity: activity::ActivitySeen,
    /// `None` where no policy has a `check_url`: making one reads all the system's certificates.
    pub(crate) user_tables: Option<reqwest::Client>,
    /// The operator declared a restore, so clients may be far ahead of the store.
    pub(crate) restore_declared: bool,
}

impl Authority {
    /// The client of an id, if it is registered.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<&Arc<Client>> {
        self.settings.clients.get(id)
    }

    /// The policy that a session is under now; `None` where its client is registered no more.
    #[must_use]
    pub fn policy_of(&self, session: &Session) -> Option<&Arc<Policy>> {
        Some(
            self.client(&session.client)?
                .policy_for(session.flags.remember),
        )
    }
}
