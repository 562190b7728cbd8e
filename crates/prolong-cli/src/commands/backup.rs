//! `prolong backup`, `prolong restore`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::http::Method;
use prolong_server::clock::Clock;
use prolong_server::entropy::draw;
use prolong_server::feed::everything_ended;
use prolong_store::{EndAll, SqliteStore};
use serde_json::json;

use crate::clock::{SystemClock, shown};
use crate::config::Config;
use crate::door::{self, Door};
use crate::entropy::{self, SystemEntropy};
use crate::house;
use crate::out::Out;

pub(super) async fn backup(config: &Config, file: &Path, out: Out) -> anyhow::Result<()> {
    let file = std::path::absolute(file)?;
    if door::socket_path(&config.data_dir).exists()
        && let Ok(door @ Door::Socket(..)) = Door::open(config).await
    {
        door.call(
            Method::POST,
            super::serve::BACKUP,
            Some(&json!({ "to": file })),
        )
        .await
        .context("the running server writes the backup, to where it may: a folder beside its database will do")?;
    } else {
        copy_out(&house::open_store(config)?, &file)?;
    }
    let facts = json!({ "file": file, "needs": config.master_key_file });
    let text = format!(
        "wrote {}. It needs the master key {} to be of use; keep the two apart",
        file.display(),
        config.master_key_file.display()
    );
    out.facts(&facts, &text);
    Ok(())
}

/// Copies the database into `to`, which appears when the copy is whole: one that broke off never looks like a backup.
pub(super) fn copy_out(store: &SqliteStore, to: &Path) -> anyhow::Result<()> {
    if to.exists() {
        bail!("{} is there already; choose another name", to.display());
    }
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.partial", entropy::hex::<4>()));
    let partial = PathBuf::from(name);
    let cannot = || format!("cannot write {}", to.display());
    store.backup(&partial).with_context(cannot)?;
    std::fs::rename(&partial, to).with_context(cannot)
}

pub(super) async fn restore(
    config: &Config,
    file: &Path,
    end_all: bool,
    out: Out,
) -> anyhow::Result<()> {
    let end_all = end_all.then(|| {
        let at = SystemClock::new().now();
        let told = everything_ended(at);
        EndAll { at, told }
    });
    let report = SqliteStore::restore(file, &config.data_dir, end_all, draw(&SystemEntropy))?;
    if end_all.is_some() {
        // What is issued in the second that is dead would be dead too.
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let newest = report.newest.map_or_else(
        || "it holds no session".to_owned(),
        |at| format!("sign-ins and renewals after {} are lost", shown(at)),
    );
    let kept = report.kept_aside.as_ref().map_or_else(String::new, |path| {
        format!(
            "\nThe database that was there is kept as {}",
            path.display()
        )
    });
    let dead = match report.dead_keys {
        0 => String::new(),
        n => format!(". {n} signing keys that were distrusted since then stay so"),
    };
    let text = format!(
        "restored {} users and {} sessions, of which {} were ended now; {newest}. Bans, sign-outs and password changes \
         since then are lost too: repeat those that matter{dead}{kept}",
        report.users, report.sessions, report.ended
    );
    let facts = json!({
        "users": report.users,
        "sessions": report.sessions,
        "ended": report.ended,
        "dead_keys": report.dead_keys,
        "newest": report.newest.map(shown),
        "kept_aside": report.kept_aside,
    });
    out.facts(&facts, &text);
    Ok(())
}
