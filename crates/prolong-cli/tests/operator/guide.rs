//! `docs/guide/operate.md` is true: its commands run, in its order, and the metrics that it names are there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::{CONFIGURATION, Server, call_at, house, text};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn guide() -> String {
    std::fs::read_to_string(top().join("docs/guide/operate.md")).unwrap()
}

/// Stands in for systemd: starts and stops the real server in the folder of the test.
const SYSTEMCTL: &str = r#"#!/usr/bin/env bash
set -eu
start() {
    prolong --data-dir "$DATA" serve >>server.log 2>&1 &
    echo $! >server.pid
    for _ in $(seq 600); do
        curl -sf "http://$PROLONG__LISTEN/readyz" >/dev/null && return
        kill -0 "$(cat server.pid)" || { cat server.log >&2; exit 1; }
        sleep 0.1
    done
    exit 1
}
stop() {
    kill -TERM "$(cat server.pid)"
    while kill -0 "$(cat server.pid)" 2>/dev/null; do sleep 0.05; done
    rm server.pid
}
case $1 in
    start) start ;;
    stop) stop ;;
    restart) stop; start ;;
esac
"#;

/// Ends what a test that failed has left running.
struct LeftRunning(PathBuf);

impl Drop for LeftRunning {
    fn drop(&mut self) {
        if let Ok(pid) = std::fs::read_to_string(&self.0) {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
        }
    }
}

#[test]
fn every_command_of_the_guide_runs() {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let systemctl = tools.join("systemctl");
    std::fs::write(&systemctl, SYSTEMCTL).unwrap();
    std::fs::set_permissions(
        &systemctl,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let _left = LeftRunning(folder.path().join("server.pid"));
    let guide = guide();
    let blocks: Vec<&str> = guide
        .split("```sh operate\n")
        .skip(1)
        .map(|part| part.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 12, "the guide has lost its blocks");
    let script = blocks
        .concat()
        .replace("https://auth.example.com", &format!("http://{free}"))
        .replace(
            "/var/lib/prolong",
            &folder.path().join("data").display().to_string(),
        );
    let binary = Path::new(env!("CARGO_BIN_EXE_prolong")).parent().unwrap();
    let ran = Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env(
            "PATH",
            format!(
                "{}:{}:/usr/local/bin:/usr/bin:/bin",
                tools.display(),
                binary.display()
            ),
        )
        .env("PROLONG__LISTEN", free.to_string())
        // As the unit starts it: what the commands use must be what the server uses.
        .env("DATA", folder.path().join("data"))
        .output()
        .unwrap();
    let said = format!(
        "{}\n{}",
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(ran.status.success(), "{said}");
    for part in [
        "good. Issuer",
        "restored 1 users",
        "master key 3 is the first",
        "user_disabled",
        "is distrusted",
    ] {
        assert!(said.contains(part), "no {part} in\n{said}");
    }
    let elsewhere = folder.path().join("prolong-data");
    assert!(!elsewhere.exists(), "a second data folder\n{said}");
    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(!log.contains("--data-dir wins"), "{log}");
}

#[test]
fn every_metric_that_the_guide_names_is_there() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    let answer = server.sign_in("maryo", "correct horse");
    server.refresh(&text(&answer, "refresh_token"));
    let bearer = format!("Bearer {}", text(&answer, "access_token"));
    let (status, _) = server.call(
        "DELETE",
        "/v1/sessions/current",
        &[("Authorization", &bearer)],
        "",
    );
    assert_eq!(status / 100, 2);
    let (status, page) = call_at(&server.address, "GET", "/metrics", &[], "");
    assert_eq!(status, 200);
    let guide = guide();
    let named: Vec<&str> = guide
        .split('`')
        .filter(|word| word.starts_with("prolong_"))
        .collect();
    assert!(named.len() >= 5, "{named:?}");
    for name in named {
        assert!(
            page.contains(&format!("\n{name}{{")) || page.contains(&format!("\n{name} ")),
            "{name} is not in\n{page}"
        );
    }
    let classes = guide.split('`').filter(|word| {
        ["C2_", "D_", "R1_"]
            .iter()
            .any(|class| word.starts_with(class))
    });
    let classes: Vec<&str> = classes.collect();
    assert_eq!(classes.len(), 3, "{classes:?}");
    for class in classes {
        assert!(
            page.contains(&format!("{{class=\"{class}\"}} 0")),
            "{class} is not in\n{page}"
        );
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(call_at(&server.address, "GET", path, &[], "").0, 200);
    }
}

#[test]
fn the_packaging_is_what_it_says() {
    let packaging = top().join("packaging");
    let sound = Command::new("sh")
        .arg("-n")
        .arg(packaging.join("prolong.openrc"))
        .status()
        .unwrap();
    assert!(sound.success());
    for file in ["prolong.service", "prolong.openrc", "Containerfile"] {
        let text = std::fs::read_to_string(packaging.join(file)).unwrap();
        assert!(text.contains("serve"), "{file}");
    }
    // Its own ExecStart is not installed where tests run.
    let unit = std::fs::read_to_string(packaging.join("prolong.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("prolong.service");
    std::fs::write(
        &copy,
        unit.replace("Documentation=", "#")
            .replace("/usr/local/bin/prolong", env!("CARGO_BIN_EXE_prolong")),
    )
    .unwrap();
    if let Ok(verified) = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&copy)
        .output()
    {
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(
            verified.status.success() && !said.contains("prolong.service:"),
            "{said}"
        );
    }
}
