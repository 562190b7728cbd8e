//! Every key of the configuration, one by one: what is written arrives where it belongs and nowhere else, and what cannot
//! be meant is refused by the key's own name. Which keys there are is asked of the configuration itself, so that a new
//! one without a line here is a failure.

use core::num::NonZeroU32;
use std::collections::BTreeSet;
use std::time::Duration;

use prolong_core::{
    Activity, CheckFailure, Limit, OnPasswordChange, OnReuse, PlainPredecessor, ProlongWith,
    SoftResponse, WhenFull,
};

use super::*;

type Keys<T> = &'static [(&'static str, &'static str, fn(&mut T))];

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A policy of this one key is the default with this one difference. What cannot stand alone brings its other half.
const POLICY: Keys<Policy> = &[
    ("access", "\"61s\"", |p| p.access = secs(61)),
    ("soft", "\"62s\"", |p| p.soft = Some(secs(62))),
    ("idle", "\"63m\"", |p| p.idle = Limit::After(secs(63 * 60))),
    ("lifetime", "\"never\"", |p| p.lifetime = Limit::Never),
    ("sign_in_within", "\"64h\"", |p| {
        p.sign_in_within = Some(secs(64 * 3_600));
    }),
    ("renew_every", "\"65s\"", |p| p.renew_every = Some(secs(65))),
    ("prolong_with", "\"any-request\"", |p| {
        p.prolong_with = ProlongWith::AnyRequest;
    }),
    (
        "accept_expired",
        "\"66s\"\nprolong_with = \"access-token\"",
        |p| {
            p.accept_expired = secs(66);
            p.prolong_with = ProlongWith::AccessToken;
        },
    ),
    ("require_access_token", "true", |p| {
        p.require_access_token = true;
    }),
    ("rotate", "false", |p| p.rotate = false),
    ("grace", "\"15s\"", |p| p.grace = secs(15)),
    ("min_rotation_interval", "\"67s\"", |p| {
        p.min_rotation_interval = secs(67);
    }),
    ("activity", "\"person-only\"", |p| {
        p.activity = Activity::PersonOnly;
    }),
    ("soft_response", "\"reject\"\nsoft = \"5m\"", |p| {
        p.soft_response = SoftResponse::Reject;
        p.soft = Some(secs(300));
    }),
    ("supersede", "true", |p| p.supersede = true),
    ("sessions_per_user", "3", |p| {
        p.sessions_per_user = NonZeroU32::new(3);
    }),
    ("when_full", "\"refuse\"", |p| {
        p.when_full = WhenFull::Refuse;
    }),
    ("replace_others", "true", |p| p.replace_others = true),
    ("on_password_change", "\"keep\"", |p| {
        p.on_password_change = OnPasswordChange::Keep;
    }),
    ("on_reuse", "\"user\"", |p| p.on_reuse = OnReuse::User),
    ("plain_predecessor", "\"deny\"", |p| {
        p.plain_predecessor = PlainPredecessor::Deny;
    }),
    ("check_url", "\"https://users.example\"", |p| {
        p.check_url = Some("https://users.example".into());
    }),
    ("check_failure", "\"refuse\"", |p| {
        p.check_failure = CheckFailure::Refuse;
    }),
    ("preset", "\"last-access\"", |p| {
        *p = prolong_core::Preset::LastAccess.policy();
    }),
];

const LIMITS: Keys<Limits> = &[
    ("body_bytes", "2001", |l| l.body_bytes = 2001),
    ("head_bytes", "9001", |l| l.head_bytes = 9001),
    ("head_timeout", "\"71s\"", |l| l.head_timeout = secs(71)),
    ("request_timeout", "\"72s\"", |l| {
        l.request_timeout = secs(72);
    }),
    ("connections", "73", |l| l.connections = 73),
    ("feed_streams", "74", |l| l.feed_streams = 74),
    ("password_hashes", "75", |l| l.password_hashes = 75),
    ("password_queue", "76", |l| l.password_queue = 76),
    ("throttle_entries", "7777", |l| l.throttle_entries = 7777),
    ("network_failures", "78", |l| l.network_failures = 78),
    ("argon2_memory_kib", "7979", |l| l.argon2_memory_kib = 7979),
    ("argon2_passes", "8", |l| l.argon2_passes = 8),
];

const RETENTION: Keys<Retention> = &[
    ("sessions", "\"8d\"", |r| r.sessions = secs(8 * 86_400)),
    ("audit", "\"81d\"", |r| r.audit = secs(81 * 86_400)),
    ("signing_key", "\"82d\"", |r| {
        r.signing_key = secs(82 * 86_400);
    }),
    ("publish_ahead", "\"83m\"", |r| {
        r.publish_ahead = secs(83 * 60);
    }),
];

