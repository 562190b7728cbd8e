//! The doctor finds real trouble: each kind is made, found, mended, and not found again.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::server::{CONFIGURATION, Server, bad, good, house, run, run_with};

/// The findings that are not "ok", as `what: found`.
fn trouble(folder: &Path) -> Vec<String> {
    trouble_with(folder, &[])
}

fn trouble_with(folder: &Path, environment: &[(&str, &str)]) -> Vec<String> {
    let output = run_with(folder, &["doctor", "--output", "json"], environment, "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], output.status.success());
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["level"] != "ok")
        .map(|finding| {
            format!(
                "{} {}: {}",
                finding["level"].as_str().unwrap(),
                finding["what"].as_str().unwrap(),
                finding["found"].as_str().unwrap()
            )
        })
        .collect()
}

#[track_caller]
fn only(folder: &Path, begins: &str, holds: &str) {
    let found = trouble(folder);
    assert!(
        found.len() == 1 && found[0].starts_with(begins) && found[0].contains(holds),
        "{found:#?}"
    );
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(trouble(empty.path()), [""; 0]);
    assert_eq!(
        std::fs::read_dir(empty.path()).unwrap().count(),
        0,
        "the doctor only looks"
    );
    let folder = house(CONFIGURATION);
    assert_eq!(trouble(folder.path()), [""; 0]);
    let _server = Server::start(folder.path());
    assert_eq!(trouble(folder.path()), [""; 0]);
    let text = good(&run(folder.path(), &["doctor"]));
    for part in [
        "is this authority",
        "key pins",
        "MiB free",
        "server         runs",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn permissions_are_looked_at() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let data = folder.join("prolong-data");
    mode(&data, 0o755);
    only(folder, "bad data folder", "chmod 700");
    mode(&data, 0o700);
    mode(&data.join("prolong.db"), 0o640);
    only(folder, "bad database file", "chmod 600");
    mode(&data.join("prolong.db"), 0o600);
    mode(&data.join("master.key"), 0o644);
    let found = trouble(folder);
    assert!(
        found
            .iter()
            .any(|found| found.starts_with("bad master key") && found.contains("chmod 600")),
        "{found:#?}"
    );
    mode(&data.join("master.key"), 0o600);
    assert_eq!(trouble(folder), [""; 0]);
}

#[test]
fn the_configuration_the_clock_and_a_damaged_database_are_looked_at() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let database = folder.join("prolong-data/prolong.db");
    let db = rusqlite::Connection::open(&database).unwrap();
    db.execute(
        "INSERT OR REPLACE INTO fact VALUES ('clock_high_water', '99999999999999')",
        [],
    )
    .unwrap();
    only(folder, "bad database", "set the clock right");
    db.execute("DELETE FROM fact WHERE name = 'clock_high_water'", [])
        .unwrap();
    drop(db);
    assert_eq!(trouble(folder), [""; 0]);
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, "nonsense, and more of it, and more, and more").unwrap();
    let found = trouble(folder);
    assert!(
        found
            .iter()
            .any(|found| found.starts_with("bad database") && found.contains("restore a backup")),
        "{found:#?}"
    );
    std::fs::write(&database, whole).unwrap();
    std::fs::write(
        folder.join("prolong.toml"),
        format!("isuer = \"x\"\n{CONFIGURATION}"),
    )
    .unwrap();
    only(folder, "bad configuration", "did you mean `issuer`?");
}

/// What `serve` refuses, the doctor says.
#[test]
fn a_database_that_is_gone_and_a_folder_that_is_none_are_told() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    server.sign_in("maryo", "correct horse");
    server.send("-KILL");
    drop(server);
    let data = folder.join("prolong-data");
    std::fs::remove_file(data.join("prolong.sock")).unwrap();
    std::fs::remove_file(data.join("prolong.db")).unwrap();
    only(folder, "bad database", "prolong.db-wal is there");
    let refused = bad(&run(folder, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused.contains("prolong.db-wal is there"), "{refused}");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::write(&data, "in the way").unwrap();
    only(folder, "bad data folder", "is not a folder");
}

