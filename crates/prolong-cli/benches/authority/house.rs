//! A data folder with sessions in it, and the real server on top.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use prolong_core::{
    Flags, Generation, KeyId, Life, Limit, ProducedBy, SecretHash, Session, SessionId, Shard,
    Standing, Timestamp, UserKey,
};
use prolong_server::entropy::Entropy;
use prolong_server::keys::{MasterKeys, RefreshKeys, SessionSecret};
use prolong_store::{Change, SqliteOptions, SqliteStore, Store, Transaction, User};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::load::Outcome;

/// Sessions per user: a phone and a laptop.
const DEVICES: u64 = 2;
const MASTER_KEY: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A data folder.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) sessions: u64,
    /// What the file took when it held the users and no session.
    pub(crate) users_bytes: u64,
    keys: RefreshKeys,
}

impl House {
    /// Strict rotation (`min_rotation_interval` and `grace` 0), so that every refresh rotates and is durable.
    pub(crate) fn with_sessions(sessions: u64, algorithm: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("prolong-bench")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let config = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = \"data\"\nmaster_key_file = \"master.key\"\nalgorithm = \"{algorithm}\"\n\
             [[clients]]\nid = \"web\"\npolicy = \"strict\"\naudience = \"orders-api\"\nscopes = [\"orders:read\", \"orders:write\"]\n\
             origins = [\"https://app.example\"]\n\
             [policies.strict]\npreset = \"refresh\"\ngrace = \"0s\"\nmin_rotation_interval = \"0s\"\n"
        );
        let mut house = Self {
            sessions,
            users_bytes: 0,
            keys: RefreshKeys::derive(&MasterKeys::parse(MASTER_KEY).unwrap()),
            folder,
        };
        std::fs::write(house.path().join("prolong.toml"), config).unwrap();
        house.write_master_key();
        if sessions > 0 {
            house.fill();
        }
        house
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    fn database(&self) -> PathBuf {
        self.path().join("data/prolong.db")
    }

    fn write_master_key(&self) {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(self.path().join("master.key")).unwrap();
        writeln!(file, "{MASTER_KEY}").unwrap();
    }

    /// Users first, so that what they take of the file can be told from what the sessions take.
    fn fill(&mut self) {
        self.commit_each(self.users(), |n| Change::InsertUser(user(n)));
        self.users_bytes = self.file_bytes();
        self.commit_each(self.sessions, |n| Change::StartSession(session(n)));
    }

    fn commit_each(&self, count: u64, change: impl Fn(u64) -> Change) {
        let store = self.store();
        let runtime = runtime();
        for first in (0..count).step_by(4000) {
            let changes = (first..count.min(first + 4000)).map(&change).collect();
            runtime
                .block_on(store.commit(Transaction { changes }))
                .unwrap();
        }
    }

    pub(crate) fn users(&self) -> u64 {
        self.sessions.div_ceil(DEVICES)
    }

    /// The database's file, without its log.
    pub(crate) fn file_bytes(&self) -> u64 {
        std::fs::metadata(self.database()).map_or(0, |file| file.len())
    }

    /// The store, while no server runs.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path().join("data"), SqliteOptions::new([1; 16])).unwrap()
    }

    /// The refresh token of session `n` at a generation.
    pub(crate) fn token(&self, n: u64, generation: Generation) -> String {
        self.keys
            .seal(session_id(n), KeyId(1), generation, &secret(n))
            .unwrap()
    }

    /// The stored generations of all sessions, in the order of their numbers.
    pub(crate) fn generations(&self) -> Vec<u64> {
        let store = self.store();
        let runtime = runtime();
        let generation = |n| {
            let found = runtime.block_on(store.session(session_id(n))).unwrap();
            found.unwrap().session.generation.0
        };
        (0..self.sessions).map(generation).collect()
    }

    /// Starts the real binary; `ready` is how long it took until `/readyz` said 200.
    pub(crate) fn serve(&self, binary: &Path) -> Server {
        let begun = Instant::now();
        let mut process = Command::new(binary)
            .current_dir(self.path())
            .arg("serve")
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(log.read_line(&mut line).unwrap() > 0, "it stopped:\n{seen}");
            seen.push_str(&line);
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split(',').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::stdout()));
        let mut server = Server {
            process,
            address,
            ready: Duration::ZERO,
        };
        while crate::http::status(&server.address, "/readyz") != 200 {
            assert!(begun.elapsed() < Duration::from_mins(1), "never ready");
        }
        server.ready = begun.elapsed();
        server
    }
}

/// The real server. Dropping it kills it (`SIGKILL`), so what is read afterwards was durable.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    pub(crate) ready: Duration,
}

impl Server {
    /// `VmRSS`, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib: f64 = line
            .and_then(|line| line.split_whitespace().nth(1))
            .unwrap()
            .parse()
            .unwrap();
        kib / 1024.0
    }

    /// Processor time so far, in seconds (user and system).
    pub(crate) fn processor_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1;
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().unwrap())
            .sum();
        ticks / 100.0
    }

    /// Processor time of the server per request, in microseconds: says more than rates do on a machine that is shared.
    pub(crate) fn micros_each(&self, before: f64, outcome: &Outcome) -> f64 {
        (self.processor_seconds() - before) * 1e6 / outcome.requests as f64
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Scattered over the table, as random ids are.
fn session_id(n: u64) -> SessionId {
    let random = hash(&[b"session", &n.to_be_bytes()]);
    let sub = user(n / DEVICES).sub;
    let shard = Shard::of_user(&hash(&[sub.as_bytes()]));
    SessionId::from_random(random[..16].try_into().unwrap(), shard)
}

fn user(n: u64) -> User {
    let sub = format!("user-{n:08}");
    let key = hash(&[b"prolong/user/v1", sub.as_bytes()]);
    User {
        key: UserKey(key[..16].try_into().unwrap()),
        login: Some(format!("{sub}@example.com")),
        password_hash: Some(PASSWORD_HASH.to_owned()),
        claims: r#"{"role":"customer"}"#.to_owned(),
        standing: Standing::new(),
        created_at: now(),
        deleted_at: None,
        revision: 0,
        sub,
    }
}

/// Of the size that Argon2id has; nobody knows its password.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn secret_bytes(n: u64) -> [u8; 16] {
    hash(&[b"secret", &n.to_be_bytes()])[..16]
        .try_into()
        .unwrap()
}

fn secret(n: u64) -> SessionSecret {
    struct Fixed([u8; 16]);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }
    SessionSecret::draw(&Fixed(secret_bytes(n)))
}

fn session(n: u64) -> Session {
    let id = session_id(n);
    let started = now();
    let day = Duration::from_hours(24);
    Session {
        id,
        user: user(n / DEVICES).key,
        client: "web".into(),
        life: Life::Live,
        flags: Flags::default(),
        generation: Generation(0),
        key: KeyId(1),
        previous_key: KeyId(1),
        secret: SecretHash(hash(&[b"prolong/s/v1", &id.0, &secret_bytes(n)])),
        produced_by: ProducedBy::Unnamed,
        predecessor_attempt: None,
        forgiven: None,
        rotated_at: started,
        active_at: started,
        started_at: started,
        authenticated_at: started,
        idle: Limit::After(7 * day),
        absolute_end: Some(started.plus(30 * day)),
        version: Standing::new().version,
        scope: None,
        acr: None,
        device_name: Some("maryo's iPad".into()),
        user_agent: Some("Firefox on Linux".into()),
        ip: Some("192.0.2.0/24".into()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server that is measured reads the system's clock"
)]
fn now() -> Timestamp {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();
    Timestamp::EPOCH.plus(since)
}
