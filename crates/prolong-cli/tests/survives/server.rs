//! The real binary as a child process: started, stopped, killed, and listened to.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::world::World;

/// How long anything that must happen may take on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Server {
    process: Child,
    address: String,
    log: Log,
}

/// What a process says, as far as it got.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<(Mutex<Said>, Condvar)>);

#[derive(Default)]
struct Said {
    text: String,
    over: bool,
}

impl Log {
    fn follow(&self, from: impl std::io::Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = Vec::new();
            while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let mut said = log.0.0.lock().unwrap();
                said.text.push_str(&String::from_utf8_lossy(&line));
                log.0.1.notify_all();
                line.clear();
            }
            log.0.0.lock().unwrap().over = true;
            log.0.1.notify_all();
        });
    }

    /// What follows `words`, once they were said; `None` if the process goes silent before.
    pub(crate) fn after(&self, words: &str) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        let mut said = self.0.0.lock().unwrap();
        loop {
            if let Some((_, rest)) = said.text.split_once(words) {
                return Some(rest.to_owned());
            }
            let left = until.saturating_duration_since(Instant::now());
            if said.over || left.is_zero() {
                return None;
            }
            said = self.0.1.wait_timeout(said, left).unwrap().0;
        }
    }

    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    /// Everything, after the process has ended.
    fn whole(&self) -> String {
        let mut said = self.0.0.lock().unwrap();
        while !said.over {
            said = self.0.1.wait(said).unwrap();
        }
        said.text.clone()
    }
}

impl Server {
    /// Starts `prolong serve` in `folder` and waits until it is ready.
    pub(crate) fn start(folder: &Path, world: Option<&World>) -> Self {
        Self::try_start(folder, world).unwrap_or_else(|said| panic!("did not start:\n{said}"))
    }

    /// # Errors
    /// What a server said that did not get ready.
    pub(crate) fn try_start(folder: &Path, world: Option<&World>) -> Result<Self, String> {
        let mut command = prolong(folder, &["serve", "--listen", "127.0.0.1:0"]);
        if let Some(world) = world {
            world.enter(&mut command);
        }
        Self::spawn(&mut command)
    }

    pub(crate) fn spawn(command: &mut Command) -> Result<Self, String> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Log::default();
        log.follow(process.stderr.take().unwrap());
        let Some(rest) = log.after("listening on http://") else {
            let _ = process.kill();
            let _ = process.wait();
            return Err(log.text());
        };
        let address = rest.split(',').next().unwrap().to_owned();
        Ok(Self {
            process,
            address,
            log,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// As the power going out would, for all that is on the disk.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for its end; says everything that it said.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it goes on and on");
            pause();
        };
        (status, self.log.whole())
    }

    pub(crate) fn stop(self) {
        self.signal("TERM");
        let (status, said) = self.wait();
        assert!(status.success(), "{status}\n{said}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let said = self.log.whole();
        if !std::thread::panicking() {
            assert!(!said.contains("panicked"), "{said}");
            assert!(!said.contains("plr1_"), "a token in the log");
            assert!(!said.contains("eyJ"), "a token in the log");
        }
    }
}

/// A moment in which something else gets on; what is waited for is looked at again afterwards.
#[expect(
    clippy::disallowed_methods,
    reason = "between two looks, not instead of one"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}

/// The command, in `folder`, without an environment.
pub(crate) fn prolong(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.current_dir(folder).args(args).env_clear();
    command
}

pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_prolong"))
}

/// Runs a command to its end.
pub(crate) fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut process = prolong(folder, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses early does not read.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

/// Its standard output, if it succeeded.
pub(crate) fn good(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Its complaint, if it failed without a panic.
pub(crate) fn bad(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it succeeded: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}
