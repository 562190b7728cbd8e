//! `prolong serve`

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use prolong_server::serve::{Listening, run_background, serve};
use prolong_store::SqliteStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::config::Config;
use crate::door::socket_path;
use crate::house::{self, House};
use crate::out::Out;

/// What the operator's socket can do beside the API.
pub(super) const BACKUP: &str = "/operator/backup";

pub(super) async fn run(config: &Config, out: &Out) -> anyhow::Result<()> {
    start_log(config);
    let listeners = listen(config).await?;
    let bound = listeners
        .first()
        .context("nowhere to listen")?
        .local_addr()?;
    let house = house::open(config, config.settings(bound)).await?;
    let issuer = config.issuer(bound);
    if config.development {
        out.raw(&format!(
            "Development mode: issuer {issuer}, data in {}. Try next:\n  prolong user add maryo\n  open {issuer}\n  prolong config init",
            config.data_dir.display()
        ));
    }
    run_house(config, &house, listeners, &issuer, terminated()).await
}

/// Serves until told to stop.
pub(crate) async fn run_house(
    config: &Config,
    house: &House,
    listeners: Vec<TcpListener>,
    issuer: &str,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let bound = listeners
        .first()
        .context("nowhere to listen")?
        .local_addr()?;
    let mut places: Vec<Listening> = listeners
        .into_iter()
        .map(|listener| Listening::Tcp(listener, house.router.clone()))
        .collect();
    #[cfg(unix)]
    match operator_socket(&config.data_dir) {
        Ok((listener, owner)) => {
            let backup = Router::new()
                .route(BACKUP, post(backup))
                .with_state(Arc::clone(&house.store));
            places.push(Listening::Unix(
                listener,
                house.operator.clone().merge(backup),
                owner,
            ));
        }
        Err(error) => {
            tracing::warn!(%error, "no operator's socket: commands work only while the server is stopped");
        }
    }
    let background = tokio::spawn(run_background(Arc::clone(&house.authority)));
    let watch = tokio::spawn(exit_when_broken(Arc::clone(&house.store)));
    tracing::info!("ready: listening on http://{bound}, issuer {issuer}");
    serve(&house.authority, places, stop).await;
    background.abort();
    if let Err(error) = house.authority.store_activity().await {
        tracing::warn!(%error, "the last activity that was seen could not be stored");
    }
    watch.abort();
    let _ = std::fs::remove_file(socket_path(&config.data_dir));
    tracing::info!("stopped");
    Ok(())
}

/// The configured address; in development mode both loopbacks.
pub(crate) async fn listen(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
    let at = config.listen;
    let cannot =
        || format!("cannot listen on {at}: is another server there? Choose another with --listen");
    let first = TcpListener::bind(at).await.with_context(cannot)?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if config.development && at.ip().is_loopback() && at.is_ipv4() {
        // A machine without IPv6 has only one loopback.
        let other = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
        listeners.extend(TcpListener::bind(other).await.ok());
    }
    Ok(listeners)
}

/// Whoever stops a server politely.
pub(crate) async fn terminated() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            core::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut term) = signal(SignalKind::terminate()) else {
            return interrupted.await;
        };
        tokio::select! {
            () = interrupted => {}
            _ = term.recv() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted.await;
}

pub(crate) fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_level)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second start in one process keeps the first log.
    let _ = if config.log_json {
        log.json().try_init()
    } else {
        log.try_init()
    };
}

/// An error from fsync is fatal: nothing more may be answered.
async fn exit_when_broken(store: Arc<SqliteStore>) {
    let mut look = tokio::time::interval(Duration::from_millis(250));
    loop {
        look.tick().await;
        if let Some(why) = store.failed() {
            tracing::error!(why, "the store has failed; stopping at once");
            std::process::exit(1);
        }
    }
}

#[cfg(unix)]
fn operator_socket(data_dir: &Path) -> anyhow::Result<(tokio::net::UnixListener, u32)> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let path = socket_path(data_dir);
    // The store's lock is held, so nobody listens at what is left there.
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path)
        .with_context(|| format!("cannot listen on {}", path.display()))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok((listener, std::fs::metadata(&path)?.uid()))
}

/// `{"to": FILE}`: copies the database while it is in use.
async fn backup(
    State(store): State<Arc<SqliteStore>>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let Some(to) = body["to"].as_str().map(std::path::PathBuf::from) else {
        return (
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "detail": "`to` is missing" })),
        );
    };
    match tokio::task::spawn_blocking(move || store.backup(&to)).await {
        Ok(Ok(())) => (StatusCode::OK, Json(json!({}))),
        Ok(Err(error)) => (
            StatusCode::CONFLICT,
            Json(json!({ "detail": error.to_string() })),
        ),
        Err(error) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "detail": error.to_string() })),
        ),
    }
}
