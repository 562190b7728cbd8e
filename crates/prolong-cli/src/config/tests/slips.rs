//! Slips that would start a server with another meaning than the one that was written.

use super::*;

fn faults_of(text: &str) -> Vec<(String, String)> {
    read(text)
        .err()
        .map(|faults| faults.each())
        .unwrap_or_default()
}

/// `[policies.aal3]` with one key would else be the defaults with that key: idle for days, not for 15 minutes.
#[test]
fn a_policy_with_a_presets_name_is_that_preset_or_none() {
    let with = |lines: &str| {
        faults_of(&format!(
            "{GOOD}[policies.aal3]\nrenew_every = \"5m\"\n{lines}"
        ))
    };
    for lines in ["", "preset = \"aal1\""] {
        let faults = with(lines);
        assert!(
            matches!(&faults[..], [(key, why)] if key == "policies.aal3.preset" && why.contains("\"aal3\"")),
            "{faults:?}"
        );
    }
    assert_eq!(with("preset = \"aal3\""), []);
}

#[test]
fn a_machine_scope_is_one_that_there_is() {
    let client = "[[clients]]\nid = \"ops\"\nkind = \"confidential\"\nsecret_hash = \"sha256:";
    let client = format!("{client}{}\"\n", "0".repeat(64));
    let with = |scope: &str| faults_of(&format!("{GOOD}{client}scopes = [\"{scope}\"]"));
    let faults = with("prolong:sign_in");
    assert!(
        matches!(&faults[..], [(key, why)] if key == "clients[ops].scopes" && why.contains("prolong:sign-in")),
        "{faults:?}"
    );
    assert_eq!(with("prolong:sign-in"), []);
}

/// `SameSite=Strict`: such pages would be signed out at their first refresh.
#[test]
fn cookies_are_for_pages_of_the_issuers_site() {
    let with = |issuer: &str, origin: &str| {
        let text = GOOD.replace("https://auth.example.com/prolong", issuer);
        let text = text.replace("https://app.example.com", origin);
        faults_of(&text.replace(
            "password_sign_in",
            "transport = \"cookie\"\npassword_sign_in",
        ))
    };
    for (issuer, origin, good) in [
        ("https://auth.example.com", "https://app.example.com", true),
        ("https://auth.example.com", "https://example.com:8443", true),
        ("https://auth.example.com", "https://auth.example.com", true),
        ("https://auth.example.com", "http://app.example.com", false),
        ("https://auth.example.com", "https://app.example.org", false),
        (
            "https://auth.example.com",
            "https://example.com.evil.example",
            false,
        ),
        ("https://192.0.2.1", "https://192.0.2.1:444", true),
        ("https://192.0.2.1", "https://198.51.2.1", false),
        ("http://localhost:8080", "http://localhost:3000", true),
    ] {
        let faults = with(issuer, origin);
        let told = matches!(&faults[..], [(key, _)] if key == "clients[web].origins");
        assert!(
            if good { faults.is_empty() } else { told },
            "{issuer} {origin} {faults:?}"
        );
    }
}
