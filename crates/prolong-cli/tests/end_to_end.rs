//! The real binary, from start to stop.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(folder: &Path) -> Self {
        let mut process = prolong(folder, &["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "the server stopped:\n{seen}"
            );
            seen.push_str(&line);
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split(',').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, address }
    }

    fn request(&self, head_and_body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(head_and_body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.request(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
    }

    fn stop(mut self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        let begun = Instant::now();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn prolong(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prolong"));
    command.current_dir(folder).args(args).env_clear();
    command
}

fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut process = prolong(folder, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    process.wait_with_output().unwrap()
}

fn good(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_user_is_added_signs_in_is_listed_and_banned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    good(&run(
        folder,
        &["user", "add", "maryo", "--password-stdin"],
        "correct horse\n",
    ));
    let server = Server::start(folder);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200"));
    assert!(server.get("/").contains("A session, prolonged"));
    assert!(
        server
            .get("/metrics")
            .contains("prolong_stored{kind=\"users\"} 1")
    );

    let sign_in = || {
        let body = r#"{"client_id":"web","username":"maryo","password":"correct horse","device_name":"maryo's iPad"}"#;
        let (port, length) = (server.address.rsplit(':').next().unwrap(), body.len());
        server.request(&format!(
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\nProlong-Request: 1\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ))
    };
    let answer = sign_in();
    assert!(
        answer.starts_with("HTTP/1.1 201") && answer.contains("access_token"),
        "{answer}"
    );

    // Through the running server's socket.
    let sessions = good(&run(
        folder,
        &["session", "list", "--user", "maryo", "--output", "json"],
        "",
    ));
    assert!(sessions.contains("maryo's iPad"), "{sessions}");
    good(&run(folder, &["backup", "copy.db"], ""));
    good(&run(folder, &["user", "disable", "maryo"], ""));
    assert!(sign_in().starts_with("HTTP/1.1 401"));

    // A second server says who has the folder.
    let second = run(folder, &["serve", "--listen", "127.0.0.1:0"], "");
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("another prolong"),
        "{second:?}"
    );
    server.stop();

    let restored = good(&run(folder, &["restore", "copy.db", "--keep-sessions"], ""));
    assert!(restored.contains("1 users"), "{restored}");
    assert!(
        good(&run(folder, &["user", "show", "maryo"], "")).contains("disabled           false")
    );
    assert!(good(&run(folder, &["key", "list"], "")).contains("active"));
    good(&run(folder, &["doctor"], ""));
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prolong.toml");
    std::fs::write(
        &file,
        "[[clients]]\nid = \"web\"\n[limits]\nhead_timeout = \"1s\"\n",
    )
    .unwrap();
    good(&run(
        folder.path(),
        &["--config", "other.toml", "config", "init"],
        "",
    ));
    let server = Server::start(folder.path());
    for begun in ["", "PRI * HT", "GET / HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(begun.as_bytes()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut answer = Vec::new();
        stream
            .read_to_end(&mut answer)
            .unwrap_or_else(|error| panic!("{begun:?}: {error}"));
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    }
    server.stop();
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("prolong.toml"),
        "isuer = \"x\"\nlisten = 3\n[[clients]]\nid = \"web\"\n",
    )
    .unwrap();
    let output = run(folder.path(), &["config", "check"], "");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success()
            && text.contains("did you mean `issuer`?")
            && text.contains("listen:"),
        "{text}"
    );
}
