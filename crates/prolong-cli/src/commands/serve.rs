//! `prolong serve`

use std::io::IsTerminal;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use prolong_server::serve::{Listening, public_router, run_background, serve};
use prolong_store::SqliteStore;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::backup::copy_out;
use crate::config::Config;
use crate::door::socket_path;
use crate::house::{self, House};
use crate::out::{Out, this_program};
use crate::tls::Certificate;

/// What the operator's socket can do beside the API.
pub(super) const BACKUP: &str = "/operator/backup";

pub(super) async fn run(config: &Config, out: Out) -> anyhow::Result<()> {
    start_log(config);
    if let Some(other) = &config.other_data_dir {
        tracing::warn!(
            used = %config.data_dir.display(),
            configured = %other.display(),
            "--data-dir wins over `data_dir`; a command without it looks into the other folder"
        );
    }
    let certificate = config.tls.as_ref().map(Certificate::load).transpose()?;
    let mut sockets = Sockets {
        public: listen(config).await?,
        admin: None,
        certificate,
    };
    if let Some(at) = config.admin_listen {
        let cannot =
            || format!("cannot listen on {at}: is another server there? Change `admin_listen`");
        sockets.admin = Some(TcpListener::bind(at).await.with_context(cannot)?);
    }
    let bound = sockets.bound()?;
    // With a certificate, SIGHUP means: read it again.
    let stop = terminated(config.tls.is_none());
    let house = house::open(config, config.settings(bound)).await?;
    let issuer = config.issuer(bound);
    if config.development {
        let facts = json!({ "development": true, "issuer": issuer, "data_dir": config.data_dir });
        // From whatever folder, and although this program need not be on the path.
        let program = this_program();
        let data = std::path::absolute(&config.data_dir);
        let data = data.as_ref().unwrap_or(&config.data_dir).display();
        let text = format!(
            "Development mode: issuer {issuer}, data in {data}. Try next, in another terminal:\n  \
             {program} --data-dir {data} user add maryo      # then sign in at {issuer}\n  \
             {program} --data-dir {data} session list\n  \
             {program} config init         # a configuration to start from"
        );
        out.facts(&facts, &text);
    }
    serve_house(config, &house, sockets, &issuer, stop).await
}

/// Serves at these addresses, without TLS, until told to stop.
pub(crate) async fn run_house(
    config: &Config,
    house: &House,
    listeners: Vec<TcpListener>,
    issuer: &str,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let sockets = Sockets {
        public: listeners,
        admin: None,
        certificate: None,
    };
    serve_house(config, house, sockets, issuer, stop).await
}

/// Where a server listens.
struct Sockets {
    public: Vec<TcpListener>,
    /// For administration and metrics, if they have a place of their own.
    admin: Option<TcpListener>,
    certificate: Option<Arc<Certificate>>,
}

impl Sockets {
    fn bound(&self) -> anyhow::Result<SocketAddr> {
        let first = self.public.first().context("nowhere to listen")?;
        Ok(first.local_addr()?)
    }
}

/// Serves until told to stop.
async fn serve_house(
    config: &Config,
    house: &House,
    sockets: Sockets,
    issuer: &str,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let bound = sockets.bound()?;
    let admin_bound = sockets
        .admin
        .as_ref()
        .map(TcpListener::local_addr)
        .transpose()?;
    let mut places = places(
        house,
        sockets.public,
        sockets.admin,
        sockets.certificate.as_ref(),
    )?;
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
            tracing::warn!(
                error = format!("{error:#}"),
                "no operator's socket: commands work only while the server is stopped"
            );
        }
    }
    let background = tokio::spawn(run_background(Arc::clone(&house.authority)));
    let watch = tokio::spawn(exit_when_broken(Arc::clone(&house.store)));
    let fresh = tokio::spawn(keep_fresh(sockets.certificate));
    let scheme = config.scheme();
    tracing::info!("ready: listening on {scheme}://{bound}, issuer {issuer}");
    if let Err(error) = crate::supervisor::ready() {
        tracing::warn!(%error, "the supervisor could not be told that the server is ready");
    }
    if let Some(admin) = admin_bound {
        tracing::info!("administration and metrics on {scheme}://{admin}");
    }
    serve(&house.authority, places, stop).await;
    background.abort();
    fresh.abort();
    if let Err(error) = house.authority.store_activity().await {
        tracing::warn!(%error, "the last activity that was seen could not be stored");
    }
    watch.abort();
    let _ = std::fs::remove_file(socket_path(&config.data_dir));
    tracing::info!("stopped");
    Ok(())
}