#[test]
fn keys_that_are_missing_or_can_go_are_told() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    server.sign_in("maryo", "correct horse");
    server.stop();
    good(&run(folder, &["key", "rotate", "--refresh"]));
    let text = good(&run(folder, &["doctor"]));
    assert!(text.contains("live sessions still hang on 1"), "{text}");
    let file = folder.join("prolong-data/master.key");
    let both = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, both.lines().next().unwrap()).unwrap();
    only(folder, "bad database", "master key 1 is missing");
    std::fs::write(&file, &both).unwrap();
    good(&run(folder, &["key", "distrust", "--refresh", "1"]));
    let text = good(&run(folder, &["doctor"]));
    assert!(text.contains("nothing hangs on 1 any more"), "{text}");
    std::fs::write(&file, "1 nonsense").unwrap();
    let found = trouble(folder);
    assert!(
        found
            .iter()
            .any(|found| found.starts_with("bad master key") && found.contains("line 1")),
        "{found:#?}"
    );
}

#[test]
fn sessions_of_a_client_that_is_gone_are_told() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    server.sign_in("maryo", "correct horse");
    server.stop();
    std::fs::write(
        folder.join("prolong.toml"),
        CONFIGURATION.replace("id = \"web\"", "id = \"app\""),
    )
    .unwrap();
    only(folder, "warn clients", "web (1)");
}

#[test]
fn what_a_crash_leaves_behind_is_told() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    server.send("-KILL");
    drop(server);
    only(folder, "warn operator", "left over");
    let again = Server::start(folder);
    again.stop();
    assert_eq!(trouble(folder), [""; 0]);
    std::fs::write(folder.join("prolong-data/prolong.db.restoring"), "").unwrap();
    only(folder, "warn restore", "broke off");
    let data = folder.join("prolong-data");
    std::fs::remove_file(data.join("prolong.db.restoring")).unwrap();
    std::fs::copy(data.join("prolong.db"), data.join("prolong.db.restored")).unwrap();
    only(folder, "warn restore", "whatever opens the folder next");
    assert_eq!(trouble(folder), [""; 0]);
}

/// A running server whose issuer is a name that leads elsewhere.
#[test]
fn an_issuer_that_leads_elsewhere_is_found() {
    let other = house(CONFIGURATION);
    let other = Server::start(other.path());
    let port = other.address.rsplit(':').next().unwrap();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let unused = unused.local_addr().unwrap();
    for (issuer, found) in [
        (format!("http://{unused}"), "cannot reach"),
        (format!("http://localhost:{port}"), "another authority"),
        (format!("http://localhost:{port}/nowhere"), "answers 404"),
    ] {
        let folder = house(&format!(
            "issuer = \"{issuer}\"\nbase_path = \"/auth\"\n{CONFIGURATION}"
        ));
        let server = Server::start(folder.path());
        only(folder.path(), "bad issuer", found);
        server.stop();
    }
}

#[test]
fn a_server_that_runs_with_another_configuration_is_told() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    let elsewhere = [("PROLONG__ISSUER", "http://localhost:1234")];
    let found = trouble_with(folder, &elsewhere);
    assert!(
        found.len() == 1 && found[0].starts_with("warn issuer") && found[0].contains("restart it"),
        "{found:#?}"
    );
    assert_eq!(trouble(folder), [""; 0]);
    server.stop();
}

#[test]
fn proxies_that_are_forgotten_or_believed_too_much_are_told() {
    let with = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("prolong.toml"),
            format!("{text}\n{CONFIGURATION}"),
        )
        .unwrap();
        trouble(folder.path())
    };
    let behind = "issuer = \"https://auth.example.com\"";
    let found = with(behind);
    assert!(
        found.len() == 1 && found[0].starts_with("warn proxies") && found[0].contains("empty"),
        "{found:#?}"
    );
    assert_eq!(
        with(&format!("{behind}\ntrusted_proxies = \"127.0.0.1\"")),
        [""; 0]
    );
    for everybody in ["0.0.0.0/0", "::/0"] {
        let found = with(&format!("{behind}\ntrusted_proxies = \"{everybody}\""));
        assert!(
            found.len() == 1 && found[0].contains("trusts every address"),
            "{found:#?}"
        );
    }
}

#[test]
fn an_older_schema_is_told_before_it_is_changed() {
    let folder = house(CONFIGURATION);
    let text = good(&run(folder.path(), &["doctor"]));
    assert!(text.contains("schema"), "{text}");
}
