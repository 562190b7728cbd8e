//! Replacing keys while people are signed in.

use std::path::Path;

use crate::server::{CONFIGURATION, Server, bad, good, house, run, text};

fn master_keys(folder: &Path) -> std::path::PathBuf {
    folder.join("prolong-data/master.key")
}

#[test]
fn a_master_key_is_replaced_and_nobody_is_signed_out() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    let token = text(&server.sign_in("maryo", "correct horse"), "refresh_token");
    let said = good(&run(folder, &["key", "rotate", "--refresh"]));
    assert!(
        said.contains("master key 2") && said.contains("restart"),
        "{said}"
    );
    server.stop();

    let both = std::fs::read_to_string(master_keys(folder)).unwrap();
    let server = Server::start(folder);
    let (status, answer) = server.refresh(&token);
    assert_eq!(status, 200, "{answer}");
    let token = text(&answer, "refresh_token");
    let listed: serde_json::Value =
        serde_json::from_str(&good(&run(folder, &["key", "list", "--output", "json"]))).unwrap();
    let old = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["use"] == "refresh" && key["kid"] == "1");
    assert_eq!(
        old.unwrap()["in_use"],
        true,
        "the predecessor hangs on it still"
    );
    server.stop();

    // Too early: refused with what to do, and nothing is lost by it.
    let newest = both.lines().next().unwrap().to_owned() + "\n";
    std::fs::write(master_keys(folder), &newest).unwrap();
    let refused = bad(&run(folder, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(
        refused.contains("master key 1 is missing") && refused.contains("put its line back"),
        "{refused}"
    );
    std::fs::write(master_keys(folder), &both).unwrap();

    let server = Server::start(folder);
    let (status, answer) = server.refresh(&token);
    assert_eq!(status, 200, "{answer}");
    let token = text(&answer, "refresh_token");
    server.stop();
    std::fs::write(master_keys(folder), &newest).unwrap();
    let server = Server::start(folder);
    assert_eq!(server.refresh(&token).0, 200);
    server.stop();

    // An id is never used twice.
    let other = both.lines().next().unwrap().replacen('2', "1", 1);
    std::fs::write(master_keys(folder), format!("{newest}{other}\n")).unwrap();
    let refused = bad(&run(folder, &["serve", "--listen", "127.0.0.1:0"]));
    assert!(refused.contains("id was used twice"), "{refused}");
}

#[test]
fn a_leaked_master_key_ends_what_hangs_on_it() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    let token = text(&server.sign_in("maryo", "correct horse"), "refresh_token");
    good(&run(folder, &["key", "rotate", "--refresh"]));
    server.stop();
    let server = Server::start(folder);
    let kept = text(&server.sign_in("maryo", "correct horse"), "refresh_token");
    let which = bad(&run(folder, &["key", "distrust", "--refresh"]));
    assert!(which.contains("one of 2, 1"), "{which}");
    let said = good(&run(folder, &["key", "distrust", "--refresh", "1"]));
    assert!(said.contains("1 sessions were ended"), "{said}");
    let (status, answer) = server.refresh(&token);
    assert_eq!(
        (status, &answer["reason"]),
        (400, &"key_distrusted".into()),
        "{answer}"
    );
    assert_eq!(server.refresh(&kept).0, 200);
    let said = good(&run(folder, &["key", "distrust", "2", "--refresh"]));
    assert!(said.contains("still the newest"), "{said}");
}

#[test]
fn a_signing_key_is_distrusted_and_clients_renew_silently() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    let answer = server.sign_in("maryo", "correct horse");
    let bearer = format!("Bearer {}", text(&answer, "access_token"));
    let old = [("Authorization", bearer.as_str())];
    assert_eq!(server.call("GET", "/v1/sessions/current", &old, "").0, 200);
    let said = good(&run(folder, &["key", "distrust", "--signing"]));
    assert!(
        said.contains("every token that it signed is refused"),
        "{said}"
    );
    let (status, problem) = server.call("GET", "/v1/sessions/current", &old, "");
    assert_eq!(
        (status, &problem["action"]),
        (401, &"renew".into()),
        "{problem}"
    );
    let (status, answer) = server.refresh(&text(&answer, "refresh_token"));
    assert_eq!(status, 200, "{answer}");
    let bearer = format!("Bearer {}", text(&answer, "access_token"));
    let (status, answer) = server.call(
        "GET",
        "/v1/sessions/current",
        &[("Authorization", &bearer)],
        "",
    );
    assert_eq!(status, 200, "{answer}");
    let listed = good(&run(folder, &["key", "list"]));
    assert!(
        listed.contains("dead") && listed.contains("active"),
        "{listed}"
    );
}

#[test]
fn another_algorithm_takes_over_while_old_tokens_go_on() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let issuer = ("PROLONG__ISSUER", "http://localhost:8080");
    let server = Server::start_with(folder, &[issuer]);
    let bearer = format!(
        "Bearer {}",
        text(&server.sign_in("maryo", "correct horse"), "access_token")
    );
    server.stop();
    let server = Server::start_with(folder, &[issuer, ("PROLONG__ALGORITHM", "RS256")]);
    let old = [("Authorization", bearer.as_str())];
    assert_eq!(server.call("GET", "/v1/sessions/current", &old, "").0, 200);
    let begun = std::time::Instant::now();
    let mut keys = serde_json::Value::Null;
    while keys["keys"].as_array().is_none_or(|keys| keys.len() < 2) {
        assert!(
            begun.elapsed() < crate::server::PATIENCE,
            "no successor is published: {keys}"
        );
        crate::server::pause();
        keys = server.call("GET", "/.well-known/jwks.json", &[], "").1;
    }
    let listed = good(&run(folder, &["key", "list"]));
    assert!(
        listed.contains("RS256") && listed.contains("pending"),
        "{listed}"
    );
    good(&run(folder, &["key", "rotate"]));
    assert_eq!(server.call("GET", "/v1/sessions/current", &old, "").0, 200);
}
