//! The data folder is its owner's alone, and the socket in it is for nobody else.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::server::{CONFIGURATION, Server, bad, good, house, prolong, run};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// However it comes about: by the first command, by `config init`, by `serve` in an empty folder.
#[test]
fn whatever_is_made_in_it_is_its_owners() {
    let by_command = house(CONFIGURATION);
    let by_init = tempfile::tempdir().unwrap();
    good(&run(by_init.path(), &["config", "init"]));
    let by_serve = tempfile::tempdir().unwrap();
    let server = Server::start(by_serve.path());
    for folder in [&by_command, &by_init, &by_serve] {
        let data = folder.path().join("prolong-data");
        assert_eq!(mode(&data), 0o700, "{}", data.display());
        for entry in std::fs::read_dir(&data).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
        }
    }
    assert!(by_serve.path().join("prolong-data/prolong.sock").exists());
    server.stop();
}

/// Should somebody open folder and socket, the server still looks who calls. Only root can try to be somebody else.
#[test]
fn the_socket_asks_who_calls() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    let data = folder.path().join("prolong-data");
    let socket = data.join("prolong.sock");
    open(folder.path(), 0o755);
    open(&data, 0o755);
    open(&socket, 0o666);
    let ask = |user: Option<u32>| {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--max-time", "10", "--unix-socket"])
            .arg(&socket)
            .arg("http://localhost/v1/admin/users");
        if let Some(user) = user {
            curl.uid(user).gid(user);
        }
        curl.current_dir("/").output()
    };
    let own = ask(None).unwrap();
    assert!(good(&own).contains("maryo"));
    match ask(Some(65_534)) {
        Err(error) => println!("not tested: only root can be somebody else ({error})"),
        Ok(other) => {
            let said = String::from_utf8_lossy(&other.stdout);
            assert!(!other.status.success() && said.is_empty(), "{said}");
            server.wait_for_line("another user's process knocked");
        }
    }
    server.stop();
}

/// In the wrong folder a command neither makes a database nor calls an empty one a backup.
#[test]
fn a_command_in_the_wrong_folder_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["user", "list"][..],
        &["session", "list"],
        &["key", "list"],
        &["client", "list"],
        &["backup", "tonight.db"],
        &["migrate"],
    ] {
        let said = bad(&run(folder.path(), args));
        assert!(said.contains("no prolong.toml here"), "{args:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The server is told one folder, every command reads another from the configuration: two databases, two master keys.
#[test]
fn a_folder_that_commands_would_not_find_is_said() {
    let folder = house(CONFIGURATION);
    let text = format!("data_dir = \"prolong-data\"\n{CONFIGURATION}");
    std::fs::write(folder.path().join("prolong.toml"), text).unwrap();
    let same = Server::start_args(folder.path(), &["--data-dir", "prolong-data"], &[]);
    assert!(!same.log().contains("--data-dir wins"), "{}", same.log());
    same.stop();
    let other = Server::start_args(folder.path(), &["--data-dir", "other"], &[]);
    assert!(other.log().contains("--data-dir wins"), "{}", other.log());
    other.stop();
}

/// Commands for this machine's server need no TLS, and no certificate authorities, as slim images have none.
#[test]
fn a_command_needs_no_certificate_authorities() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    let empty = tempfile::tempdir().unwrap();
    let nothing = empty.path().to_str().unwrap();
    let listed = prolong(folder.path(), &["user", "list"])
        .env("SSL_CERT_FILE", empty.path().join("none.pem"))
        .env("SSL_CERT_DIR", nothing)
        .output()
        .unwrap();
    assert!(good(&listed).contains("maryo"));
    server.stop();
}
