mod keys;
mod slips;

use super::*;

fn read(text: &str) -> Result<Config, Faults> {
    read_with(text, &[])
}

fn read_with(text: &str, environment: &[(&str, &str)]) -> Result<Config, Faults> {
    let environment = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(
        text,
        Some(Path::new("prolong.toml")),
        environment,
        &Overrides::default(),
    )
}

const GOOD: &str = r#"
listen = "127.0.0.1:8080"
issuer = "https://auth.example.com/prolong"
[policies.orders]
preset = "soft-expiry"
access = "20m"
[[clients]]
id = "web"
kind = "public"
policy = "orders"
policy_remembered = "refresh"
audience = "orders-api"
scopes = ["orders:read"]
origins = ["https://app.example.com"]
password_sign_in = true
[limits]
connections = 7
"#;

#[test]
fn the_example_of_the_manual_is_understood() {
    let config = read(GOOD).unwrap();
    let settings = config.plain_settings();
    let client = &settings.clients["web"];
    assert_eq!(client.policy.access.as_secs(), 20 * 60);
    assert_eq!(client.audience, ["orders-api"]);
    assert!(client.policy_remembered.is_some());
    assert_eq!(
        (settings.issuer.as_str(), settings.base_path.as_str()),
        ("https://auth.example.com/prolong", "/prolong")
    );
    assert_eq!(settings.limits.connections, 7);
    assert!(!settings.development);
}

#[test]
fn all_faults_are_named_at_once_with_their_place_and_a_hint() {
    let text = r#"
        isuer = "https://auth.example.com"
        tls = { cert = "x" }
        [policies.orders]
        preset = "soft-expiri"
        access = 20
        [policies.short]
        soft = "30m"
        [[clients]]
        id = "web"
        policy = "order"
        kind = "confidential"
        origins = ["https://App.example.com/"]
        [[clients]]
        id = "web"
        transport = "cokie"
        [limits]
        conections = 3
    "#;
    let faults = read(text).unwrap_err().each();
    let expected = [
        ("isuer", "did you mean `issuer`?"),
        ("tls.key", "is needed"),
        ("policies.orders.preset", "did you mean \"soft-expiry\"?"),
        ("policies.orders.access", "\"20m\""),
        ("policies.short.soft", "shorter than `access`"),
        ("clients[web].policy", "did you mean \"orders\"?"),
        ("clients[web].secret_hash", "prolong client secret"),
        ("clients[web].origins", "lower case"),
        ("clients", "twice"),
        ("clients[web].transport", "did you mean \"cookie\"?"),
        ("limits.conections", "did you mean `connections`?"),
    ];
    for (key, message) in expected {
        assert!(
            faults.iter().any(|(k, m)| k == key && m.contains(message)),
            "{key}: {message}\n{faults:#?}"
        );
    }
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
}

#[test]
fn the_environment_wins_and_the_master_key_stays_apart() {
    let environment = [
        ("PROLONG__LIMITS__CONNECTIONS", "9"),
        ("PROLONG__POLICIES__ORDERS__ACCESS", "10m"),
        ("PROLONG__TRUSTED_PROXIES", r#"["10.0.0.0/8", "::1"]"#),
        ("PROLONG__MASTER_KEY", "secret"),
        ("PROLONGED", "not ours"),
    ];
    let config = read_with(GOOD, &environment).unwrap();
    let settings = config.plain_settings();
    assert_eq!(settings.limits.connections, 9);
    assert_eq!(settings.clients["web"].policy.access.as_secs(), 600);
    assert_eq!(settings.trusted_proxies.len(), 2);
    assert_eq!(config.master_key.as_ref().unwrap().reveal(), "secret");
    assert!(!format!("{config:?}").contains("\"secret\""));
    let faults = read_with(GOOD, &[("PROLONG__LIMITS__CONECTIONS", "9")]).unwrap_err();
    assert!(faults.to_string().contains("limits.conections"), "{faults}");
}

#[test]
fn the_environment_reaches_clients_and_policies_by_name() {
    let text = GOOD
        .replace("[policies.orders]", "[policies.my-orders]")
        .replace("policy = \"orders\"", "policy = \"my-orders\"")
        .replace("id = \"web\"", "id = \"Web.app\"");
    let environment = [
        (
            "PROLONG__CLIENTS__WEB_APP__ORIGINS",
            r#"["https://other.example.com"]"#,
        ),
        ("PROLONG__POLICIES__MY_ORDERS__ACCESS", "10m"),
        ("PROLONG__LOG__LEVEL", "warn"),
        ("PROLONG__ISSUER", "https://elsewhere.example.com"),
        ("PROLONG__RETENTION__AUDIT", "30d"),
    ];
    let config = read_with(&text, &environment).unwrap();
    let settings = config.plain_settings();
    let client = &settings.clients["Web.app"];
    assert_eq!(
        client.origins,
        Origins::Listed(vec!["https://other.example.com".to_owned()])
    );
    assert_eq!(client.policy.access.as_secs(), 600);
    assert_eq!(config.log_level, "warn");
    assert_eq!(settings.issuer, "https://elsewhere.example.com");
    assert_eq!(settings.retention.audit.as_secs(), 30 * 86_400);
    for (name, message) in [
        ("PROLONG__CLIENTS__NOBODY__ORIGINS", "none with the id"),
        ("PROLONG__CLIENTS", "must be a table"),
        (
            "PROLONG__CLIENTS__WEB_APP__ORIGIN",
            "did you mean `origins`?",
        ),
        ("PROLONG__LISTEN__PORT", "is not a table"),
    ] {
        let faults = read_with(&text, &[(name, "[\"https://x.example\"]")]).unwrap_err();
        assert!(faults.to_string().contains(message), "{name}: {faults}");
    }
}

#[test]
fn tls_needs_both_files_and_changes_the_scheme() {
    let text = "[[clients]]\nid = \"web\"\n[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"\n";
    let config = read(text).unwrap();
    assert_eq!(config.issuer(config.listen), "https://127.0.0.1:8080");
    let faults = read(&text.replace("key = ", "kee = ")).unwrap_err().each();
    let keys: Vec<_> = faults.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["tls.key", "tls.kee"]);
    let faults = read(&text.replace("\"k.pem\"", "3")).unwrap_err().each();
    assert_eq!(faults.len(), 1, "{faults:?}");
}

