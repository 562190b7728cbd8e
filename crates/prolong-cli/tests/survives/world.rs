//! A world to pretend: `world.c`, loaded before libc into the server, reads a file that this writes.
//!
//! Time that passes moves every clock of the server, as it would be on a machine where it really passed. Setting the
//! wall clock moves that one alone. A disk that is full or broken refuses what is written to files, and a
//! system at its limit the start of a thread. A process can be killed
//! between any two changes that it makes to the disk.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

const TIME: u64 = 0;
const WALL: u64 = 1;
const STILL: u64 = 2;
const WRITE_ERROR: u64 = 3;
const SYNC_ERROR: u64 = 4;
const KILLED_AT: u64 = 5;
const THREAD_ERROR: u64 = 6;
const SLOTS: usize = 7;

/// `errno` of a system that has no thread to give.
pub(crate) const NO_THREAD: i64 = 11;
/// `errno` of a full disk.
pub(crate) const NO_SPACE: i64 = 28;
/// `errno` of a broken one.
pub(crate) const BROKEN: i64 = 5;

pub(crate) struct World {
    file: File,
    path: PathBuf,
    passed: i64,
}

impl World {
    /// A world like the true one, told in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join("pretended-world");
        std::fs::write(&path, [0; SLOTS * 8]).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        Self {
            file,
            path,
            passed: 0,
        }
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.passed += i64::try_from(seconds).unwrap();
        self.set(TIME, self.passed);
    }

    /// From now on the wall clock moves only with [`World::pass`]: what is said to the second is so to the second. Lasts
    /// as long as the authority believes a clock that stands: a minute between two starts.
    #[expect(
        clippy::disallowed_methods,
        reason = "the time at which the world stops"
    )]
    pub(crate) fn stand_still(&self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        self.set(STILL, i64::try_from(now.unwrap().as_secs()).unwrap());
    }

    /// The wall clock is so many seconds ahead of the time that passed, or behind it.
    pub(crate) fn set_wall_clock(&self, ahead: i64) {
        self.set(WALL, ahead);
    }

    /// Every write to a file fails with this; 0: none.
    pub(crate) fn fail_writes(&self, errno: i64) {
        self.set(WRITE_ERROR, errno);
    }

    /// Every sync fails with this; 0: none.
    pub(crate) fn fail_syncs(&self, errno: i64) {
        self.set(SYNC_ERROR, errno);
    }

    /// No thread can be started, which fails with this; 0: some can.
    pub(crate) fn fail_threads(&self, errno: i64) {
        self.set(THREAD_ERROR, errno);
    }

    /// A process that enters is killed before it changes the disk for the so-manyeth time; 0: never.
    pub(crate) fn kill_at(&self, step: u32) {
        self.set(KILLED_AT, i64::from(step));
    }

    fn set(&self, slot: u64, value: i64) {
        self.file
            .write_all_at(&value.to_ne_bytes(), slot * 8)
            .unwrap();
    }

    pub(crate) fn enter(&self, server: &mut Command) {
        server.env("LD_PRELOAD", preload());
        server.env("PRETENDED_WORLD", &self.path);
    }
}

/// Compiled once for all tests of this process, by the compiler that Rust links with.
fn preload() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let name = format!("world-{}.so", std::process::id());
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/survives/world.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&to, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(compiled.success());
        to
    })
}
