//! Puts the authority together: store, clock, keys, settings, router.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use prolong_core::Timestamp;
use prolong_server::entropy::draw;
use prolong_server::serve::{CLOCK_HIGH_WATER, operator_client, operator_router};
use prolong_server::settings::Settings;
use prolong_server::{Authority, Parts};
use prolong_store::{SqliteOptions, SqliteStore, Store};

use crate::clock::SystemClock;
use crate::config::Config;
use crate::entropy::{self, SystemEntropy};
use crate::master_key;

/// An authority and what belongs to it.
pub(crate) struct House {
    pub(crate) authority: Arc<Authority>,
    pub(crate) store: Arc<SqliteStore>,
    /// The API.
    pub(crate) router: Router,
    /// The API for the operator.
    pub(crate) operator: Router,
}

/// Opens the store and starts an authority on it.
pub(crate) async fn open(config: &Config, mut settings: Settings) -> anyhow::Result<House> {
    let master_keys = master_key::load(config)?;
    let store = Arc::new(open_store(config)?);
    let clock = SystemClock::new();
    clock.agree_with(high_water(&*store).await?)?;
    let secret = entropy::hex::<32>();
    operator_client(&mut settings.clients, &settings.issuer, &secret);
    let token_path = format!("{}/oauth/token", settings.base_path);
    let parts = Parts {
        settings,
        store: Arc::<SqliteStore>::clone(&store),
        clock: Arc::new(clock),
        entropy: Arc::new(SystemEntropy),
        master_keys,
    };
    let authority = Arc::new(
        Authority::new(parts)
            .await
            .context("cannot start the authority")?,
    );
    let router = prolong_server::http::rooms(Arc::clone(&authority));
    let operator = operator_router(&router, &token_path, &secret);
    Ok(House {
        authority,
        store,
        router,
        operator,
    })
}

/// Under load, moments in which one client alone writes are rare and short: that many in a row are none of them.
const LONE_WRITES: u32 = 16;

/// Opens the database, unless another process has it.
pub(crate) fn open_store(config: &Config) -> anyhow::Result<SqliteStore> {
    let options = SqliteOptions {
        in_place_after: Some(LONE_WRITES),
        ..SqliteOptions::new(draw(&SystemEntropy))
    };
    let opened = SqliteStore::open(&config.data_dir, options);
    opened.map_err(|error| {
        let error = anyhow::Error::new(error);
        // SQLite has several words for it, and most are those of a broken disk.
        match free_space(&config.data_dir) {
            Some(free) if free < LEAST_SPACE => error.context(format!(
                "the disk that {} is on is full: make room and start again",
                config.data_dir.display()
            )),
            _ => error,
        }
    })
}

/// What opening a database may write before anything is stored, with room to spare; bytes.
const LEAST_SPACE: u64 = 256 << 10;

/// Bytes that this user may still write there, if that can be known.
fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    let free = rustix::fs::statvfs(folder)
        .ok()
        .map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    #[cfg(not(unix))]
    let free = folder.is_dir().then_some(u64::MAX);
    free
}

/// The latest time that the data folder has seen.
pub(crate) async fn high_water(store: &dyn Store) -> anyhow::Result<Option<Timestamp>> {
    let fact = store.fact(CLOCK_HIGH_WATER).await?;
    Ok(fact
        .and_then(|millis| millis.parse().ok())
        .map(Timestamp::from_millis))
}
