//! Copies of the database: made while it is used, put in place while it is not.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use prolong_core::{EndReason, Timestamp};
use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, params};

use super::{SqliteStore, open};
use crate::{Change, Committed, KeyState, NewFeedEntry, StoreError};

/// What a restore put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreReport {
    /// Sessions in the backup, ended ones too.
    pub sessions: u64,
    /// Users in the backup, tombstones too.
    pub users: u64,
    /// Sessions that the restore ended.
    pub ended: u64,
    /// The newest start or rotation in the backup: what came later is lost.
    pub newest: Option<Timestamp>,
    /// Signing keys of the backup that the replaced database knew to be unsafe: they are dead here too.
    pub dead_keys: u64,
    /// Where the replaced database was kept, if there was one.
    pub kept_aside: Option<PathBuf>,
}

/// All sessions end with a restore.
#[derive(Clone, Copy, Debug)]
pub struct EndAll {
    /// When.
    pub at: Timestamp,
    /// What verifiers are told.
    pub told: NewFeedEntry,
}

impl SqliteStore {
    /// Copies the database into the new file `to`, readable by its owner only, as of one moment. The store stays in
    /// use; call it where blocking is allowed.
    ///
    /// # Errors
    /// If `to` exists or cannot be written; a file begun is removed.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        self.check()?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options
            .open(to)
            .map_err(|error| cannot("write the backup", to, &error))?;
        let copied = copy(&self.path, to).and_then(|()| {
            file.sync_all()
                .map_err(|error| cannot("write the backup", to, &error))
        });
        if copied.is_err() {
            // The first error says more than a failure to tidy up.
            let _ = std::fs::remove_file(to);
        }
        copied
    }

    /// Puts a backup in place of the database in `data_dir`, under the feed epoch `new_epoch` (16 random bytes), and
    /// sets the fact `restore_declared`, so that clients that are ahead of the backup are adopted. With `end_all`,
    /// ends every live session, and tells the feed in the same transaction. A signing key that was declared unsafe since
    /// the backup was made stays so, as far as the database in place can be read. The backup itself is not touched.
    ///
    /// # Errors
    /// If a server uses `data_dir`, or the backup is damaged, of another program, or of a newer prolong: then the
    /// database in place is untouched.
    pub fn restore(
        backup: &Path,
        data_dir: &Path,
        end_all: Option<EndAll>,
        new_epoch: [u8; 16],
    ) -> Result<RestoreReport, StoreError> {
        let _lock = open::lock(data_dir)?;
        finish_restore(data_dir)?;
        let (place, fresh) = (
            data_dir.join("prolong.db"),
            data_dir.join("prolong.db.restoring"),
        );
        remove(&fresh)?;
        open::private(&fresh).map_err(|error| cannot("write", &fresh, &error))?;
        copy(backup, &fresh)?;
        let db = open::writer(&fresh, new_epoch)?;
        // A database that is damaged may be the very reason for the restore.
        let dead = dead_keys(&place).unwrap_or_default();
        let mut report = declare(&db, end_all, new_epoch, &dead)
            .map_err(|error| open::explain(backup, &error))??;
        db.close()
            .map_err(|(_, error)| open::explain(&fresh, &error))?;
        sync(&fresh)?;
        let whole = data_dir.join(RESTORED);
        std::fs::rename(&fresh, &whole).map_err(|error| cannot("write", &whole, &error))?;
        sync(data_dir)?;
        report.kept_aside = finish_restore(data_dir)?;
        Ok(report)
    }
}

/// A restored database that is whole. From here on the restore has happened: whoever opens the folder next goes on with it.
const RESTORED: &str = "prolong.db.restored";

