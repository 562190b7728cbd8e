//! Opening: the lock, the checks, the pragmas, the migrations.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use sha2::{Digest, Sha256};

use crate::StoreError;

/// "Prlg"
pub(super) const APPLICATION_ID: i64 = 0x5072_6C67;
/// Pages that the writer keeps in memory. Filled only by what is in use.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// Bytes of a page where the database is new. Half of what is usual: a commit writes a page for each session in it.
const PAGE: i64 = 2048;
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_rows.sql"),
];

/// The schema that this version writes.
#[must_use]
pub const fn schema_version() -> usize {
    MIGRATIONS.len()
}

/// Holds a data folder for one store.
pub(super) struct FolderLock(File);

impl Drop for FolderLock {
    /// Lets go by name: a child process that is just being started may still hold a copy of the file.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Makes the folder, readable by its owner only, and takes the lock that a second server finds taken.
pub(super) fn lock(dir: &Path) -> Result<FolderLock, StoreError> {
    let cannot = |what: &str, error: &dyn core::fmt::Display| {
        StoreError::Unavailable(format!(
            "cannot {what} the data folder {}: {error}",
            dir.display()
        ))
    };
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder.create(dir).map_err(|error| cannot("make", &error))?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(dir.join("prolong.lock"))
        .map_err(|error| cannot("write to", &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let known = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
            let who = if known {
                format!(" (process {})", pid.trim())
            } else {
                String::new()
            };
            return Err(StoreError::Unavailable(format!(
                "another prolong{who} uses the data folder {}; stop it, or choose another data_dir",
                dir.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(cannot("lock", &error)),
    }
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| write!(file, "{}", std::process::id()));
    written.map_err(|error| cannot("write to", &error))?;
    Ok(FolderLock(file))
}

/// Makes the database of a folder that has none, under another name until it is whole. So an empty file in its place is
/// never one that was only begun, but one that lost everything, and is told.
pub(super) fn make_if_absent(path: &Path, epoch: [u8; 16]) -> Result<(), StoreError> {
    let beside = |end: &str| path.with_file_name(format!("prolong.db{end}"));
    match std::fs::metadata(path) {
        Ok(facts) if facts.len() == 0 => {
            return Err(StoreError::Damaged(format!(
                "{} is empty: restore a backup, or remove it to begin anew",
                path.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        // What is wrong with it is said better when it is opened.
        _ => return Ok(()),
    }
    if beside("-wal").exists() {
        // Its log, played back over another database, would make nonsense of that.
        return Err(StoreError::Damaged(format!(
            "{0} is gone, but its log {0}-wal is there: put the database back, restore a backup, or remove the log \
             too to begin anew",
            path.display()
        )));
    }
    let cannot = |error: std::io::Error| {
        StoreError::Unavailable(format!("cannot write {}: {error}", path.display()))
    };
    for end in [".making", ".making-wal", ".making-shm"] {
        match std::fs::remove_file(beside(end)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(cannot(error));
            }
            _ => {}
        }
    }
    let making = beside(".making");
    let db = writer(&making, epoch)?;
    db.close().map_err(|(_, error)| explain(&making, &error))?;
    File::open(&making)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&making, path))
        .map_err(cannot)
}

/// Opens the writer's connection, checks whose file it is, and migrates it.
pub(super) fn writer(path: &Path, epoch: [u8; 16]) -> Result<Connection, StoreError> {
    let told = |error: rusqlite::Error| explain(path, &error);
    private(path).map_err(|error| {
        StoreError::Unavailable(format!("cannot write {}: {error}", path.display()))
    })?;
    let mut db = Connection::open(path).map_err(told)?;
    let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = number("application_id").map_err(told)?;
    let version = usize::try_from(number("user_version").map_err(told)?).unwrap_or(usize::MAX);
    let objects: i64 = db
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(told)?;
    if application != APPLICATION_ID && (application != 0 || objects != 0) {
        return Err(StoreError::Damaged(format!(
            "{} is a database of another program",
            path.display()
        )));
    }
    if version > MIGRATIONS.len() {
        return Err(StoreError::Damaged(format!(
            "{} has schema {version}, but this prolong knows {} at most: run a newer prolong",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    if objects == 0 {
        db.pragma_update(None, "page_size", PAGE).map_err(told)?;
    }
    pragmas(&db).map_err(told)?;
    // Reads of the sessions that are about to be written come from here, not from the file.
    db.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)
        .map_err(told)?;
    migrate(&mut db, version, epoch).map_err(told)??;
    Ok(db)
}

/// The schema of a database, which is not changed by the question, not even its journal.
pub(super) fn schema_of(path: &Path) -> Result<usize, StoreError> {
    let ask = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))
    };
    let version = ask().map_err(|error| explain(path, &error))?;
    Ok(usize::try_from(version).unwrap_or(0))
}

/// A connection that only reads.
pub(super) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        pragmas(&db)?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| explain(path, &error))
}

/// A connection that copies the WAL back into the database, and does nothing else.
pub(super) fn copier(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let db = Connection::open(path)?;
        pragmas(&db)?;
        Ok(db)
    };
    open().map_err(|error: rusqlite::Error| explain(path, &error))
}

fn pragmas(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(64);
    // Without it, SQLite parses and plans a cached statement again whenever a value is bound that could, to its mind,
    // change the plan: here that is each time.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; \
         PRAGMA checkpoint_fullfsync = 1; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON; \
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; \
         PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; \
         PRAGMA secure_delete = ON;",
    )
}

fn migrate(
    db: &mut Connection,
    from: usize,
    epoch: [u8; 16],
) -> rusqlite::Result<Result<(), StoreError>> {
    let step = db.transaction()?;
    step.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, checksum BLOB NOT NULL) STRICT",
    )?;
    for (at, sql) in MIGRATIONS.iter().enumerate() {
        let checksum: [u8; 32] = Sha256::digest(sql.as_bytes()).into();
        let version = i64::try_from(at + 1).unwrap_or(i64::MAX);
        if at < from {
            let same = step
                .prepare("SELECT 1 FROM migration WHERE version = ?1 AND checksum = ?2")?
                .exists(params![version, checksum])?;
            if !same {
                return Ok(Err(StoreError::Damaged(format!(
                    "migration {version} was applied in another form than this prolong has"
                ))));
            }
            continue;
        }
        step.execute_batch(sql)?;
        step.execute(
            "INSERT INTO migration VALUES (?1, ?2)",
            params![version, checksum],
        )?;
        step.pragma_update(None, "user_version", version)?;
    }
    step.pragma_update(None, "application_id", APPLICATION_ID)?;
    step.execute(
        "INSERT OR IGNORE INTO feed_head VALUES (1, ?1, 0, zeroblob(16))",
        params![epoch],
    )?;
    step.commit().map(Ok)
}

