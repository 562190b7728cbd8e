//! What policies mean, and why a session ended.

use crate::server::{CONFIGURATION, Server, bad, good, house, run, text};

#[test]
fn every_preset_and_every_policy_of_the_file_is_told_as_a_timeline() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    for preset in [
        "weekly-sliding",
        "device",
        "gatekeeper",
        "timer",
        "last-access",
        "refresh",
        "pair",
        "versioned",
        "soft-expiry",
        "aal1",
        "aal2",
        "aal3",
        "default",
        "strict",
    ] {
        let told = good(&run(folder, &["config", "explain", preset]));
        for part in ["at sign-in", "renew", "idle", "ban", "stolen"] {
            assert!(
                told.contains(part) || (part == "renew" && preset == "last-access"),
                "{preset}: no {part} in\n{told}"
            );
        }
    }
    assert!(
        good(&run(folder, &["config", "explain"])).starts_with("default"),
        "of all clients"
    );
    let unknown = bad(&run(folder, &["config", "explain", "refrsh"]));
    assert!(unknown.contains("did you mean \"refresh\"?"), "{unknown}");
}

#[test]
fn why_a_session_ended_is_told_for_stored_and_for_computed_ends() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let server = Server::start(folder);
    server.sign_in("maryo", "correct horse");
    let ended = server.sign_in("maryo", "correct horse");
    let sid = text(&ended["session"], "id");
    good(&run(folder, &["session", "end", &sid]));
    let why = good(&run(folder, &["session", "why-ended", "maryo"]));
    assert!(why.contains("It goes on."), "{why}");
    assert!(
        why.contains("ended_by_admin")
            && why.contains("An administrator ended it.")
            && why.contains("ended by      operator"),
        "{why}"
    );
    assert!(why.contains("iPad, web"), "{why}");
    server.stop();
    // A shorter idle timeout bites at once, and nothing was stored for it.
    let shorter = CONFIGURATION.replace(
        "preset = \"refresh\"",
        "preset = \"refresh\"\naccess = \"1s\"\nidle = \"1s\"",
    );
    std::fs::write(folder.join("prolong.toml"), shorter).unwrap();
    let begun = std::time::Instant::now();
    loop {
        let why = good(&run(folder, &["session", "why-ended", "maryo"]));
        if why.contains("idle_timeout") {
            assert!(
                why.contains("over since") && why.contains("Nobody was active"),
                "{why}"
            );
            break;
        }
        assert!(begun.elapsed() < crate::server::PATIENCE, "{why}");
    }
    let unknown = bad(&run(folder, &["session", "why-ended", "nobody"]));
    assert!(unknown.contains("no such user"), "{unknown}");
}

#[test]
fn shells_and_readers_are_served() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = good(&run(folder.path(), &["completions", shell]));
        for word in ["why-ended", "distrust", "migrate", "token-file"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let manual = good(&run(folder.path(), &["man"]));
    assert!(
        manual.starts_with(".ie") || manual.contains(".TH prolong"),
        "{manual}"
    );
    assert!(manual.contains("config"));
}

#[test]
fn a_client_gets_a_secret_that_its_hash_belongs_to() {
    let folder = house(CONFIGURATION);
    let folder = folder.path();
    let made: serde_json::Value = serde_json::from_str(&good(&run(
        folder,
        &["client", "secret", "--output", "json"],
    )))
    .unwrap();
    let hash = text(&made, "secret_hash");
    let old = "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    std::fs::write(
        folder.join("prolong.toml"),
        CONFIGURATION.replace(old, &hash),
    )
    .unwrap();
    let server = Server::start(folder);
    let form = format!(
        "grant_type=client_credentials&client_id=ops&client_secret={}&scope=prolong:admin",
        text(&made, "secret")
    );
    let (status, answer) = server.token(&form);
    assert_eq!(status, 200, "{answer}");
    let listed = good(&run(folder, &["client", "list"]));
    assert!(
        listed.contains("confidential") && !listed.contains(&hash),
        "{listed}"
    );
}
