//! A file that is made whole: under another name until all of it is on the disk, and then under its own.

use std::fs::{File, OpenOptions};
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

/// A file in the making, beside the one that it becomes, by one process at a time. What a killed process left of one is
/// taken over: it never counted.
pub(crate) struct Making {
    file: File,
    at: PathBuf,
}

impl Making {
    /// Waits until nobody else is making one for this path. A new file has this mode.
    pub(crate) fn of(path: &Path, mode: u32) -> Result<Self> {
        let at = path.with_added_extension("making");
        let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", at.display()));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        #[cfg(not(unix))]
        let _ = mode;
        for _ in 0..TRIES {
            let file = options.open(&at).map_err(named)?;
            file.lock().map_err(named)?;
            // Whoever had it may have given it its name meanwhile, and that one is not to be written over.
            if is_still(&file, &at) {
                return Ok(Self { file, at });
            }
        }
        let again = format!("{}: it is replaced again and again", at.display());
        Err(Error::other(again))
    }

    /// Holds `text` from now on, on the disk, and has the name `path`. Owner and mode are those of what it replaces.
    pub(crate) fn becomes(mut self, path: &Path, text: &str) -> Result<()> {
        let written = self.written(path, text);
        if written.is_err() {
            // The first error says more than a failure to tidy up.
            self.drop_it();
        }
        written
    }

    /// Leaves nothing behind.
    pub(crate) fn drop_it(&self) {
        // Once it has its name, what is at the other is somebody else's.
        if is_still(&self.file, &self.at) {
            let _ = std::fs::remove_file(&self.at);
        }
    }

    fn written(&mut self, path: &Path, text: &str) -> Result<()> {
        self.file.set_len(0)?;
        if let Ok(replaced) = std::fs::metadata(path) {
            #[cfg(unix)]
            keep_owner(&self.file, &replaced)?;
            self.file.set_permissions(replaced.permissions())?;
        }
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()?;
        std::fs::rename(&self.at, path)?;
        match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }
}

/// Whether this open file is the one at this path. A link is none: it may lead to a file of somebody else's.
fn is_still(file: &File, at: &Path) -> bool {
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::symlink_metadata(at)) else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (open.dev(), open.ino()) == (named.dev(), named.ino())
    }
    #[cfg(not(unix))]
    {
        named.is_file() && open.len() == named.len()
    }
}

/// The server may run as another user than whoever replaces its key.
#[cfg(unix)]
fn keep_owner(file: &File, replaced: &std::fs::Metadata) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) == (replaced.uid(), replaced.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(replaced.uid()), Some(replaced.gid())).map_err(|error| {
        let text = format!("it belongs to another user or group: run this as its owner ({error})");
        Error::new(error.kind(), text)
    })
}

/// Others that make the same file at the same time.
const TRIES: usize = 100;