#[test]
fn administration_has_a_place_of_its_own() {
    let with = |admin: &str| read(&format!("admin_listen = \"{admin}\"\n{GOOD}"));
    assert_eq!(
        with("0.0.0.0:9090").unwrap().admin_listen.unwrap().port(),
        9090
    );
    assert!(
        with("127.0.0.1:8080")
            .unwrap_err()
            .to_string()
            .contains("same as `listen`")
    );
    let local = "admin_listen = \"0.0.0.0:9090\"\n[[clients]]\nid = \"web\"\n";
    assert!(
        read(local)
            .unwrap_err()
            .to_string()
            .contains("beyond this machine")
    );
}

#[test]
fn without_a_file_it_is_development_on_loopback_only() {
    let config =
        Config::read(DEVELOPMENT, None, std::iter::empty(), &Overrides::default()).unwrap();
    let settings = config.settings(SocketAddr::from(([127, 0, 0, 1], 8081)));
    assert_eq!(settings.issuer, "http://localhost:8081");
    assert_eq!(settings.clients["web"].origins, Origins::AnyLoopback);
    assert_eq!(config.data_dir, Path::new("prolong-data"));
    let listen = Some(SocketAddr::from(([0, 0, 0, 0], 8080)));
    let beyond = Overrides {
        listen,
        ..Overrides::default()
    };
    assert!(
        Config::read(DEVELOPMENT, None, std::iter::empty(), &beyond)
            .unwrap_err()
            .to_string()
            .contains("issuer")
    );
}

#[test]
fn an_issuer_must_be_one_that_others_can_trust() {
    let with = |issuer: &str, listen: &str| {
        read(
            &GOOD
                .replace("https://auth.example.com/prolong", issuer)
                .replace("127.0.0.1:8080", listen),
        )
    };
    assert!(with("https://auth.example.com", "0.0.0.0:8080").is_ok());
    assert!(with("http://localhost:9000", "127.0.0.1:9000").is_ok());
    for (issuer, listen) in [
        ("http://auth.example.com", "127.0.0.1:8080"),
        ("http://localhost:9000", "0.0.0.0:9000"),
        ("https://auth.example.com/", "127.0.0.1:8080"),
        ("https://auth.example.com?x", "127.0.0.1:8080"),
        ("https://Auth.example.com", "127.0.0.1:8080"),
        ("auth.example.com", "127.0.0.1:8080"),
    ] {
        assert!(with(issuer, listen).is_err(), "{issuer}");
    }
}

#[test]
fn the_examples_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policies");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let read = Config::read(
            &text,
            Some(&path),
            std::iter::empty(),
            &Overrides::default(),
        );
        assert!(read.is_ok(), "{}", read.unwrap_err());
        seen += 1;
    }
    assert!(seen >= 9, "{seen}");
}

