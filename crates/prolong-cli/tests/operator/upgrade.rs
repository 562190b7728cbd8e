//! A database of schema 1 goes on under the binary of today.
//!
//! `schema-1.sql` is a dump of a small house as version 0.1.0 wrote it: the user maryo (password "correct horse"), one
//! session that never runs out, its signing key sealed under the master key below. `schema-1.token` is that session's
//! refresh token. Neither is good for anything else.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::server::{Server, bad, good, run};

const MASTER_KEY: &str = "1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n";
const CONFIGURATION: &str = r#"
[[clients]]
id = "web"
policy = "device"
audience = "api"
password_sign_in = true
"#;

fn house() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("prolong-data");
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::write(folder.path().join("prolong.toml"), CONFIGURATION).unwrap();
    for (name, text) in [("master.key", MASTER_KEY), ("prolong.db", "")] {
        std::fs::write(data.join(name), text).unwrap();
        std::fs::set_permissions(data.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let db = rusqlite::Connection::open(data.join("prolong.db")).unwrap();
    db.execute_batch(include_str!("schema-1.sql")).unwrap();
    folder
}

fn schema(folder: &Path) -> i64 {
    let db = rusqlite::Connection::open(folder.join("prolong-data/prolong.db")).unwrap();
    db.pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

#[test]
fn a_database_of_the_first_schema_goes_on() {
    let folder = house();
    let folder = folder.path();
    assert_eq!(schema(folder), 1);
    let said = good(&run(folder, &["migrate", "--dry-run"]));
    assert!(said.contains("schema 1"), "{said}");
    assert_eq!(schema(folder), 1);
    let said = good(&run(folder, &["migrate"]));
    assert!(said.contains("schema"), "{said}");
    let newest = i64::try_from(prolong_store::schema_version()).unwrap();
    assert_eq!(schema(folder), newest);
    assert!(good(&run(folder, &["migrate"])).contains("already"));

    let server = Server::start(folder);
    let (status, answer) = server.refresh(include_str!("schema-1.token").trim());
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["session"]["device_name"], "iPad");
    server.sign_in("maryo", "correct horse");
    let sessions = good(&run(
        folder,
        &["session", "list", "--user", "maryo", "--output", "json"],
    ));
    assert_eq!(
        serde_json::from_str::<Vec<serde_json::Value>>(&sessions)
            .unwrap()
            .len(),
        2
    );
    server.stop();
    good(&run(folder, &["doctor"]));
}

#[test]
fn serve_migrates_by_itself() {
    let folder = house();
    Server::start(folder.path()).stop();
    assert_eq!(
        schema(folder.path()),
        i64::try_from(prolong_store::schema_version()).unwrap()
    );
}

#[test]
fn a_newer_schema_and_a_changed_migration_are_refused() {
    let folder = house();
    let folder = folder.path();
    let db = rusqlite::Connection::open(folder.join("prolong-data/prolong.db")).unwrap();
    db.pragma_update(None, "user_version", 9999).unwrap();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["migrate"],
        &["user", "list"],
    ] {
        let refused = bad(&run(folder, command));
        assert!(
            refused.contains("run a newer prolong"),
            "{command:?}: {refused}"
        );
    }
    db.pragma_update(None, "user_version", 1).unwrap();
    db.execute("UPDATE migration SET checksum = zeroblob(32)", [])
        .unwrap();
    drop(db);
    let refused = bad(&run(folder, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(
        refused.contains("migration 1 was applied in another form"),
        "{refused}"
    );
}
