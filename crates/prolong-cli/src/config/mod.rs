//! The configuration: as written (`prolong.toml` < environment < flags), then as meant.

mod clients;
mod environment;
mod faults;
mod issuer;
mod network;
mod policies;
mod secret;
mod section;
pub(crate) mod span;
mod suggest;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use prolong_core::Policy;
use prolong_server::settings::{Algorithm, Limits, Origins, Retention, Settings};
use prolong_server::users::{MOST_ARGON2_KIB, MOST_ARGON2_PASSES};

pub(crate) use faults::{ConfigFaults, Faults};
pub(crate) use secret::Secret;
use section::Section;

/// The configuration as meant.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The file it came from; `None` in development mode.
    pub(crate) file: Option<PathBuf>,
    /// There is no file.
    pub(crate) development: bool,
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where administration and metrics listen, if not at `listen`.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Certificate chain and private key, where this server speaks TLS itself.
    pub(crate) tls: Option<TlsFiles>,
    /// Where database and keys are.
    pub(crate) data_dir: PathBuf,
    /// What the file says of it, where `--data-dir` says otherwise.
    pub(crate) other_data_dir: Option<PathBuf>,
    /// The file with the master keys.
    pub(crate) master_key_file: PathBuf,
    /// The master keys themselves, from the environment.
    pub(crate) master_key: Option<Secret>,
    /// What to log, in the notation of `tracing`.
    pub(crate) log_level: String,
    /// Log lines as JSON.
    pub(crate) log_json: bool,
    /// The policies that have a name of their own.
    pub(crate) policies: BTreeMap<String, Arc<Policy>>,
    issuer: Option<String>,
    settings: Settings,
}

/// The files of `[tls]`, both PEM.
#[derive(Clone, Debug)]
pub(crate) struct TlsFiles {
    /// The certificate, then the intermediates.
    pub(crate) cert: PathBuf,
    /// The private key.
    pub(crate) key: PathBuf,
}

/// What comes from outside the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--config`.
    pub(crate) file: Option<PathBuf>,
    /// `--data-dir`.
    pub(crate) data_dir: Option<PathBuf>,
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
}

/// What development mode stands for.
const DEVELOPMENT: &str = include_str!("development.toml");

impl Config {
    /// Reads file, environment and flags.
    pub(crate) fn load(overrides: &Overrides) -> anyhow::Result<Self> {
        let file = match &overrides.file {
            Some(file) => Some(file.clone()),
            None => Some(PathBuf::from("prolong.toml")).filter(|file| file.exists()),
        };
        let text = match &file {
            Some(file) => std::fs::read_to_string(file)
                .with_context(|| format!("cannot read the configuration {}", file.display()))?,
            None => DEVELOPMENT.to_owned(),
        };
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::read(&text, file.as_deref(), environment, overrides).map_err(Into::into)
    }

    /// The same from a text; development mode where there is no file.
    pub(crate) fn read(
        text: &str,
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        overrides: &Overrides,
    ) -> Result<Self, Faults> {
        let faults = Faults::named(file);
        let mut table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                faults.add("", &format!("is not TOML: {error}"));
                return Err(faults);
            }
        };
        let master_key = environment::apply(&mut table, environment, &faults);
        let config = meant(Section::root(table, &faults), file, overrides, master_key);
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(faults)
        }
    }

    /// The issuer, once it is known where the server listens.
    pub(crate) fn issuer(&self, bound: SocketAddr) -> String {
        match &self.issuer {
            Some(issuer) => issuer.clone(),
            None if self.development => format!("http://localhost:{}", bound.port()),
            None => format!("{}://{bound}", self.scheme()),
        }
    }

    /// The issuer, if one was written.
    pub(crate) fn written_issuer(&self) -> Option<&String> {
        self.issuer.as_ref()
    }

    /// `https` where this server speaks TLS itself.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// What the authority needs, once it is known where the server listens.
    pub(crate) fn settings(&self, bound: SocketAddr) -> Settings {
        let issuer = self.issuer(bound);
        let mut settings = self.settings.clone();
        for client in settings.clients.values_mut() {
            if client.audience.is_empty() {
                Arc::make_mut(client).audience.push(issuer.clone());
            }
        }
        settings.issuer = issuer;
        settings
    }

    /// The settings as far as they are known before listening.
    pub(crate) fn plain_settings(&self) -> Settings {
        self.settings(self.listen)
    }

    /// A policy of the configuration, or a preset; else a hint at what there is.
    pub(crate) fn policy(&self, name: &str) -> Result<Arc<Policy>, String> {
        let hint = || suggest::hint(name, &policies::names(&self.policies));
        policies::named(&self.policies, name).ok_or_else(hint)
    }
}

