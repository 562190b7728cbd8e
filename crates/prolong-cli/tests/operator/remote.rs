//! Administration from afar, and output for machines.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::server::{CONFIGURATION, Server, bad, call_at, good, house, run, run_with};

#[test]
fn an_administrator_works_from_another_machine() {
    let folder = house(CONFIGURATION);
    let server = Server::start(folder.path());
    server.sign_in("maryo", "correct horse");
    let elsewhere = tempfile::tempdir().unwrap();
    let elsewhere = elsewhere.path();
    let at = format!("http://{}", server.address);
    let token = server.machine_token("prolong:admin");
    let with = [("PROLONG_TOKEN", token.as_str())];
    let remote = |args: &[&str], input: &str| {
        let args: Vec<&str> = args.iter().copied().chain(["--server", &at]).collect();
        run_with(elsewhere, &args, &with, input)
    };
    assert!(good(&remote(&["user", "list"], "")).contains("maryo"));
    good(&remote(
        &["user", "add", "ann", "--password-stdin"],
        "battery staple\n",
    ));
    assert!(good(&remote(&["session", "list", "--user", "maryo"], "")).contains("iPad"));
    assert!(good(&remote(&["key", "list"], "")).contains("ES256"));
    assert!(good(&remote(&["client", "list"], "")).contains("ops"));
    good(&remote(&["user", "disable", "maryo"], ""));
    let why = good(&remote(&["session", "why-ended", "maryo"], ""));
    assert!(why.contains("user_disabled"), "{why}");
    // What is of this machine is not done elsewhere, and nothing was written here.
    assert!(bad(&remote(&["backup", "x.db"], "")).contains("leave --server out"));
    assert!(bad(&remote(&["key", "rotate", "--refresh"], "")).contains("without --server"));
    assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 0);

    let file = elsewhere.join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    good(&run(
        elsewhere,
        &[
            "user",
            "show",
            "ann",
            "--server",
            &at,
            "--token-file",
            "token",
        ],
    ));
    let input = run_with(
        elsewhere,
        &["user", "show", "ann", "--server", &at, "--token-file", "-"],
        &[],
        &token,
    );
    good(&input);

    let support = server.machine_token("prolong:support");
    let refused = bad(&run_with(
        elsewhere,
        &["key", "list", "--server", &at],
        &[("PROLONG_TOKEN", &support)],
        "",
    ));
    assert!(
        refused.contains("the token needs the scope prolong:admin"),
        "{refused}"
    );
    let refused = bad(&run_with(
        elsewhere,
        &["key", "list", "--server", &at],
        &[("PROLONG_TOKEN", "nonsense")],
        "",
    ));
    assert!(
        refused.contains("get a new token") && !refused.contains("nonsense"),
        "{refused}"
    );
}

#[test]
fn a_token_never_travels_in_the_clear_and_is_never_missing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |server: &str, environment: &[(&str, &str)]| {
        bad(&run_with(
            folder.path(),
            &["user", "list", "--server", server],
            environment,
            "",
        ))
    };
    let token = [("PROLONG_TOKEN", "t")];
    assert!(at("http://auth.example.com", &token).contains("https://"));
    assert!(at("auth.example.com", &token).contains("https://"));
    assert!(at("http://127.0.0.1.example.com", &token).contains("https://"));
    assert!(at("https://auth.example.com", &[]).contains("PROLONG_TOKEN"));
    assert!(at("http://127.0.0.1:1", &token).contains("does not answer"));
    for nothing in ["", " ", "\n"] {
        let said = at("https://auth.example.com", &[("PROLONG_TOKEN", nothing)]);
        assert!(said.contains("the token is empty"), "{said}");
    }
    std::fs::write(folder.path().join("token"), "t").unwrap();
    let alone = run(folder.path(), &["user", "list", "--token-file", "token"]);
    let said = bad(&alone);
    assert!(said.contains("--token-file goes with --server"), "{said}");
}

