//! Told to stop, the server answers what was asked, and goes.

use std::io::{Read, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::server::{CONFIGURATION, Server, bad, call_at, good, house, run, text};

#[test]
fn a_request_under_way_is_answered() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    let token = text(&server.sign_in("maryo", "correct horse"), "refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={token}");
    let (first, rest) = form.split_at(20);
    let mut under_way = server.connect();
    let head = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{first}",
        form.len()
    );
    under_way.write_all(head.as_bytes()).unwrap();
    // An idle connection must not hold it up.
    let mut idle = server.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut some = [0; 16];
    idle.read_exact(&mut some).unwrap();

    let begun = Instant::now();
    server.send("-TERM");
    server.wait_for_line("draining");
    under_way.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("refresh_token"),
        "{answer}"
    );
    server.wait_for_line("stopped");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(!folder.path().join("prolong-data/prolong.sock").exists());
}

#[test]
fn one_that_never_finishes_its_request_does_not_hold_it_up() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    let mut never = server.connect();
    never
        .write_all(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
        .unwrap();
    call_at(&server.address, "GET", "/healthz", &[], "");
    let begun = Instant::now();
    let log = server.stop();
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}\n{log}",
        begun.elapsed()
    );
}

#[test]
fn a_second_server_says_who_is_there_and_leaves_the_first_alone() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    for args in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["restore", "x.db", "--end-all"],
    ] {
        let refused = bad(&run(folder.path(), args));
        assert!(
            refused.contains(&format!("another prolong (process {})", server.pid())),
            "{args:?}: {refused}"
        );
    }
    let taken = bad(&Command::new(env!("CARGO_BIN_EXE_prolong"))
        .args([
            "--data-dir",
            "elsewhere",
            "serve",
            "--listen",
            &server.address,
        ])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap());
    assert!(
        taken.contains("another server is there; choose another with --listen"),
        "{taken}"
    );
    assert!(
        !folder.path().join("elsewhere").exists(),
        "it looked for the port first"
    );
    assert!(good(&run(folder.path(), &["user", "list"])).contains("maryo"));
    server.stop();
}

#[test]
fn a_backup_is_whole_or_not_there() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    good(&run(folder, &["backup", "copy.db"]));
    let refused = bad(&run(folder, &["backup", "copy.db"]));
    assert!(refused.contains("copy.db is there already"), "{refused}");
    let refused = bad(&run(folder, &["backup", "nowhere/copy.db"]));
    assert!(refused.contains("nowhere/copy.db"), "{refused}");
    server.stop();
    good(&run(folder, &["backup", "copy2.db"]));
    let left: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains("partial")),
        "{left:?}"
    );
    assert!(good(&run(folder, &["restore", "copy2.db", "--keep-sessions"])).contains("1 users"));
    // A wrong file, and one of a newer version, change nothing.
    std::fs::write(folder.join("wrong.db"), "not a database at all").unwrap();
    let refused = bad(&run(folder, &["restore", "wrong.db", "--keep-sessions"]));
    assert!(refused.contains("wrong.db"), "{refused}");
    let newer = rusqlite::Connection::open(folder.join("copy.db")).unwrap();
    newer.pragma_update(None, "user_version", 9999).unwrap();
    drop(newer);
    let refused = bad(&run(folder, &["restore", "copy.db", "--keep-sessions"]));
    assert!(refused.contains("schema 9999"), "{refused}");
    assert!(good(&run(folder, &["user", "list"])).contains("maryo"));
}