/// The rest: table and key, and what must be refused of each, beside what no key takes.
const OTHERS: &str = r#"
 listen = 8080 ; "8080" ; "127.0.0.1" ; "127.0.0.1:99999" ; "example.com:80"
 admin_listen = 8080 ; "8080" ; "127.0.0.1" ; "127.0.0.1:99999" ; "example.com:80"
 issuer = "auth.example.com" ; "https://" ; "ftp://a.example"
 base_path = "auth" ; "/a/" ; "/a b"
 data_dir = 1
 master_key_file = 1
 algorithm = "none" ; "HS256" ; "es256"
 trusted_proxies = "10.0.0.0/33" ; ["::1/129"] ; [3] ; ["localhost"] ; [""]
 feed_public = "true" ; "yes" ; 1
log level = "loud" ; "a=b=c"
log format = "xml"
tls cert = 1
tls key = 1
clients id = "a b" ; "prolong-operator" ; "ä"
clients kind = "secret"
clients secret_hash = "sha256:00" ; "md5:x" ; [3]
clients policy = "nope"
clients policy_remembered = "nope"
clients audience = [3] ; [""]
clients scopes = "two words" ; [3] ; "prolong:admin"
clients origins = "https://a.example/" ; [3] ; "*" ; "null"
clients transport = "header"
clients password_sign_in = "true" ; "yes" ; 1
"#;

const NEVER: &str = r#"3.5 ; nan ; 1979-05-27 ; -1 ; {} ; [[]] ; """#;
const BOOL: &str = r#""true" ; "yes" ; 1"#;
const DURATION: &str =
    r#"5 ; "5" ; "-5s" ; "5y" ; "5 s" ; "1.5h" ; "99999999999w" ; true ; ["5s"]"#;
const COUNT: &str = r#"9223372036854775807 ; "5" ; true ; [5]"#;
const WORD: &str = r#""zzz" ; 1 ; true ; ["zzz"]"#;
const CHECK_URL: &str = r#""users.example" ; "file:///etc" ; "https://" ; 3"#;

/// A text with this line in this table, and a client.
fn with(table: &str, line: &str) -> String {
    match table {
        "" => format!("{line}\n[[clients]]\nid = \"web\"\n"),
        "clients" if line.starts_with("id ") => format!("[[clients]]\n{line}\n"),
        "clients" => format!("[[clients]]\nid = \"web\"\n{line}\n"),
        "tls" if line.starts_with("cert ") => {
            format!("[[clients]]\nid = \"web\"\n[tls]\nkey = \"k\"\n{line}\n")
        }
        "tls" => format!("[[clients]]\nid = \"web\"\n[tls]\ncert = \"c\"\n{line}\n"),
        _ => format!("[[clients]]\nid = \"web\"\n[{table}]\n{line}\n"),
    }
}

/// The keys that this table knows.
fn known(table: &str) -> BTreeSet<String> {
    let faults = read(&with(table, "qqqqqqqq = 1")).unwrap_err().each();
    let told = |(key, message): &(String, String)| {
        let keys = message.split_once("known here: ")?.1;
        key.ends_with("qqqqqqqq")
            .then(|| keys.split(", ").map(ToOwned::to_owned).collect())
    };
    faults.iter().find_map(told).unwrap()
}

fn each_arrives<T: Clone + PartialEq + core::fmt::Debug>(
    table: &str,
    keys: Keys<T>,
    default: &T,
    read_back: impl Fn(&Config) -> T,
) {
    let named: BTreeSet<String> = keys.iter().map(|(key, ..)| (*key).to_owned()).collect();
    assert_eq!(named, known(table), "a key of [{table}] has no line here");
    for (key, value, change) in keys {
        let config = read(&with(table, &format!("{key} = {value}")));
        let mut expected = default.clone();
        change(&mut expected);
        assert_ne!(expected, *default, "{key} = {value} changes nothing");
        assert_eq!(read_back(&config.unwrap()), expected, "{key} = {value}");
    }
}

#[test]
fn each_key_arrives_where_it_belongs_and_nowhere_else() {
    let policy = |config: &Config| Policy::clone(&config.policies["p"]);
    each_arrives("policies.p", POLICY, &Policy::defaults(), policy);
    let settings = Config::plain_settings;
    each_arrives("limits", LIMITS, &Limits::default(), |config| {
        settings(config).limits
    });
    each_arrives("retention", RETENTION, &Retention::default(), |config| {
        settings(config).retention
    });
}

