//! The file with the master keys: whoever reads it can make tokens.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use prolong_server::keys::MasterKeys;

use crate::config::Config;
use crate::entropy::SystemEntropy;

/// Reads the master keys from where the configuration says. A data folder without a database gets its first key made
/// for it; beside a database a missing key is a fault, since a new one could not open what the old one sealed.
pub(crate) fn load(config: &Config) -> anyhow::Result<MasterKeys> {
    let (text, from) = match &config.master_key {
        Some(text) => (text.clone(), "PROLONG__MASTER_KEY".to_owned()),
        None => {
            let path = &config.master_key_file;
            let new_house =
                path.starts_with(&config.data_dir) && !config.data_dir.join("prolong.db").exists();
            if new_house && !path.exists() {
                create(path)?;
                tracing::warn!(file = %path.display(), "made a master key: back it up, apart from the database");
            }
            (read(path)?, path.display().to_string())
        }
    };
    MasterKeys::parse(&text)
        .map_err(|error| anyhow::anyhow!("the master key in {from} cannot be used: {error}"))
}

/// Makes a file with one fresh key, for its owner's eyes only.
pub(crate) fn create(path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write the master key {}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(cannot)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(cannot)?;
    let line = MasterKeys::generate_line(prolong_core::KeyId(1), &SystemEntropy);
    writeln!(file, "{}", *line)
        .and_then(|()| file.sync_all())
        .with_context(cannot)
}

fn read(path: &Path) -> anyhow::Result<String> {
    check_mode(path)?;
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the master key {}", path.display()))
}

/// Readable by owner or group, never by everybody.
pub(crate) fn check_mode(path: &Path) -> anyhow::Result<()> {
    let facts = std::fs::metadata(path).with_context(|| {
        format!(
            "there is no master key at {0}; `prolong config init` makes one, or copy yours there",
            path.display()
        )
    })?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&facts.permissions());
        if mode & 0o007 != 0 {
            bail!(
                "everybody on this machine can reach the master key {0}: chmod 600 {0}",
                path.display()
            );
        }
    }
    let _ = facts;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn made_for_its_owner_and_refused_when_the_world_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/master.key");
        create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(MasterKeys::parse(&read(&path).unwrap()).is_ok());
        assert!(create(&path).is_err(), "a key is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("chmod 600"));
    }
}
