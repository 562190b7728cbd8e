//! Configurations as people write them: each fault is named with its place and a remedy, and nothing is begun.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::server::{CONFIGURATION, bad, good, prolong, run, run_with};

/// What is added before `[policies]`, and what must be said of it.
const FAULTS: &[(&str, &[&str])] = &[
    (
        "isuer = \"https://a.example\"",
        &["isuer", "did you mean `issuer`?"],
    ),
    ("listen = 8080", &["listen:", "text in quotes"]),
    ("listen = \"8080\"", &["listen:", "127.0.0.1:8080"]),
    ("listen = \"0.0.0.0:8080\"", &["issuer:", "https://"]),
    (
        "issuer = \"auth.example.com\"",
        &["issuer:", "https://auth.example.com"],
    ),
    (
        "issuer = \"http://auth.example.com\"",
        &["issuer:", "tls.cert"],
    ),
    (
        "issuer = \"https://auth.example.com/\"",
        &["issuer:", "slash at its end"],
    ),
    (
        "issuer = \"http://localhost:8080\"\nlisten = \"0.0.0.0:8080\"",
        &["issuer:", "this machine only"],
    ),
    ("data_dir = \"\"", &["data_dir:", "empty"]),
    (
        "base_path = \"auth\"",
        &["base_path:", "begins with a slash"],
    ),
    ("algorithm = \"HS256\"", &["algorithm:", "ES256"]),
    (
        "trusted_proxies = [\"10.0.0.0/99\"]",
        &["trusted_proxies:", "10.0.0.0/8"],
    ),
    ("database = \"postgres://x\"", &["database:", "SQLite"]),
    (
        "master_key = \"x\"",
        &["master_key:", "PROLONG__MASTER_KEY"],
    ),
    ("feed_public = \"yes\"", &["feed_public:", "true or false"]),
    (
        "log = { level = \"inof\" }",
        &["log.level:", "did you mean \"info\"?"],
    ),
    ("log = { format = \"xml\" }", &["log.format:", "text, json"]),
    (
        "limits = { request_timeout = 5 }",
        &["limits.request_timeout:", "\"5s\""],
    ),
    (
        "limits = { connections = 0 }",
        &["limits.connections:", "at least 1"],
    ),
    (
        "limits = { body_bytes = -1 }",
        &["limits.body_bytes:", "at least 1024"],
    ),
    (
        "retention = { sessions = \"1h\" }",
        &["retention.sessions:", "at least 1d"],
    ),
    (
        "retention = { signing_key = \"1h\", publish_ahead = \"1d\" }",
        &["retention.signing_key:", "longer than"],
    ),
    ("tls = { cert = \"c.pem\" }", &["tls.key:", "is needed"]),
    ("tls = \"c.pem\"", &["tls:", "must be a table"]),
    (
        "admin_listen = \"0.0.0.0:9\"",
        &["admin_listen:", "beyond this machine"],
    ),
    ("listen", &["TOML", "line 1"]),
    ("policies = 3", &["TOML"]),
];

#[test]
fn each_fault_is_named_with_a_remedy_and_nothing_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (added, expected) in FAULTS {
        std::fs::write(
            folder.join("prolong.toml"),
            format!("{added}\n{CONFIGURATION}"),
        )
        .unwrap();
        for command in [
            &["config", "check"][..],
            &["serve", "--listen", "127.0.0.1:0"],
        ] {
            // A flag wins over the file, so the address of the file is not looked at there.
            if command[0] == "serve" && added.contains("listen") {
                continue;
            }
            let said = bad(&run(folder, command));
            for part in *expected {
                assert!(said.contains(part), "{added}: no {part} in\n{said}");
            }
            assert!(
                !said.contains("panicked") && !said.contains("ConfigFaults"),
                "{said}"
            );
        }
        assert!(!folder.join("prolong-data").exists(), "{added}");
    }
}

