//! Putting an authority together.

use std::time::Duration;

use prolong_core::{Policy, ProlongWith};
use prolong_store::{Store, StoreError};
use prolong_verify::{Audience, Expected, SeenTokens};

use super::activity::ActivitySeen;
use super::concurrent::ConcurrentAnswers;
use super::{Authority, OutsideIds, Parts};
use crate::entropy::draw;
use crate::feed::{LiveFeed, Streams};
use crate::keys::{RefreshKeys, RegisterFault, RingFault, SigningRing, register};
use crate::serve::Metrics;
use crate::settings::{ClientKind, Settings};
use crate::users::{PasswordPool, SignInThrottle};

/// Why an authority could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// The master keys do not go with the store.
    #[error(transparent)]
    MasterKeys(#[from] RegisterFault),
    /// The signing keys.
    #[error(transparent)]
    Keys(#[from] RingFault),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A client has the id of a user.
    #[error(
        "the client id \"{0}\" is the id of a user, and the tokens of machines have the client's id as `sub`: give the \
         client another `id`"
    )]
    ClientIsUser(String),
    /// The clock.
    #[error("the clock cannot be trusted: {0}")]
    Clock(String),
    /// The client for the operator's user table.
    #[error("no HTTP client for check_url: {0}")]
    Http(String),
}

impl Authority {
    /// Puts an authority together: loads or makes the signing keys, and reads what has ended.
    ///
    /// # Errors
    /// [`StartFault`].
    pub async fn new(parts: Parts) -> Result<Self, StartFault> {
        let Parts {
            settings,
            store,
            clock,
            entropy,
            master_keys,
        } = parts;
        let now = clock.trusted_now().map_err(StartFault::Clock)?;
        register::check(&*store, &master_keys).await?;
        refuse_clients_that_are_users(&settings, &*store).await?;
        warn_of_bare_tokens(&settings);
        let signing =
            SigningRing::load(&*store, &master_keys, settings.algorithm, now, &*entropy).await?;
        let feed = LiveFeed::start(&*store, &*entropy, now, longest_token(&settings)).await?;
        let outside_ids = OutsideIds::start(&*store).await?;
        if settings.feed_public && outside_ids.exist() {
            tracing::error!(
                "feed_public has no effect: some users have ids that were brought from outside and could be guessed. \
                 Readers of the feed need the scope prolong:feed"
            );
        }
        let restore_declared = store
            .fact("restore_declared")
            .await?
            .is_some_and(|value| value == "true");
        let user_tables = user_tables(&settings)?;
        Ok(Self {
            refresh_keys: RefreshKeys::derive(&master_keys),
            signing,
            feed,
            streams: Streams::new(settings.limits.feed_streams),
            outside_ids,
            metrics: Metrics::new(),
            passwords: PasswordPool::new(&settings.limits, &*entropy),
            throttle: SignInThrottle::new(&settings.limits, &*entropy),
            own_tokens: own_tokens(&settings.issuer, 0),
            own_tokens_of_any_age: own_tokens(&settings.issuer, i64::MAX),
            seen_tokens: SeenTokens::new(TOKENS_REMEMBERED, &draw(&*entropy)),
            concurrent: ConcurrentAnswers::new(),
            activity: ActivitySeen::default(),
            user_tables,
            restore_declared,
            settings,
            store,
            clock,
            entropy,
        })
    }
}

/// A client for the operator's own user tables, where a policy asks one.
fn user_tables(settings: &Settings) -> Result<Option<reqwest::Client>, StartFault> {
    if !policies(settings).any(|policy| policy.check_url.is_some()) {
        return Ok(None);
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(1))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build();
    client
        .map(Some)
        .map_err(|error| StartFault::Http(error.to_string()))
}

/// Every policy that a session can be under.
fn policies(settings: &Settings) -> impl Iterator<Item = &Policy> {
    settings.clients.values().flat_map(|client| {
        let policies = std::iter::once(&client.policy).chain(&client.policy_remembered);
        policies.map(|policy| &**policy)
    })
}

/// Users are not made with a client's id; but a client may be registered later.
async fn refuse_clients_that_are_users(
    settings: &Settings,
    store: &dyn Store,
) -> Result<(), StartFault> {
    for id in settings.clients.keys() {
        let user = store.user(crate::keys::user_key(id)).await?;
        if user.is_some_and(|user| user.sub == *id) {
            return Err(StartFault::ClientIsUser(id.clone()));
        }
    }
    Ok(())
}

/// A public client's refresh token must rotate or be bound to a key (RFC 9700 §2.2.2). The operator may know better.
fn warn_of_bare_tokens(settings: &Settings) {
    for client in settings.clients.values() {
        let policies = std::iter::once(&client.policy).chain(&client.policy_remembered);
        let bare =
            |policy: &Policy| !policy.rotate && policy.prolong_with == ProlongWith::RefreshToken;
        if client.kind == ClientKind::Public && policies.into_iter().any(|policy| bare(policy)) {
            tracing::warn!(
                client = client.id,
                "`rotate = false` for a public client: a stolen refresh token is never found out"
            );
        }
    }
}

/// The longest life of an access token under today's policies, a machine's included.
fn longest_token(settings: &Settings) -> Duration {
    policies(settings)
        .map(|policy| policy.access)
        .max()
        .unwrap_or_default()
        .max(super::machine_token::LIFE)
}

const TOKENS_REMEMBERED: usize = 65_536;

/// For any audience: whose it must be is known only when the token has been read.
fn own_tokens(issuer: &str, expired_for: i64) -> Expected {
    Expected {
        audience: Audience::Any,
        expired_for,
        ..Expected::new(issuer, String::new())
    }
}
