//! A real server in a folder of its own, and commands beside it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::Value;

/// One public and one confidential client (its secret is "secret"); rotates at every renewal.
pub(crate) const CONFIGURATION: &str = r#"
[policies.strict]
preset = "refresh"
grace = "0s"
min_rotation_interval = "0s"
[[clients]]
id = "web"
policy = "strict"
audience = "api"
password_sign_in = true
[[clients]]
id = "ops"
kind = "confidential"
secret_hash = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"
scopes = ["prolong:admin", "prolong:support", "prolong:sign-in"]
"#;

pub(crate) struct Server {
    process: Child,
    /// `127.0.0.1:PORT`
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    pub(crate) fn start_with(folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::start_args(folder, &[], environment)
    }

    pub(crate) fn start_args(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut process = prolong(folder, &["serve", "--listen", "127.0.0.1:0"])
            .args(args)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let mut address = None;
        let mut line = String::new();
        while address.is_none() {
            line.clear();
            let read = lines.read_line(&mut line).unwrap();
            assert!(read > 0, "the server stopped:\n{}", log.lock().unwrap());
            log.lock().unwrap().push_str(&line);
            address = after(&line, "listening on http://")
                .or_else(|| after(&line, "listening on https://"));
        }
        std::thread::spawn(move || {
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        Self {
            process,
            address: address.unwrap(),
            log,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line that holds this.
    pub(crate) fn wait_for_line(&self, part: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.log().lines().find(|line| line.contains(part)) {
                return line.to_owned();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "no line with {part}:\n{}",
                self.log()
            );
            pause();
        }
    }

    pub(crate) fn send(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.pid().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// SIGTERM; the log to its end.
    pub(crate) fn stop(mut self) -> String {
        self.send("-TERM");
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}\n{}", self.log());
        self.wait_for_line("stopped");
        self.log()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Status and body of an answer.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Value) {
        let (status, body) = call_at(&self.address, method, path, headers, body);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Signs a user in by password; the whole answer.
    pub(crate) fn sign_in(&self, user: &str, password: &str) -> Value {
        let body = serde_json::json!({ "client_id": "web", "username": user, "password": password, "device_name": "iPad" });
        let json = [("Content-Type", "application/json")];
        let (status, answer) = self.call("POST", "/v1/sessions", &json, &body.to_string());
        assert_eq!(status, 201, "{answer}");
        answer
    }

    pub(crate) fn token(&self, form: &str) -> (u16, Value) {
        let form_type = [("Content-Type", "application/x-www-form-urlencoded")];
        self.call("POST", "/oauth/token", &form_type, form)
    }

    pub(crate) fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&format!("grant_type=refresh_token&refresh_token={token}"))
    }

    /// A token of the confidential client.
    pub(crate) fn machine_token(&self, scope: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id=ops&client_secret=secret&scope={scope}"
        );
        let (status, answer) = self.token(&form);
        assert_eq!(status, 200, "{answer}");
        text(&answer, "access_token")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn call_at(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

pub(crate) fn prolong(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prolong"));
    command.current_dir(folder).args(args).env_clear();
    command
}

pub(crate) fn run(folder: &Path, args: &[&str]) -> Output {
    run_with(folder, args, &[], "")
}

pub(crate) fn run_with(
    folder: &Path,
    args: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> Output {
    let mut process = prolong(folder, args)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that ends without reading is no fault of the test.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    // One that should have been refused, and serves instead, would go on for ever.
    let pid = process.id().to_string();
    let (ended, end) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").args(["-KILL", &pid]).status();
        }
    });
    let output = process.wait_with_output().unwrap();
    drop(ended);
    output
}

/// The standard output of a command that succeeds.
pub(crate) fn good(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        errors(output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The standard error of a command that fails.
pub(crate) fn bad(output: &Output) -> String {
    assert!(
        !output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    errors(output)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("no {member} in {value}"))
        .to_owned()
}

/// A folder with this configuration, a master key, and the user maryo.
pub(crate) fn house(configuration: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("prolong.toml"), configuration).unwrap();
    let added = run_with(
        folder.path(),
        &["user", "add", "maryo", "--password-stdin"],
        &[],
        "correct horse\n",
    );
    good(&added);
    folder
}

fn after(line: &str, mark: &str) -> Option<String> {
    let (_, rest) = line.split_once(mark)?;
    Some(rest.split([',', '"', '\n']).next()?.to_owned())
}

/// Between two looks at something that another process does.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no event of another process to wait on"
)]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