fn meant(
    mut root: Section,
    file: Option<&Path>,
    overrides: &Overrides,
    master_key: Option<String>,
) -> Config {
    let development = file.is_none();
    let written_listen = root.address("listen");
    let listen = overrides.listen.or(written_listen);
    let listen = listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let issuer = root.string("issuer");
    let written_dir = root.string("data_dir").map(PathBuf::from);
    let data_dir = overrides
        .data_dir
        .clone()
        .or_else(|| written_dir.clone())
        .unwrap_or_else(|| PathBuf::from("prolong-data"));
    let other_data_dir = written_dir.filter(|written| *written != data_dir);
    let key_file = root.string("master_key_file").map(PathBuf::from);
    let issuer = issuer::checked(issuer, listen, root.faults());
    let admin_listen = root.address("admin_listen");
    network::check_admin(&mut root, admin_listen, listen, issuer.as_deref());
    let tls = tls(&mut root);
    let written_path = root.string("base_path");
    if written_path
        .as_deref()
        .is_some_and(|path| !issuer::is_path(path))
    {
        root.fault(
            "base_path",
            "begins with a slash and does not end with one, like \"/auth\"; its parts have letters, digits, \".\", \"_\", \"~\" or \"-\"",
        );
    }
    let base_path = written_path
        .or_else(|| issuer.as_deref().map(issuer::path))
        .unwrap_or_default();
    let policies = policies::read(&mut root);
    let mut clients = clients::read(&mut root, &policies, development);
    if let Some(issuer) = &issuer {
        clients::check_cookies(root.faults(), issuer, clients.values());
    }
    if development {
        for client in clients.values_mut() {
            Arc::make_mut(client).origins = Origins::AnyLoopback;
        }
    }
    let settings = Settings {
        issuer: String::new(),
        base_path,
        development,
        algorithm: root
            .word(
                "algorithm",
                Algorithm::parse,
                &["ES256", "EdDSA", "RS256", "PS256"],
            )
            .unwrap_or(Algorithm::Es256),
        clients,
        trusted_proxies: network::read(&mut root),
        feed_public: root.bool("feed_public").unwrap_or(false),
        limits: limits(&mut root),
        retention: retention(&mut root),
    };
    let mut log = root.section("log").unwrap_or_else(|| root.empty("log"));
    let log_level = log_level(&mut log);
    let log_json = log.word(
        "format",
        |word| ["text", "json"].iter().position(|w| *w == word),
        &["text", "json"],
    ) == Some(1);
    log.finish();
    for (key, why) in NOT_YET {
        root.not_yet(key, why);
    }
    root.finish();
    Config {
        file: file.map(Path::to_owned),
        development,
        listen,
        admin_listen,
        tls,
        master_key_file: key_file.unwrap_or_else(|| data_dir.join("master.key")),
        data_dir,
        other_data_dir,
        master_key: master_key.map(Secret::from),
        log_level,
        log_json,
        policies,
        issuer,
        settings,
    }
}

const NOT_YET: [(&str, &str); 2] = [
    (
        "database",
        "is not in this version: the database is SQLite in `data_dir`",
    ),
    (
        "master_key",
        "does not belong into this file: put it into `master_key_file`, or into the environment as PROLONG__MASTER_KEY",
    ),
];