/// Those that are no plain values: each is seen in what it decides.
#[test]
fn the_other_keys_arrive_too() {
    let text = r#"
        listen = "127.0.0.1:1"
        admin_listen = "127.0.0.1:2"
        issuer = "https://a.example"
        base_path = "/b"
        data_dir = "c"
        master_key_file = "d"
        algorithm = "PS256"
        trusted_proxies = ["10.0.0.0/8"]
        feed_public = true
        log = { level = "warn", format = "json" }
        tls = { cert = "e", key = "f" }
        [[clients]]
        id = "web"
        kind = "confidential"
        secret_hash = "sha256:0101010101010101010101010101010101010101010101010101010101010101"
        policy = "timer"
        policy_remembered = "device"
        audience = ["g", "h"]
        scopes = ["i", "prolong:feed"]
        origins = "https://j.a.example"
        transport = "cookie"
        password_sign_in = true
    "#;
    let config = read(text).unwrap();
    let settings = config.plain_settings();
    let port = |address: Option<SocketAddr>| address.map(|address| address.port());
    assert_eq!(
        (port(Some(config.listen)), port(config.admin_listen)),
        (Some(1), Some(2))
    );
    assert_eq!(
        (settings.issuer.as_str(), settings.base_path.as_str()),
        ("https://a.example", "/b")
    );
    assert_eq!(
        (config.data_dir.as_path(), config.master_key_file.as_path()),
        (Path::new("c"), Path::new("d"))
    );
    assert_eq!(
        (settings.algorithm, settings.feed_public),
        (Algorithm::Ps256, true)
    );
    assert_eq!(
        (
            settings.trusted_proxies.len(),
            settings.trusted_proxies[0].prefix
        ),
        (1, 8)
    );
    assert_eq!((config.log_level.as_str(), config.log_json), ("warn", true));
    let tls = config.tls.unwrap();
    assert_eq!(
        (tls.cert.as_path(), tls.key.as_path()),
        (Path::new("e"), Path::new("f"))
    );
    let web = &settings.clients["web"];
    let secret_hashes = vec![[1; 32]];
    assert_eq!(
        web.kind,
        prolong_server::settings::ClientKind::Confidential { secret_hashes }
    );
    assert_eq!(
        (web.id.as_str(), web.policy_name.as_str()),
        ("web", "timer")
    );
    assert_eq!(*web.policy, prolong_core::Preset::Timer.policy());
    assert_eq!(
        web.policy_remembered.as_deref(),
        Some(&prolong_core::Preset::Device.policy())
    );
    assert_eq!(
        (web.audience.as_slice(), web.scopes.as_slice()),
        (
            &["g".to_owned(), "h".to_owned()][..],
            &["i".to_owned(), "prolong:feed".to_owned()][..]
        )
    );
    assert_eq!(
        web.origins,
        Origins::Listed(vec!["https://j.a.example".to_owned()])
    );
    assert_eq!(
        (web.transport, web.password_sign_in),
        (prolong_server::settings::Transport::Cookie, true)
    );
}

#[test]
fn what_a_key_cannot_mean_is_refused_by_its_name() {
    let mut wrong: Vec<(&str, &str, &str)> = Vec::new();
    for line in OTHERS.lines().filter(|line| !line.is_empty()) {
        let (place, values) = line.split_once(" = ").unwrap();
        let (table, key) = place.split_once(' ').unwrap();
        wrong.push((table, key, values));
    }
    for (key, value, _) in POLICY {
        let kind = match *key {
            "check_url" => CHECK_URL,
            "sessions_per_user" => COUNT,
            _ if value.starts_with(['t', 'f']) => BOOL,
            _ if value.starts_with("\"6") || ["lifetime", "grace"].contains(key) => DURATION,
            _ => WORD,
        };
        wrong.push(("policies.p", key, kind));
    }
    for (key, value, _) in LIMITS {
        let kind = if value.starts_with('"') {
            DURATION
        } else {
            COUNT
        };
        wrong.push(("limits", key, kind));
    }
    wrong.extend(
        RETENTION
            .iter()
            .map(|(key, ..)| ("retention", *key, DURATION)),
    );
    let mut tried = 0;
    for table in [
        "",
        "log",
        "tls",
        "clients",
        "policies.p",
        "limits",
        "retention",
    ] {
        let tables = ["policies", "clients", "limits", "retention", "log", "tls"];
        let mut keys = known(table);
        keys.retain(|key| !table.is_empty() || !tables.contains(&key.as_str()));
        for key in keys {
            let values = wrong.iter().find(|(t, k, _)| *t == table && *k == key);
            let (_, _, values) =
                values.unwrap_or_else(|| panic!("nothing is tried of `{key}` in [{table}]"));
            for value in values.split(" ; ").chain(NEVER.split(" ; ")) {
                let faults = read(&with(table, &format!("{key} = {value}")));
                let faults = faults
                    .err()
                    .unwrap_or_else(|| panic!("{table} {key} = {value} is accepted"));
                let named =
                    |(place, _): &(String, String)| place.rsplit('.').next() == Some(key.as_str());
                assert!(
                    faults.each().iter().any(named),
                    "{table} {key} = {value}: {faults}"
                );
                tried += 1;
            }
            let faults = read(&with(table, &format!("{key}x = 1"))).unwrap_err();
            let hint = format!("{key}x: is not a key of the configuration; did you mean `{key}`?");
            assert!(faults.to_string().contains(&hint), "{hint}\n{faults}");
        }
    }
    assert!(tried > 600, "{tried}");
}
