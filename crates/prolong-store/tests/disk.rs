//! What is on the disk, and what happens when it cannot be: size, secrets, places that are no good, a full disk.
#![cfg(feature = "conformance")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests: a failure is a panic"
)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prolong_core::{AttemptHash, ProducedBy, SecretHash, Session, SessionId};
use prolong_store::conformance::{rotation, session, user};
use prolong_store::{
    Change, KeyState, NewAuditLine, NotCommitted, Page, SealedKey, SessionFilter, SqliteOptions,
    SqliteStore, Store, StoreError, Ticket, Transaction, User,
};
use rusqlite::Connection;
use tempfile::tempdir;

const FULL: &str = "PROLONG_FULL_DISK_FOLDER";
const IN_PLACE: &str = "PROLONG_WRITE_IN_PLACE";
/// A megabyte for the folder, and 64 kB of it to be given back.
const ON_A_SMALL_DISK: &str =
    "mount -t tmpfs -o size=1m none \"$PROLONG_FULL_DISK_FOLDER\" && exec \"$@\"";
/// At most 512 kB a file; without the trap the signal would kill.
const WITH_SMALL_FILES: &str = "trap '' XFSZ; ulimit -f 512; exec \"$@\"";

fn open(dir: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, SqliteOptions::new([1; 16]))
}

/// A store in which whoever writes alone writes where they are.
fn open_in_place(dir: &Path) -> Result<SqliteStore, StoreError> {
    let options = SqliteOptions {
        in_place_after: Some(0),
        ..SqliteOptions::new([1; 16])
    };
    SqliteStore::open(dir, options)
}

fn told(dir: &Path) -> String {
    open(dir).err().expect("it opened").to_string()
}

async fn commit(store: &SqliteStore, changes: Vec<Change>) {
    store.commit(Transaction { changes }).await.unwrap();
}

/// As a browser on a phone leaves it after a few rotations; ids scattered as random ones are.
fn realistic(n: u64) -> Session {
    let scattered = u128::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    Session {
        id: SessionId(scattered.to_be_bytes()),
        client: "shop-web".into(),
        produced_by: ProducedBy::Attempt(AttemptHash([9; 8])),
        predecessor_attempt: Some(AttemptHash([8; 8])),
        scope: Some("openid profile orders:read".into()),
        device_name: Some("Marie's iPhone 16 Pro".into()),
        user_agent: Some("Mobile Safari 18 on iOS".into()),
        ip: Some("203.0.113.0/24".into()),
        ..session(1, 1)
    }
}

async fn fill(store: &SqliteStore, sessions: u64) {
    commit(store, vec![Change::InsertUser(user(1))]).await;
    let start = |n| Change::StartSession(realistic(n));
    commit(store, (0..sessions).map(start).collect()).await;
}

#[tokio::test]
async fn a_session_takes_at_most_250_bytes() {
    let dir = tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    fill(&store, 20_000).await;
    drop(store);
    let path = dir.path().join("prolong.db");
    let db = Connection::open(&path).unwrap();
    let sum = "SELECT sum(payload) FROM dbstat WHERE name = ?1";
    let bytes = |name| {
        db.query_row(sum, [name], |row| row.get::<_, i64>(0))
            .unwrap()
            / 20_000
    };
    let payload = bytes("session");
    let indexes = bytes("session_by_id") + bytes("session_by_user");
    let file = std::fs::metadata(&path).unwrap().len() / 20_000;
    println!("a session: {payload} bytes, {indexes} in the indexes, {file} of the file");
    assert!(payload <= 250, "{payload}");
    assert!(file <= 350, "{file}");
}