/// What is read is described: each key that a table knows stands in the reference, in backticks.
#[test]
fn every_key_is_in_the_reference() {
    let reference =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let text = "qqqqqqqq = 1\n[policies.p]\nqqqqqqqq = 1\n[limits]\nqqqqqqqq = 1\n[retention]\nqqqqqqqq = 1\n\
                [log]\nqqqqqqqq = 1\n[tls]\ncert = \"c\"\nkey = \"k\"\nqqqqqqqq = 1\n[[clients]]\nid = \"c\"\nqqqqqqqq = 1\n";
    let mut keys = 0;
    for (place, message) in read(text).unwrap_err().each() {
        let (_, known) = message.split_once("known here: ").unwrap();
        let table = place.strip_suffix("qqqqqqqq").unwrap();
        for key in known.split(", ") {
            let written = match table {
                "log." | "tls." => format!("`{table}{key}`"),
                _ => format!("`{key}`"),
            };
            let is_table =
                ["policies", "clients", "limits", "retention", "log", "tls"].contains(&key);
            assert!(
                reference.contains(&written) || is_table,
                "{written} of {place} is not in the reference"
            );
            keys += 1;
        }
    }
    assert!(keys > 55, "{keys}");
}

/// What was accepted here once, and then stopped the server, or made it sign nobody in.
#[test]
fn what_a_server_could_not_start_with_is_refused_here() {
    let with = |section: &str, line: &str| {
        let text = if section.is_empty() {
            format!("{line}\n[[clients]]\nid = \"web\"\n")
        } else {
            format!("[[clients]]\nid = \"web\"\n[{section}]\n{line}\n")
        };
        read(&text).err().map(|faults| faults.each())
    };
    for (section, line, key) in [
        ("", "base_path = \"/{x}\"", "base_path"),
        ("", "base_path = \"/a//b\"", "base_path"),
        ("", "base_path = \"/:x\"", "base_path"),
        ("", "base_path = \"/..\"", "base_path"),
        ("", "base_path = \"/\"", "base_path"),
        ("", "base_path = \"/a/\"", "base_path"),
        ("", "issuer = \"https://auth.example.com/{*x}\"", "issuer"),
        ("", "issuer = \"https://auth.example.com//x\"", "issuer"),
        ("", "issuer = \"https://auth.example.com:x\"", "issuer"),
        ("", "issuer = \"https://auth\\\"example\"", "issuer"),
        (
            "limits",
            "password_hashes = 9223372036854775807",
            "limits.password_hashes",
        ),
        (
            "limits",
            "connections = 9223372036854775807",
            "limits.connections",
        ),
        (
            "limits",
            "feed_streams = 9223372036854775807",
            "limits.feed_streams",
        ),
        (
            "limits",
            "throttle_entries = 9223372036854775807",
            "limits.throttle_entries",
        ),
        (
            "limits",
            "argon2_memory_kib = 262145",
            "limits.argon2_memory_kib",
        ),
        ("limits", "argon2_passes = 17", "limits.argon2_passes"),
        (
            "policies.p",
            "check_url = \"https://\"",
            "policies.p.check_url",
        ),
        (
            "policies.p",
            "check_url = \"http:// x\"",
            "policies.p.check_url",
        ),
    ] {
        let faults = with(section, line).unwrap_or_else(|| panic!("{line} is accepted"));
        assert_eq!(faults.len(), 1, "{line}: {faults:?}");
        assert_eq!(faults[0].0, key, "{line}");
    }
    for (section, line) in [
        ("", "base_path = \"/a/b.c~d_e-f\""),
        ("limits", "argon2_memory_kib = 262144"),
        ("limits", "argon2_passes = 16"),
        (
            "policies.p",
            "check_url = \"https://users.example.com:8443/check?x=1\"",
        ),
    ] {
        assert_eq!(with(section, line), None, "{line}");
    }
}

/// Names that only a quoted key can have, and variables that name none.
#[test]
fn a_fault_names_its_key_however_odd_that_is() {
    let text =
        "\"\" = 1\n\"a\\nb\" = 2\n[policies.\"my own\"]\naccess = 3\n[[clients]]\nid = \"w\\n\"\n";
    let faults = read(text).unwrap_err();
    let keys: Vec<_> = faults.each().into_iter().map(|(key, _)| key).collect();
    for key in [
        "\"\"",
        "\"a\\nb\"",
        "policies.\"my own\".access",
        "clients[1].id",
    ] {
        assert!(keys.iter().any(|known| known == key), "{key}: {keys:?}");
    }
    assert!(
        faults.to_string().lines().count() == 1 + keys.len(),
        "{faults}"
    );
    for name in ["PROLONG__", "PROLONG____LISTEN", "PROLONG__LIMITS__"] {
        let faults = read_with(GOOD, &[(name, "1")]).unwrap_err().each();
        assert_eq!(
            (faults.len(), faults[0].0.as_str()),
            (1, name),
            "{faults:?}"
        );
    }
}