/// The last steps of a restore, from wherever they broke off: the database in place and its log go aside, then the
/// restored one takes their place. So a database is never opened without the log that holds its last commits, and a folder
/// that lacks one is never taken for a new one. Does nothing where no restore broke off. Returns what was kept aside.
pub(super) fn finish_restore(data_dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    let (place, whole) = (data_dir.join("prolong.db"), data_dir.join(RESTORED));
    if !whole.exists() {
        return Ok(None);
    }
    // A log without its database, too: it must not lie beside another one.
    let replaced = if place.exists() || data_dir.join("prolong.db-wal").exists() {
        Some(keep_aside(&place)?)
    } else {
        None
    };
    std::fs::rename(&whole, &place).map_err(|error| cannot("put in place", &place, &error))?;
    sync(data_dir)?;
    Ok(replaced)
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| open::explain(from, &error))?;
    let told = |error: rusqlite::Error| open::explain(from, &error);
    let application: i64 = source
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(told)?;
    if application != open::APPLICATION_ID {
        return Err(StoreError::Damaged(format!(
            "{} is not a prolong database",
            from.display()
        )));
    }
    let mut target = Connection::open(to).map_err(|error| open::explain(to, &error))?;
    let backup = Backup::new(&source, &mut target).map_err(told)?;
    // All pages in one step, under one read snapshot: a writer in between cannot make it start again.
    backup
        .run_to_completion(i32::MAX, Duration::ZERO, None)
        .map_err(told)
}

/// The signing keys that a database knows to be unsafe.
fn dead_keys(place: &Path) -> rusqlite::Result<Vec<String>> {
    let db = Connection::open_with_flags(place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut dead = db.prepare("SELECT kid FROM signing_key WHERE state = ?1")?;
    dead.query_map(params![KeyState::Dead.number()], |row| row.get(0))?
        .collect()
}

fn declare(
    db: &Connection,
    end_all: Option<EndAll>,
    epoch: [u8; 16],
    dead: &[String],
) -> rusqlite::Result<Result<RestoreReport, StoreError>> {
    let sound: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Ok(Err(StoreError::Damaged(format!(
            "the backup is damaged: {sound}"
        ))));
    }
    let counts = super::read::counts(db)?;
    let newest: Option<i64> = db.query_row(
        "SELECT max(max(started_at, rotated_at)) FROM session",
        [],
        |row| row.get(0),
    )?;
    let step = db.unchecked_transaction()?;
    step.execute("UPDATE feed_head SET epoch = ?1", params![epoch])?;
    step.execute(
        "INSERT OR REPLACE INTO fact VALUES ('restore_declared', 'true')",
        [],
    )?;
    let mut dead_keys = 0;
    for kid in dead {
        dead_keys += step.execute(
            "UPDATE signing_key SET state = ?2, sealed = zeroblob(0) WHERE kid = ?1 AND state <> ?2",
            params![kid, KeyState::Dead.number()],
        )?;
    }
    let ended = match end_all {
        None => 0,
        Some(EndAll { at, told }) => {
            super::apply::change(&step, Change::AppendFeed(told), &mut Committed::default())?;
            // Who asks why they were signed out is told by whom, as after any other end.
            step.execute(
                "INSERT INTO audit (at, what, actor, user, session, detail)
                 SELECT ?1, 'session.ended', 'operator', user, id,
                     json_object('reason', ?2, 'client_id', client, 'device_name', device_name)
                 FROM session WHERE end_reason = 0",
                params![at.as_millis(), EndReason::EndedByAdmin.as_str()],
            )?;
            step.execute(
                "UPDATE session SET end_reason = ?1, ended_at = ?2 WHERE end_reason = 0",
                params![EndReason::EndedByAdmin.number(), at.as_millis()],
            )?
        }
    };
    step.commit()?;
    Ok(Ok(RestoreReport {
        sessions: counts.sessions,
        users: counts.users,
        ended: ended as u64,
        dead_keys: dead_keys as u64,
        newest: newest.map(Timestamp::from_millis),
        kept_aside: None,
    }))
}

/// The replaced database with its WAL, which may hold its last commits.
fn keep_aside(place: &Path) -> Result<PathBuf, StoreError> {
    let name = |n: u32, end: &str| place.with_file_name(format!("prolong.db.replaced-{n}{end}"));
    let n = (1..=u32::MAX)
        .find(|&n| !name(n, "").exists())
        .unwrap_or(u32::MAX);
    for end in ["-wal", "-shm", ""] {
        let from = place.with_file_name(format!("prolong.db{end}"));
        if from.exists() {
            std::fs::rename(&from, name(n, end))
                .map_err(|error| cannot("set aside", &from, &error))?;
        }
    }
    Ok(name(n, ""))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(cannot("remove", path, &error))
        }
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("cannot {what} {}: {error}", path.display()))
}