/// A million prolongations. The bound: what the sessions take, and a WAL of 32,000 pages with one batch more.
#[tokio::test]
async fn prolonging_leaves_as_many_rows_and_a_file_of_bounded_size() {
    const SESSIONS: u64 = 1_000;
    const ROUNDS: u64 = 1_000;
    let dir = tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    fill(&store, SESSIONS).await;
    let mut sessions: Vec<_> = (0..SESSIONS).map(realistic).collect();
    for _ in 0..ROUNDS {
        let changes = sessions.iter().map(rotation).collect();
        commit(&store, changes).await;
        for session in &mut sessions {
            session.generation = session.generation.next();
            session.rotated_at = session.rotated_at.plus(core::time::Duration::from_mins(1));
        }
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(
        (counts.sessions, counts.sessions_not_ended),
        (SESSIONS, SESSIONS)
    );
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    let (db, wal) = (size("prolong.db"), size("prolong.db-wal"));
    println!(
        "{} prolongations: database {db}, WAL {wal} bytes",
        ROUNDS * SESSIONS
    );
    assert!(db < 1_000_000, "{db}");
    assert!(wal < 70_000_000, "{wal}");
}

/// What the authority must hash or seal never gets here in the clear, so whatever is here in the clear is meant to be:
/// this finds copies in places that nobody thought of, such as free pages after a removal is followed by a backup.
#[tokio::test]
async fn what_is_stored_is_in_its_columns_and_what_was_removed_is_gone_from_a_backup() {
    let dir = tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let planted = |n: u8| [b"planted-secret--planted-secret-", &[n][..]].concat();
    let hash = |n| <[u8; 32]>::try_from(planted(n)).unwrap();
    let text = |n| String::from_utf8(planted(n)).unwrap();
    commit(
        &store,
        vec![
            Change::InsertUser(User {
                password_hash: Some(text(b'1')),
                ..user(1)
            }),
            Change::StartSession(Session {
                secret: SecretHash(hash(b'2')),
                ..session(1, 1)
            }),
            Change::PutTicket(Ticket {
                hash: hash(b'3'),
                client: "web".to_owned(),
                sign_in: "{}".to_owned(),
                expires_at: session(1, 1).started_at,
            }),
            Change::PutSigningKey(SealedKey {
                kid: "k".to_owned(),
                algorithm: "ES256".to_owned(),
                state: KeyState::Active,
                public_jwk: "{}".to_owned(),
                sealed: planted(b'4'),
                created_at: session(1, 1).started_at,
                state_since: session(1, 1).started_at,
            }),
        ],
    )
    .await;
    commit(
        &store,
        vec![
            Change::RemoveUser(user(1).key),
            Change::RemoveSessions(vec![session(1, 1).id]),
            Change::TakeTicket { hash: hash(b'3') },
            Change::RemoveSigningKey("k".to_owned()),
        ],
    )
    .await;
    store.backup(&dir.path().join("backup")).unwrap();
    drop(store);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(14).any(|window| window == b"planted-secret");
        assert!(!found, "{} holds what was removed", path.display());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others", path.display());
    }
}

