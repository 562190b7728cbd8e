//! Folder, files, permissions, disk, clock: what can be seen without opening anything.

use std::path::Path;

use anyhow::{Context, bail};
use prolong_server::clock::Clock;
use prolong_store::SqliteStore;

use super::Findings;
use crate::clock::{SystemClock, shown};
use crate::config::Config;
use crate::door::socket_path;
use crate::master_key;
use crate::tls::Certificate;

pub(super) fn look(config: &Config, findings: &mut Findings) {
    master_keys(config, findings);
    if let Some(tls) = &config.tls {
        let loaded = Certificate::load(tls).map(|_| tls.cert.display().to_string());
        findings.result("tls", loaded);
    }
    let clock = SystemClock::new().trusted_now().map(shown);
    findings.result("clock", clock.map_err(anyhow::Error::msg));
    if !config.data_dir.exists() {
        findings.good(
            "data folder",
            format!(
                "{} is not there yet; the first start makes it",
                config.data_dir.display()
            ),
        );
        return;
    }
    if !config.data_dir.is_dir() {
        let error = anyhow::anyhow!(
            "{} is not a folder: move it away, or choose another with --data-dir or `data_dir`",
            config.data_dir.display()
        );
        findings.bad("data folder", &error);
        return;
    }
    #[cfg(unix)]
    data_folder(&config.data_dir, findings);
    #[cfg(unix)]
    disk(&config.data_dir, findings);
    leftovers(config, findings);
    match SqliteStore::schema_of(&config.data_dir) {
        Ok(None) => {}
        Ok(Some(schema)) if schema < prolong_store::schema_version() => findings.warn(
            "schema",
            format!(
                "{schema}; this version brings it to {} at its next start, or now by `prolong migrate`: make a backup first",
                prolong_store::schema_version()
            ),
        ),
        Ok(Some(schema)) => findings.good("schema", schema.to_string()),
        Err(error) => findings.bad("schema", &error.into()),
    }
}

fn master_keys(config: &Config, findings: &mut Findings) {
    if config.master_key.is_some() {
        findings.result(
            "master key",
            master_key::load(config)
                .map(|keys| format!("from the environment; newest id {}", keys.newest().0)),
        );
        return;
    }
    let path = &config.master_key_file;
    if !path.exists() && !config.data_dir.join("prolong.db").exists() {
        findings.good("master key", "none yet; the first start makes it");
        return;
    }
    let looked = master_key::check_mode(path)
        .and_then(|()| master_key::load(config))
        .map(|keys| format!("{}; newest id {}", path.display(), keys.newest().0));
    findings.result("master key", looked);
}

/// Only the owner of the data folder may look into it: password hashes and the operator's socket are there.
#[cfg(unix)]
fn data_folder(dir: &Path, findings: &mut Findings) {
    findings.result("data folder", private(dir, 0o077, "700"));
    let database = dir.join("prolong.db");
    for (what, path) in [("database file", database), ("operator", socket_path(dir))] {
        if path.exists()
            && let Err(error) = private(&path, 0o077, "600")
        {
            findings.bad(what, &error);
        }
    }
    let tried = tempfile_in(dir);
    if let Err(error) = tried {
        findings.bad("data folder", &error);
    }
}

#[cfg(unix)]
fn private(path: &Path, forbidden: u32, remedy: &str) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt;
    let facts =
        std::fs::metadata(path).with_context(|| format!("cannot look at {}", path.display()))?;
    let mode = facts.permissions().mode() & 0o777;
    if mode & forbidden != 0 {
        bail!(
            "others on this machine can reach {0} (mode {mode:o}): chmod {remedy} {0}",
            path.display()
        );
    }
    Ok(path.display().to_string())
}

/// Whether this user may write there, which a mode alone does not say (another owner, a read-only disk).
#[cfg(unix)]
fn tempfile_in(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(format!(".doctor-{}", crate::entropy::hex::<4>()));
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .with_context(|| {
            format!(
                "cannot write in {}: run this as the user that runs the server, or mend the owner",
                dir.display()
            )
        })?;
    // An empty file that stays is no harm.
    let _ = std::fs::remove_file(&path);
    Ok(())
}

#[cfg(unix)]
fn disk(dir: &Path, findings: &mut Findings) {
    match rustix::fs::statvfs(dir) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let of = disk.f_blocks.saturating_mul(disk.f_frsize);
            disk_space(dir, free, of, findings);
        }
        Err(error) => findings.warn("disk", format!("its free space is not known: {error}")),
    }
}

/// A full disk stops every sign-in and every renewal, so there should be room for the WAL and for a while.
#[cfg(unix)]
fn disk_space(dir: &Path, free: u64, of: u64, findings: &mut Findings) {
    let text = format!("{} MiB free where {} is", free >> 20, dir.display());
    if free < 64 << 20 {
        let error = anyhow::anyhow!(
            "only {text}: without room nothing can be stored and everything is answered 503"
        );
        findings.bad("disk", &error);
    } else if free < 1 << 30 && free < of / 20 {
        findings.warn("disk", format!("only {text}"));
    } else {
        findings.good("disk", text);
    }
}

/// What a crash left behind. None of it is in the way of the next start.
fn leftovers(config: &Config, findings: &mut Findings) {
    let socket = socket_path(&config.data_dir);
    #[cfg(unix)]
    if socket.exists() && std::os::unix::net::UnixStream::connect(&socket).is_err() {
        findings.warn(
            "operator",
            format!(
                "{} is left over: no server listens there. The next start replaces it",
                socket.display()
            ),
        );
    }
    let restored = config.data_dir.join("prolong.db.restored");
    if restored.exists() {
        findings.warn(
            "restore",
            format!("a restore broke off just before its end: {} is whole, and whatever opens the folder next puts it in place", restored.display()),
        );
    }
    let restoring = config.data_dir.join("prolong.db.restoring");
    if restoring.exists() {
        findings.warn(
            "restore",
            format!("{} is left over from a restore that broke off: the database in place is the old one. Restore again, or remove the file", restoring.display()),
        );
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn a_disk_that_fills_up_is_told_in_time() {
        for (free, of, level) in [
            (10 << 20, 100 << 30, Level::Bad),
            (63 << 20, 100 << 20, Level::Bad),
            (500 << 20, 100 << 30, Level::Warning),
            (500 << 20, 2 << 30, Level::Good),
            (50 << 30, 100 << 30, Level::Good),
        ] {
            let mut findings = Findings::default();
            disk_space(Path::new("x"), free, of, &mut findings);
            assert!(findings.0[0].level == level, "{free} of {of}");
        }
    }
}