/// Where a redirect leads is not where the operator sent the token, nor the command.
#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", at.local_addr().unwrap());
    let to = elsewhere.local_addr().unwrap();
    let answers = std::thread::spawn(move || {
        for status in ["307 Temporary Redirect", "302 Found"] {
            let (mut stream, _) = at.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let answer = format!(
                "HTTP/1.1 {status}\r\nLocation: http://{to}/v1/admin/users\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n"
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let folder = tempfile::tempdir().unwrap();
    // What is led elsewhere is answered there, so that a command that follows does not wait for ever.
    elsewhere.set_nonblocking(true).unwrap();
    for status in ["307", "302"] {
        let args = ["user", "list", "--server", &server];
        let said = bad(&run_with(
            folder.path(),
            &args,
            &[("PROLONG_TOKEN", "t")],
            "",
        ));
        assert!(said.contains(status), "{said}");
    }
    answers.join().unwrap();
    assert!(elsewhere.accept().is_err(), "the command went elsewhere");
}

#[test]
fn machines_can_read_every_result_and_every_error() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let json = |args: &[&str]| -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--output", "json"]).collect();
        let output = run(folder, &args);
        let text = if output.status.success() {
            &output.stdout
        } else {
            &output.stderr
        };
        serde_json::from_slice(text)
            .unwrap_or_else(|error| panic!("{args:?}: {error}: {}", String::from_utf8_lossy(text)))
    };
    for args in [
        &["user", "list"][..],
        &["user", "show", "maryo"],
        &["user", "sign-out", "maryo"],
        &["user", "require-reauth", "maryo"],
        &["session", "list"],
        &["session", "why-ended", "maryo"],
        &["key", "list"],
        &["key", "rotate"],
        &["key", "rotate", "--refresh"],
        &["key", "distrust", "--signing"],
        &["key", "distrust", "--refresh", "2"],
        &["client", "list"],
        &["client", "secret"],
        &["config", "check"],
        &["config", "explain"],
        &["backup", "copy.db"],
        &["migrate"],
        &["migrate", "--dry-run"],
        &["doctor"],
        &["restore", "copy.db", "--keep-sessions"],
    ] {
        let answer = json(args);
        assert!(answer.get("error").is_none(), "{args:?}: {answer}");
    }
    let unknown = json(&["session", "show", "nobody"]);
    assert_eq!(
        (&unknown["status"], &unknown["code"]),
        (&404.into(), &"NOT_FOUND".into()),
        "{unknown}"
    );
    assert!(
        json(&["user", "show", "nobody"])["error"]
            .as_str()
            .unwrap()
            .contains("no user nobody")
    );
    assert!(
        json(&["user", "shwo"])["error"]
            .as_str()
            .unwrap()
            .contains("show")
    );
    assert!(
        json(&["backup", "copy.db"])["error"]
            .as_str()
            .unwrap()
            .contains("there already")
    );
    std::fs::write(folder.join("prolong.toml"), "isuer = \"x\"\nlisten = 3\n").unwrap();
    let faults = json(&["config", "check"]);
    let keys: Vec<_> = faults["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["listen", "clients", "isuer"]);
}

#[test]
fn administration_can_listen_at_an_address_of_its_own() {
    let folder = house(&format!("admin_listen = \"127.0.0.1:0\"\n{CONFIGURATION}"));
    let server = Server::start(folder.path());
    let line = server.wait_for_line("administration and metrics on http://");
    let admin = line.split("http://").nth(1).unwrap().trim();
    let bearer = format!("Bearer {}", server.machine_token("prolong:admin"));
    let headers = [("Authorization", bearer.as_str())];
    for path in ["/v1/admin/users", "/metrics", "/v1/admin/keys"] {
        assert_eq!(
            call_at(&server.address, "GET", path, &headers, "").0,
            404,
            "{path}"
        );
        assert_eq!(call_at(admin, "GET", path, &headers, "").0, 200, "{path}");
    }
    assert_eq!(call_at(admin, "GET", "/v1/admin/users", &[], "").0, 401);
    assert_eq!(call_at(&server.address, "GET", "/readyz", &[], "").0, 200);
    assert_eq!(call_at(admin, "GET", "/readyz", &[], "").0, 200);
    // The operator's socket goes on.
    assert!(good(&run(folder.path(), &["user", "list"])).contains("maryo"));
}
