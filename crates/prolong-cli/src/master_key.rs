//! The file with the master keys: whoever reads it can make tokens.

use std::path::Path;

use anyhow::{Context, bail};
use prolong_core::KeyId;
use prolong_server::keys::MasterKeys;

use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::making::Making;

/// Reads the master keys from where the configuration says. A data folder without a database gets its first key made
/// for it; beside a database a missing key is a fault, since a new one could not open what the old one sealed.
pub(crate) fn load(config: &Config) -> anyhow::Result<MasterKeys> {
    let (text, from) = if let Some(text) = &config.master_key {
        (text.reveal().to_owned(), "PROLONG__MASTER_KEY".to_owned())
    } else {
        let path = &config.master_key_file;
        let new_house =
            path.starts_with(&config.data_dir) && !config.data_dir.join("prolong.db").exists();
        if new_house && !path.exists() {
            create(path)?;
            tracing::warn!(file = %path.display(), "made a master key: back it up, apart from the database");
        }
        (read(path)?, path.display().to_string())
    };
    MasterKeys::parse(&text)
        .map_err(|error| anyhow::anyhow!("the master key in {from} cannot be used: {error}"))
}

/// Makes a file with one fresh key, for its owner's eyes only; under another name until the key is in it and on the disk.
pub(crate) fn create(path: &Path) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).with_context(|| cannot(path))?;
    }
    let making = Making::of(path, 0o600).with_context(|| cannot(path))?;
    if path.exists() {
        making.drop_it();
        bail!(
            "{} is there already; a key is never overwritten",
            path.display()
        );
    }
    let line = MasterKeys::generate_line(KeyId(1), &SystemEntropy);
    let made = making.becomes(path, &format!("{}\n", *line));
    made.with_context(|| cannot(path))
}

/// What was added.
pub(crate) struct Added {
    pub(crate) id: KeyId,
}

/// Puts a fresh key before the others in the file; the file is replaced as a whole, so that no crash can lose a key.
pub(crate) fn add(config: &Config) -> anyhow::Result<Added> {
    if config.master_key.is_some() {
        bail!(
            "the master keys are in the environment (PROLONG__MASTER_KEY): put a new line `<id> <base64url of 32 random \
             bytes>` before the others there, with a higher id that was never used"
        );
    }
    let path = &config.master_key_file;
    check_mode(path)?;
    let making = Making::of(path, 0o600).with_context(|| cannot(path))?;
    match next_list(path) {
        Ok((id, text)) => {
            making.becomes(path, &text).with_context(|| cannot(path))?;
            Ok(Added { id })
        }
        Err(error) => {
            making.drop_it();
            Err(error)
        }
    }
}

/// The keys of this file with a fresh one before them.
fn next_list(path: &Path) -> anyhow::Result<(KeyId, zeroize::Zeroizing<String>)> {
    let old = zeroize::Zeroizing::new(read(path)?);
    let newest = MasterKeys::parse(&old)
        .map_err(|error| anyhow::anyhow!("{} cannot be used: {error}", path.display()))?
        .newest();
    let Some(id) = newest.0.checked_add(1).map(KeyId) else {
        bail!(
            "there are no ids beyond 255; master keys are replaced rarely, and this was the last"
        );
    };
    let line = MasterKeys::generate_line(id, &SystemEntropy);
    Ok((id, zeroize::Zeroizing::new(format!("{}\n{}", *line, *old))))
}

fn cannot(path: &Path) -> String {
    format!("cannot write the master key {}", path.display())
}

fn read(path: &Path) -> anyhow::Result<String> {
    check_mode(path)?;
    std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the master key {}", path.display()))
}

/// Readable by owner or group, never by everybody.
pub(crate) fn check_mode(path: &Path) -> anyhow::Result<()> {
    check_private(path, "the master key", || {
        format!(
            "there is no master key at {0}; `prolong config init` makes one, or copy yours there",
            path.display()
        )
    })
}

/// Refuses a secret file that everybody can reach.
pub(crate) fn check_private(
    path: &Path,
    what: &str,
    missing: impl FnOnce() -> String,
) -> anyhow::Result<()> {
    let facts = std::fs::metadata(path).with_context(missing)?;
    if facts.is_dir() {
        bail!("{} is a folder, not {what}", path.display());
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&facts.permissions());
        if mode & 0o007 != 0 {
            bail!(
                "everybody on this machine can reach {what} {0}: chmod 600 {0}",
                path.display()
            );
        }
    }
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

    #[test]
    fn the_group_may_read_it_and_the_world_may_not_even_write_or_run_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        create(&path).unwrap();
        for (mode, good) in [
            (0o400, true),
            (0o440, true),
            (0o660, true),
            (0o604, false),
            (0o602, false),
            (0o601, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(check_mode(&path).is_ok(), good, "{mode:o}");
        }
        assert!(
            check_mode(folder.path())
                .unwrap_err()
                .to_string()
                .contains("folder")
        );
    }

    #[expect(
        clippy::unwrap_used,
        reason = "a test that cannot set its scene should stop"
    )]
    fn config(folder: &Path, environment: &[(&str, &str)]) -> Config {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let overrides = crate::config::Overrides {
            data_dir: Some(folder.to_owned()),
            ..crate::config::Overrides::default()
        };
        let text = "[[clients]]\nid = \"web\"\n";
        Config::read(text, Some(Path::new("x.toml")), environment, &overrides).unwrap()
    }

    #[test]
    fn a_new_key_comes_first_and_keeps_the_old_ones_and_the_mode() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), &[]);
        create(&config.master_key_file).unwrap();
        let old = std::fs::read_to_string(&config.master_key_file).unwrap();
        let mode = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(&config.master_key_file, mode).unwrap();
        assert_eq!(add(&config).unwrap().id, KeyId(2));
        assert_eq!(add(&config).unwrap().id, KeyId(3));
        let new = std::fs::read_to_string(&config.master_key_file).unwrap();
        assert!(new.ends_with(&old), "what was there stays");
        let ids: Vec<_> = MasterKeys::parse(&new).unwrap().ids().collect();
        assert_eq!(ids, [KeyId(3), KeyId(2), KeyId(1)]);
        let facts = std::fs::metadata(&config.master_key_file).unwrap();
        assert_eq!(facts.permissions().mode() & 0o777, 0o640);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn keys_of_the_environment_and_the_last_id_are_explained() {
        let folder = tempfile::tempdir().unwrap();
        let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        let line = format!("1 {key}");
        let elsewhere = config(folder.path(), &[("PROLONG__MASTER_KEY", &line)]);
        assert!(
            add(&elsewhere)
                .err()
                .unwrap()
                .to_string()
                .contains("PROLONG__MASTER_KEY")
        );
        let last = config(folder.path(), &[]);
        std::fs::write(&last.master_key_file, format!("255 {key}\n")).unwrap();
        std::fs::set_permissions(
            &last.master_key_file,
            std::fs::Permissions::from_mode(0o600),
        )
        .unwrap();
        assert!(add(&last).err().unwrap().to_string().contains("255"));
    }
}