/// What answers where.
fn places(
    house: &House,
    public: Vec<TcpListener>,
    admin: Option<TcpListener>,
    certificate: Option<&Arc<Certificate>>,
) -> anyhow::Result<Vec<Listening>> {
    let acceptor = certificate.map(Certificate::acceptor).transpose()?;
    let at = |listener, router| match &acceptor {
        Some(acceptor) => Listening::Tls(listener, router, acceptor.clone()),
        None => Listening::Tcp(listener, router),
    };
    let for_all = match admin {
        Some(_) => public_router(house.router.clone()),
        None => house.router.clone(),
    };
    let admin = admin.map(|listener| at(listener, house.router.clone()));
    let public = public
        .into_iter()
        .map(|listener| at(listener, for_all.clone()));
    Ok(public.chain(admin).collect())
}

/// Keeps the certificate fresh; SIGHUP reads its files again at once.
async fn keep_fresh(certificate: Option<Arc<Certificate>>) {
    let Some(certificate) = certificate else {
        return;
    };
    let (tell, told) = tokio::sync::mpsc::channel(1);
    let listen = async {
        #[cfg(unix)]
        if let Ok(mut hang_up) =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
        {
            while hang_up.recv().await.is_some() {
                // Full: it is being read again anyway.
                let _ = tell.try_send(());
            }
        }
        core::future::pending::<()>().await;
    };
    tokio::join!(certificate.keep_fresh(told), listen);
}

/// The configured address; in development mode both loopbacks.
pub(crate) async fn listen(config: &Config) -> anyhow::Result<Vec<TcpListener>> {
    let at = config.listen;
    let first = TcpListener::bind(at).await.map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another server is there; choose another with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 are for root; choose another with --listen"
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
            _ => "choose another with --listen",
        };
        anyhow::Error::new(error).context(format!("cannot listen on {at}: {remedy}"))
    })?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if config.development && at.ip().is_loopback() && at.is_ipv4() {
        // A machine without IPv6 has only one loopback.
        let other = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port);
        listeners.extend(TcpListener::bind(other).await.ok());
    }
    Ok(listeners)
}

/// Whoever stops a server politely. From the call on, not from the first look at what it gives: a signal that comes
/// while the server is starting is not lost, and does not kill it. A closed terminal (SIGHUP) stops it as well, where
/// `hangup_stops` and unless it was started not to mind that (`nohup`). Without a terminal, nobody who sends a SIGHUP
/// means that: a supervisor asks a service to read its files again.
#[cfg(unix)]
pub(crate) fn terminated(hangup_stops: bool) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = signal(SignalKind::interrupt());
    let terminate = signal(SignalKind::terminate());
    let hangup_stops = hangup_stops && has_terminal() && !ignores_hangup();
    // Taken in any case: left alone, it would kill.
    let hangup = signal(SignalKind::hangup());
    async move {
        let received = async |signal: std::io::Result<tokio::signal::unix::Signal>| {
            let heard = match signal {
                Ok(mut signal) => signal.recv().await,
                Err(_) => None,
            };
            if heard.is_none() {
                core::future::pending::<()>().await;
            }
        };
        let hung_up = async {
            if hangup_stops {
                received(hangup).await;
            } else {
                core::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = received(interrupt) => {}
            () = received(terminate) => {}
            () = hung_up => {}
        }
    }
}

/// Whoever stops a server politely.
#[cfg(not(unix))]
pub(crate) async fn terminated(_hangup_stops: bool) {
    if tokio::signal::ctrl_c().await.is_err() {
        core::future::pending::<()>().await;
    }
}

/// Whether there is a terminal that could be closed.
#[cfg(unix)]
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// Whether SIGHUP (1, the lowest bit) was ignored when the process began. Only Linux says.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 == 1)
}

pub(crate) fn start_log(config: &Config) {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_level)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        // Where the log cannot be written, that cannot be said either; trying would panic.
        .log_internal_errors(false)
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
    match tokio::task::spawn_blocking(move || copy_out(&store, &to)).await {
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