/// One of the levels, or a filter in the notation of `tracing`, where a slip would silently mean another thing.
fn log_level(log: &mut Section) -> String {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let level = log.string("level").unwrap_or_else(|| "info".to_owned());
    if !level.contains(['=', ',']) {
        if !levels.contains(&level.to_lowercase().as_str()) {
            log.unknown_word::<()>("level", &level, &levels);
        }
    } else if let Err(error) = tracing_subscriber::EnvFilter::try_new(&level) {
        log.fault(
            "level",
            &format!("is \"{level}\", which is not a filter: {error}"),
        );
    }
    level
}

fn tls(root: &mut Section) -> Option<TlsFiles> {
    let mut at = root.section("tls")?;
    let cert = at.string("cert").map(PathBuf::from);
    let key = at.string("key").map(PathBuf::from);
    for (name, found) in [("cert", &cert), ("key", &key)] {
        if found.is_none() && !at.has_fault(name) {
            at.fault(
                name,
                "is needed: `tls.cert` names the file with the certificate chain, `tls.key` the one with its key (PEM)",
            );
        }
    }
    at.finish();
    Some(TlsFiles {
        cert: cert?,
        key: key?,
    })
}

fn limits(root: &mut Section) -> Limits {
    let base = Limits::default();
    let Some(mut at) = root.section("limits") else {
        return base;
    };
    // What would be more than a machine has, or than this server verifies, is a slip.
    let limits = Limits {
        body_bytes: at
            .count("body_bytes", 1024..=MEBIBYTES_16)
            .unwrap_or(base.body_bytes),
        head_bytes: at
            .count("head_bytes", 8192..=MEBIBYTES_16)
            .unwrap_or(base.head_bytes),
        head_timeout: at.duration("head_timeout").unwrap_or(base.head_timeout),
        request_timeout: at
            .duration("request_timeout")
            .unwrap_or(base.request_timeout),
        connections: at
            .count("connections", 1..=1_000_000)
            .unwrap_or(base.connections),
        feed_streams: at
            .count("feed_streams", 1..=1_000_000)
            .unwrap_or(base.feed_streams),
        password_hashes: at
            .count("password_hashes", 1..=1024)
            .unwrap_or(base.password_hashes),
        password_queue: at
            .count("password_queue", 0..=1_000_000)
            .unwrap_or(base.password_queue),
        throttle_entries: at
            .count("throttle_entries", 1024..=10_000_000)
            .unwrap_or(base.throttle_entries),
        network_failures: at
            .count("network_failures", 3..=1_000_000)
            .unwrap_or(base.network_failures),
        argon2_memory_kib: at
            .count("argon2_memory_kib", 7168..=i64::from(MOST_ARGON2_KIB))
            .unwrap_or(base.argon2_memory_kib),
        argon2_passes: at
            .count("argon2_passes", 1..=i64::from(MOST_ARGON2_PASSES))
            .unwrap_or(base.argon2_passes),
    };
    for (key, value) in [
        ("head_timeout", limits.head_timeout),
        ("request_timeout", limits.request_timeout),
    ] {
        if value.is_zero() {
            at.fault(key, "must be at least 1s");
        }
    }
    at.finish();
    limits
}

const MEBIBYTES_16: i64 = 16 * 1024 * 1024;

fn retention(root: &mut Section) -> Retention {
    let base = Retention::default();
    let Some(mut at) = root.section("retention") else {
        return base;
    };
    let retention = Retention {
        sessions: at.duration("sessions").unwrap_or(base.sessions),
        audit: at.duration("audit").unwrap_or(base.audit),
        signing_key: at.duration("signing_key").unwrap_or(base.signing_key),
        publish_ahead: at.duration("publish_ahead").unwrap_or(base.publish_ahead),
    };
    if retention.sessions < std::time::Duration::from_hours(24) {
        at.fault(
            "sessions",
            "must be at least 1d: users are told why their session ended",
        );
    }
    if retention.signing_key <= retention.publish_ahead {
        at.fault(
            "signing_key",
            "must be longer than `retention.publish_ahead`",
        );
    }
    at.finish();
    retention
}

#[cfg(test)]
mod tests;
