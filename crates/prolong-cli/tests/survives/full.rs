//! A file system of 2 MB of its own that is full, which not every machine lets a test mount.

use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;

use crate::disk::refused_for_now;
use crate::house::{ATTEMPT, House};
use crate::server::{Server, bad};

const SERVE: &str = "exec \"$0\" serve --listen 127.0.0.1:0";
const FILL: &str = "dd if=/dev/zero of=prolong-data/ballast bs=4k 2>/dev/null;";

/// This in a shell, `$0` the command, with a file system of its own for the data folder.
fn apart(house: &House, script: &str) -> Command {
    let mut apart = Command::new("unshare");
    let script = format!(
        "rm -rf kept && cp -r prolong-data kept && mount -t tmpfs -o size=2m none prolong-data && cp -r kept/. prolong-data && {script}"
    );
    apart
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", &script])
        .arg(crate::server::binary())
        .current_dir(house.path());
    apart
}

#[tokio::test]
async fn a_small_file_system_that_is_full_refuses_for_now() {
    let mut house = House::closed("");
    let data = house.data("");
    let server = match Server::spawn(&mut apart(&house, SERVE)) {
        Ok(server) => server,
        Err(said) => {
            println!("not tested: no file system of one's own can be mounted here: {said}");
            return;
        }
    };
    // The folder as the server sees it.
    let seen = format!("/proc/{}/root{}", server.id(), data.display());
    let ballast = Path::new(&seen).join("ballast");
    house.put(server);
    house.calls().add_user("maryo").await;
    let mut token = house.sign_in("maryo").await;
    let full = std::fs::write(&ballast, vec![1; 4_000_000]);
    assert!(full.is_err(), "the disk is larger than it was made");
    // The WAL has room left, for a while.
    let mut refused = None;
    for _ in 0..20_000 {
        let answer = house.calls().refresh(&token, Some(ATTEMPT)).await;
        if answer.as_ref().unwrap().status == StatusCode::OK {
            answer.unwrap().text("refresh_token").clone_into(&mut token);
        } else {
            refused = Some(answer);
            break;
        }
    }
    refused_for_now(&refused.unwrap());
    std::fs::remove_file(&ballast).unwrap();
    house.refreshed(&token).await;
    house.stop();
}

/// What that script complained of.
///
/// # Errors
/// Where nothing can be mounted.
fn complaint(house: &House, script: &str) -> Result<String, String> {
    let output = apart(house, script).output();
    let said = output.map_or_else(|error| error.to_string(), |output| bad(&output));
    if said.contains("prolong: ") {
        Ok(said)
    } else {
        Err(said)
    }
}

/// The next start says what is wrong, and nothing of a broken disk; a backup names the file that had no room.
#[tokio::test]
async fn a_disk_that_is_full_already_is_told() {
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let token = house.sign_in("maryo").await;
    house.stop_server();
    let backup = "\"$0\" --data-dir kept backup prolong-data/copy.db";
    for (command, words) in [
        (SERVE, "is full: make room and start again"),
        (backup, "prolong-data/copy.db: "),
    ] {
        match complaint(&house, &format!("{FILL} {command}")) {
            Ok(said) => assert!(said.contains(words), "{said}"),
            Err(said) => println!("not tested: nothing can be mounted here: {said}"),
        }
    }
    house.start();
    house.refreshed(&token).await;
    house.stop();
}