#[test]
fn a_truncated_file_is_told_and_left_alone() {
    let dir = tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let path = dir.path().join("prolong.db");
    let whole = std::fs::read(&path).unwrap();
    for keep in [50, 4096, whole.len() - 4096] {
        std::fs::write(&path, &whole[..keep]).unwrap();
        let told = told(dir.path());
        assert!(
            told.contains("prolong.db") && told.contains("restore a backup"),
            "{keep}: {told}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), whole[..keep]);
    }
}

/// A folder in procfs: not writable for anyone, the superuser included.
#[cfg(target_os = "linux")]
#[test]
fn a_place_that_cannot_be_written_is_told() {
    for place in ["/proc/self", "/proc/prolong"] {
        let told = told(Path::new(place));
        assert!(
            told.contains("data folder") && told.contains(place),
            "{told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_is_of_one_moment() {
    let dir = tempdir().unwrap();
    let store = Arc::new(open(dir.path()).unwrap());
    fill(&store, 2).await;
    let done = Arc::new(AtomicBool::new(false));
    let swapping = tokio::spawn({
        let (store, done) = (store.clone(), done.clone());
        async move {
            // Both at once: a copy that has one swap of a pair is of no moment at all.
            while !done.load(Ordering::Relaxed) {
                let mut changes = Vec::new();
                for n in 0..2 {
                    let found = store.session(realistic(n).id).await.unwrap().unwrap();
                    changes.push(rotation(&found.session));
                }
                commit(&store, changes).await;
            }
        }
    });
    let mut last = None;
    for n in 0..10 {
        let (place, backup) = (tempdir().unwrap(), dir.path().join(format!("backup-{n}")));
        let (copied, to) = (store.clone(), backup.clone());
        tokio::task::spawn_blocking(move || copied.backup(&to))
            .await
            .unwrap()
            .unwrap();
        SqliteStore::restore(&backup, place.path(), None, [2; 16]).unwrap();
        let restored = open(place.path()).unwrap();
        let all = Page {
            after: None,
            limit: 9,
        };
        let found = restored
            .sessions(&SessionFilter::default(), &all)
            .await
            .unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].session.generation, found[1].session.generation);
        assert!(last <= Some(found[0].session.generation));
        last = Some(found[0].session.generation);
    }
    done.store(true, Ordering::Relaxed);
    swapping.await.unwrap();
    assert!(last.unwrap().0 > 0, "nothing was swapped meanwhile");
}

/// More is written than the WAL may ever hold (the writer stops to copy at 64,000 pages of 2 KiB), without a pause.
#[tokio::test]
async fn the_wal_stays_bounded_however_much_is_written() {
    bounded(open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wal_stays_bounded_however_much_is_written_in_place() {
    bounded(open_in_place).await;
}

async fn bounded(open: impl Fn(&Path) -> Result<SqliteStore, StoreError>) {
    let dir = tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let wal = || std::fs::metadata(dir.path().join("prolong.db-wal")).map_or(0, |wal| wal.len());
    for _ in 0..60 {
        let lines = (0..1000).map(|_| {
            Change::AppendAudit(NewAuditLine {
                detail: "x".repeat(4000),
                ..line()
            })
        });
        commit(&store, lines.collect()).await;
        assert!(wal() < 36_000 * 4120, "{} bytes of WAL", wal());
    }
    let stats = store.writer_stats();
    assert!(stats.checkpoints > 0, "nothing was finished");
    assert!(
        stats.copy_micros > 0,
        "nothing was copied beside the writer"
    );
}

/// Not a test by itself: fills a small disk, makes room, and goes on.
#[tokio::test(flavor = "multi_thread")]
async fn victim() {
    let Some(folder) = std::env::var_os(FULL) else {
        return;
    };
    let folder = Path::new(&folder);
    let ballast = folder.join("ballast");
    let small_files = std::fs::write(&ballast, vec![1; 600_000]).is_err();
    let in_place = std::env::var_os(IN_PLACE).is_some();
    let store = if in_place {
        open_in_place(folder)
    } else {
        open(folder)
    };
    let store = store.unwrap();
    commit(&store, vec![Change::InsertUser(user(1))]).await;
    let mut acknowledged = 0;
    let refused = loop {
        let one = Transaction::of(Change::StartSession(realistic(acknowledged)))
            .and(Change::AppendAudit(line()));
        match store.commit(one).await {
            Ok(_) => acknowledged += 1,
            Err(refused) => break refused,
        }
    };
    let NotCommitted::Failed(StoreError::Unavailable(why)) = refused else {
        panic!("{refused:?}");
    };
    println!("\nrefused after {acknowledged}: {why}");
    let stored = store.counts().await;
    if small_files {
        // The disk is not full but failing: this store has stopped for good, and says so.
        assert!(store.failed().is_some());
        assert!(stored.is_err() || store.counts().await.is_err());
        println!("stopped");
        return;
    }
    assert_eq!(store.failed(), None);
    assert_eq!(stored.unwrap().sessions, acknowledged);
    std::fs::remove_file(&ballast).unwrap();
    let next = Change::StartSession(realistic(acknowledged));
    commit(&store, vec![next, Change::AppendAudit(line())]).await;
    assert!(store.writer_stats().failures > 0);
    drop(store);
    let counts = open(folder).unwrap().counts().await.unwrap();
    assert_eq!(
        (counts.sessions, counts.audit_lines),
        (acknowledged + 1, acknowledged + 1)
    );
    println!("went on");
}

fn line() -> NewAuditLine {
    NewAuditLine {
        at: session(1, 1).started_at,
        what: "session.started",
        actor: "user".to_owned(),
        user: Some(user(1).key),
        session: None,
        detail: format!("{{\"more\":\"{}\"}}", "x".repeat(900)),
    }
}

fn run_victim(command: &mut Command, script: &str, folder: &Path) -> (bool, String) {
    let outcome = command
        .args(["sh", "-c", script, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["victim", "--exact", "--nocapture"])
        .env(FULL, folder)
        .stderr(Stdio::piped())
        .output();
    let Ok(outcome) = outcome else {
        return (false, "no such command".to_owned());
    };
    let both = [outcome.stdout, outcome.stderr].concat();
    let both = String::from_utf8_lossy(&both).into_owned();
    (outcome.status.success(), both)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_refuses_and_then_works_again() {
    for set in [&[][..], &[(IN_PLACE, "1")]] {
        let dir = tempdir().unwrap();
        let mut apart = Command::new("unshare");
        apart.args(["--user", "--map-root-user", "--mount"]);
        let (ok, said) = run_victim(apart.envs(set.iter().copied()), ON_A_SMALL_DISK, dir.path());
        if !said.contains("running 1 test") {
            println!("not tested: no file system of our own can be mounted here: {said}");
            return;
        }
        assert!(
            ok && said.contains("refused after") && said.contains("went on"),
            "{set:?}: {said}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_failing_disk_stops_the_store_and_loses_nothing_acknowledged() {
    for set in [&[][..], &[(IN_PLACE, "1")]] {
        let dir = tempdir().unwrap();
        let mut as_is = Command::new("env");
        let (ok, said) = run_victim(
            as_is.envs(set.iter().copied()),
            WITH_SMALL_FILES,
            dir.path(),
        );
        assert!(ok && said.contains("stopped"), "{set:?}: {said}");
        let acknowledged = said.split("refused after ").nth(1).unwrap();
        let acknowledged: u64 = acknowledged.split(':').next().unwrap().parse().unwrap();
        let store = open(dir.path()).unwrap();
        let stored = store.counts().await.unwrap().sessions;
        assert!(
            stored == acknowledged || stored == acknowledged + 1,
            "{set:?}: {stored}, {acknowledged}"
        );
        commit(&store, vec![Change::StartSession(realistic(1_000_000))]).await;
    }
}