/// Password hashes live in it: made for its owner's eyes only, whatever the umask. The WAL takes the same mode.
pub(super) fn private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

pub(super) fn explain(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode as Code;
    let path = path.display();
    match error.sqlite_error_code() {
        Some(Code::NotADatabase | Code::DatabaseCorrupt) => StoreError::Damaged(format!(
            "{path} is not a sound prolong database ({error}): restore a backup"
        )),
        None => StoreError::Damaged(format!("{path}: {error}")),
        Some(_) => StoreError::Unavailable(format!("{path}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_has_every_setting() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prolong.db");
        for db in [writer(&path, [1; 16]), reader(&path), copier(&path)] {
            let db = db.unwrap();
            let journal: String = db
                .pragma_query_value(None, "journal_mode", |row| row.get(0))
                .unwrap();
            assert_eq!(journal, "wal");
            for (name, value) in [
                ("synchronous", 2),
                ("fullfsync", 1),
                ("checkpoint_fullfsync", 1),
                ("wal_autocheckpoint", 0),
                ("foreign_keys", 1),
                ("trusted_schema", 0),
                ("cell_size_check", 1),
                ("mmap_size", 0),
                ("busy_timeout", 5000),
                ("temp_store", 2),
                ("secure_delete", 1),
            ] {
                let set: i64 = db.pragma_query_value(None, name, |row| row.get(0)).unwrap();
                assert_eq!(set, value, "{name}");
            }
        }
    }
}
