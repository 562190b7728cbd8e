//! The data folder is its owner's alone, and the socket in it is for nobody else.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use crate::server::{CONFIGURATION, Server, good, house, run};

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
