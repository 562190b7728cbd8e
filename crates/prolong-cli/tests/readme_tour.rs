//! The README's tour, block by block, against the real binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set its scene should stop"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Ends the server whatever happens to the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn blocks(readme: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in readme.split("```sh tour\n").skip(1) {
        found.push(part.split("```").next().unwrap().to_owned());
    }
    found
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap()
}

/// `cargo run` without `--bin` refuses to choose: examples that are workspace members must not be in its way.
#[test]
fn cargo_run_means_prolong() {
    assert!(readme().contains("\ncargo run --release -- demo "));
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
        .output()
        .unwrap();
    let workspace: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let array = |value: &serde_json::Value| value.as_array().unwrap().clone();
    let default = array(&workspace["workspace_default_members"]);
    let programs: Vec<_> = array(&workspace["packages"])
        .iter()
        .filter(|package| default.contains(&package["id"]))
        .flat_map(|package| array(&package["targets"]))
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(programs, ["prolong"]);
}

#[test]
fn every_block_of_the_tour_runs() {
    let readme = readme();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let blocks: Vec<String> = blocks(&readme)
        .into_iter()
        .map(|block| block.replace("127.0.0.1:8080", &format!("127.0.0.1:{free}")))
        .collect();
    assert!(blocks.len() >= 5, "the tour has lost its blocks");
    let folder = tempfile::tempdir().unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_prolong"));
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        binary.parent().unwrap().display()
    );
    let bash = |script: &str| {
        Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(folder.path())
            .env("PATH", &path)
            .output()
            .unwrap()
    };
    let configured = bash(&blocks[0]);
    assert!(
        configured.status.success(),
        "{}",
        String::from_utf8_lossy(&configured.stderr)
    );

    let mut child = Command::new(binary)
        .arg("serve")
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let server = Server(child);
    let mut lines = log.lines();
    assert!(
        lines.any(|line| line.unwrap().contains("listening on")),
        "the server never got ready"
    );
    let drained = std::thread::spawn(move || lines.count());

    let toured = bash(&blocks[1..].join("\n"));
    assert!(
        toured.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&toured.stdout),
        String::from_utf8_lossy(&toured.stderr)
    );
    drop(server);
    let _ = drained.join();
}