/// Faults of clients and policies, which come with the place they stand at.
#[test]
fn clients_and_policies_are_named_in_their_faults() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (text, expected) in [
        ("", "clients: there is none"),
        ("[[clients]]\nkind = \"public\"", "clients[1].id: is needed"),
        ("[[clients]]\nid = \"a b\"", "clients[a b].id"),
        (
            "[[clients]]\nid = \"a\"\npolicy = \"refrsh\"",
            "did you mean \"refresh\"?",
        ),
        (
            "[[clients]]\nid = \"a\"\nkind = \"confidential\"",
            "`prolong client secret` prints a secret",
        ),
        ("[[clients]]\nid = \"a\"\nsecret = \"x\"", "secret_hash"),
        (
            "[[clients]]\nid = \"a\"\nscopes = [\"prolong:admin\"]",
            "confidential clients",
        ),
        (
            "[[clients]]\nid = \"a\"\norigins = [\"https://a.example/\"]",
            "is not an origin",
        ),
        (
            "[[clients]]\nid = \"a\"\ntransport = \"cookie\"",
            "origins: is needed",
        ),
        ("[clients]\nid = \"a\"", "list of tables: [[clients]]"),
        (
            "[policies.x]\npreset = \"timer\"\nidle = \"1m\"\n[[clients]]\nid = \"a\"",
            "policies.x",
        ),
        (
            "[policies.x]\naccess = \"never\"\n[[clients]]\nid = \"a\"",
            "policies.x.access",
        ),
        (
            "[policies.x]\ncheck_url = \"ftp://x\"\n[[clients]]\nid = \"a\"",
            "policies.x.check_url",
        ),
        ("[[clients]]\nid = \"prolong-operator\"", "choose another"),
    ] {
        std::fs::write(folder.join("prolong.toml"), text).unwrap();
        let said = bad(&run(folder, &["config", "check"]));
        assert!(said.contains(expected), "{text}\nno {expected} in\n{said}");
    }
}

#[test]
fn a_file_that_is_not_there_is_not_replaced_by_development_mode() {
    let folder = tempfile::tempdir().unwrap();
    for command in [&["config", "check"][..], &["serve"], &["user", "list"]] {
        let args: Vec<&str> = command
            .iter()
            .copied()
            .chain(["--config", "elsewhere.toml"])
            .collect();
        assert!(bad(&run(folder.path(), &args)).contains("elsewhere.toml"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_empty_folder_is_enough_and_stays_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = bad(&run(folder, &["serve", "--listen", "0.0.0.0:0"]));
    assert!(
        refused.contains("issuer: is needed to listen beyond this machine"),
        "{refused}"
    );
    let refused = bad(&run_with(
        folder,
        &["serve"],
        &[("PROLONG__LISTEN", "[::]:0")],
        "",
    ));
    assert!(refused.contains("beyond this machine"), "{refused}");
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        0,
        "nothing was begun"
    );

    let mut process = prolong(folder, &["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let ready = lines
        .find(|line| line.as_ref().unwrap().contains("listening on"))
        .unwrap()
        .unwrap();
    let address = ready
        .split("http://")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap()
        .to_owned();
    let port = address.rsplit(':').next().unwrap();
    assert!(
        ready.contains(&format!("issuer http://localhost:{port}")),
        "{ready}"
    );
    TcpStream::connect(&address).unwrap();
    // A machine without IPv6 has one loopback only.
    if std::net::TcpListener::bind("[::1]:0").is_ok() {
        TcpStream::connect(format!("[::1]:{port}")).unwrap();
    }
    // What it says to try is tried, in another folder, with nothing on the path but the shell's own.
    let said = BufReader::new(process.stdout.take().unwrap()).lines();
    let said: Vec<String> = said.take(4).map(Result::unwrap).collect();
    assert!(said[0].starts_with("Development mode"), "{said:?}");
    assert!(said[1].ends_with(&format!("# then sign in at http://localhost:{port}")));
    let elsewhere = tempfile::tempdir().unwrap();
    let try_it = |line: usize, more: &str| {
        let command = said[line].split('#').next().unwrap();
        let script = format!("echo correct horse | {command} {more}");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).env_clear();
        good(&shell.current_dir(&elsewhere).output().unwrap())
    };
    try_it(1, "--password-stdin");
    let users = good(&run(folder, &["user", "list"]));
    assert!(users.contains("maryo"), "{said:?}\n{users}");
    try_it(2, "");
    try_it(3, "");
    assert!(elsewhere.path().join("prolong.toml").exists());
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn what_init_writes_is_good_and_never_replaces_anything() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let said = good(&run(
        folder,
        &["config", "init", "--issuer", "https://auth.example.com"],
    ));
    assert!(said.contains("master key"), "{said}");
    good(&run(folder, &["config", "check"]));
    let written = std::fs::read_to_string(folder.join("prolong.toml")).unwrap();
    assert!(
        bad(&run(folder, &["config", "init"])).contains("is there already; nothing was changed")
    );
    assert_eq!(
        std::fs::read_to_string(folder.join("prolong.toml")).unwrap(),
        written
    );
}
