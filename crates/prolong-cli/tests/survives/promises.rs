//! What the store promises, asked of the real binary: backups, restores, secrets, forgetting.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::calls::{PASSWORD, SECRET};
use crate::house::{ATTEMPT, House, is_try_again};
use crate::server::{PATIENCE, good, run};

/// Yesterday's backup, made under load; today everybody is a hundred generations ahead of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_under_load_is_restored_and_clients_ahead_of_it_are_healed_or_ended() {
    const CLIENTS: usize = 4;
    let mut house = House::open("");
    house.calls().add_user("maryo").await;
    let quiet = house.sign_in("maryo").await;
    let mut tasks = tokio::task::JoinSet::new();
    let copied = Arc::new(AtomicBool::new(false));
    for _ in 0..CLIENTS {
        let (calls, mut token) = (house.calls(), house.sign_in("maryo").await);
        let copied = Arc::clone(&copied);
        tasks.spawn(async move {
            let mut afterwards = 0;
            while afterwards < 110 {
                afterwards += i32::from(copied.load(Ordering::Acquire));
                let answer = calls.refresh(&token, Some(ATTEMPT)).await.unwrap();
                answer.text("refresh_token").clone_into(&mut token);
            }
            token
        });
    }
    let until = Instant::now() + PATIENCE;
    let rotated = "prolong_refreshes_total{class=\"A2_rotated\"}";
    while house.metric(rotated).await.unwrap_or(0) < 20 {
        assert!(Instant::now() < until);
    }
    let (folder, copy) = (house.path().to_owned(), house.path().join("copy.db"));
    let backup = tokio::task::spawn_blocking(move || {
        good(&run(&folder, &["backup", "copy.db"], ""));
    });
    backup.await.unwrap();
    copied.store(true, Ordering::Release);
    let tokens = tasks.join_all().await;
    house.stop_server();

    // Served as it is, in another folder with the same key: the quiet session goes on; whoever is far ahead is asked to
    // come back, and loses nothing by it.
    let mut other = House::closed("");
    std::fs::copy(house.data("master.key"), other.data("master.key")).unwrap();
    std::fs::copy(&copy, other.data("prolong.db")).unwrap();
    other.start();
    other.refreshed(&quiet).await;
    let answer = other
        .calls()
        .refresh(&tokens[0], Some(ATTEMPT))
        .await
        .unwrap();
    assert!(
        is_try_again(answer.status.as_u16(), &answer.body),
        "{}",
        answer.body
    );
    other.stop();

    let said = good(&run(
        house.path(),
        &["restore", "copy.db", "--keep-sessions"],
        "",
    ));
    assert!(said.contains("are lost"), "{said}");
    house.start();
    let mut healed = Vec::new();
    for token in &tokens {
        let answer = house.calls().refresh(token, Some(ATTEMPT)).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(
            answer.body["session"]["generation"].as_u64() >= Some(110),
            "{}",
            answer.body
        );
        healed.push((token, answer.text("access_token").to_owned()));
    }
    house.stop_server();

    let said = good(&run(house.path(), &["restore", "copy.db", "--end-all"], ""));
    assert!(said.contains("ended now"), "{said}");
    house.start();
    for (token, access) in healed {
        let answer = house.calls().refresh(token, Some(ATTEMPT)).await.unwrap();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        let answer = house
            .calls()
            .get("/v1/verify", Some(&access))
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    }
    let why = good(&run(
        house.path(),
        &["session", "why-ended", "maryo", "--output", "json"],
        "",
    ));
    let why: Value = serde_json::from_str(&why).unwrap();
    let sessions = why["sessions"].as_array().unwrap();
    assert!(sessions.len() > CLIENTS);
    for session in sessions {
        let told = (&session["reason"], &session["ended_by"]);
        assert_eq!(told, (&json!("ended_by_admin"), &json!("operator")));
    }
    house.sign_in("maryo").await;
    house.stop();
}

/// Whoever reads the folder, its log or a backup finds nothing to act as a user with; only the master key's own file is
/// left out of the search.
#[tokio::test]
async fn nothing_that_is_stored_can_mint_a_token() {
    let mut house = House::open("");
    let sub = house.calls().add_user("maryo").await;
    let mut needles = Needles::default();
    let key = std::fs::read_to_string(house.data("master.key")).unwrap();
    let key = key.split_whitespace().nth(1).unwrap();
    needles.encoded("master key", key);
    for purpose in ["prolong/rt/v1", "prolong/seal/v1"] {
        needles.bytes(purpose, derived(key, purpose));
    }
    needles.text("password", PASSWORD);
    needles.text("client secret", SECRET);
    // The algorithm identifier of a private key of P-256 in the clear.
    needles.bytes(
        "a private key",
        vec![
            0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        ],
    );

    let admin = house.calls().admin_token().await.unwrap();
    needles.text("machine token", admin.text("access_token"));
    let started = json!({ "client_id": "web", "deliver": "ticket" });
    let path = format!("/v1/admin/users/{sub}/sessions");
    let bearer = Some(admin.text("access_token"));
    let answer = house
        .calls()
        .json(Method::POST, &path, bearer, &started)
        .await
        .unwrap();
    needles.encoded("ticket", answer.text("ticket"));
    for _ in 0..5 {
        let mut answer = house
            .calls()
            .sign_in("web", "maryo", PASSWORD)
            .await
            .unwrap();
        for _ in 0..5 {
            let token = answer.text("refresh_token").to_owned();
            needles.text("access token", answer.text("access_token"));
            needles.text("refresh token", &token);
            let bytes = URL_SAFE_NO_PAD.decode(&token["plr1_".len()..]).unwrap();
            needles.bytes("session secret", bytes[24..40].to_vec());
            needles.bytes("refresh token's tag", bytes[40..].to_vec());
            answer = house.calls().refresh(&token, Some(ATTEMPT)).await.unwrap();
        }
    }
    needles.encoded("attempt id", "AQIDBAUGBwgJCgsMDQ4PEA");
    let last = house.sign_in("maryo").await;
    house
        .calls()
        .refresh(&last, Some("AQIDBAUGBwgJCgsMDQ4PEA"))
        .await
        .unwrap();
    good(&run(house.path(), &["backup", "prolong-data/copy.db"], ""));
    house.take_server().kill();

    let mut searched = Vec::new();
    for entry in std::fs::read_dir(house.data("")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() && !path.ends_with("master.key") {
            needles.search(&path);
            searched.push(path);
        }
    }
    let holds =
        |name: &str, needle: &[u8]| contains(&std::fs::read(house.data(name)).unwrap(), needle);
    // What is there is found: the search looks where things are.
    assert!(
        holds("prolong.db-wal", b"maryo") && holds("copy.db", b"maryo"),
        "{searched:?}"
    );
}

#[derive(Default)]
struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    fn bytes(&mut self, what: &str, bytes: Vec<u8>) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.text(what, &hex);
        self.text(what, &URL_SAFE_NO_PAD.encode(&bytes));
        self.0.push((what.to_owned(), bytes));
    }

    fn text(&mut self, what: &str, text: &str) {
        self.0.push((what.to_owned(), text.as_bytes().to_vec()));
    }

    /// Base64url, and what it stands for.
    fn encoded(&mut self, what: &str, text: &str) {
        self.text(what, text);
        if let Ok(bytes) = URL_SAFE_NO_PAD.decode(text) {
            self.bytes(what, bytes);
        }
    }

    fn search(&self, path: &Path) {
        let stored = std::fs::read(path).unwrap();
        for (what, needle) in &self.0 {
            assert!(!contains(&stored, needle), "{}: {what}", path.display());
        }
    }
}

fn contains(stored: &[u8], needle: &[u8]) -> bool {
    stored.windows(needle.len()).any(|window| window == needle)
}

fn derived(key: &str, purpose: &'static str) -> Vec<u8> {
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    let mut bytes = vec![0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
        .extract(&key)
        .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
        .unwrap()
        .fill(&mut bytes)
        .unwrap();
    bytes
}

/// Hundreds of sessions that are long over go in the background, while a client is served; the file is used again.
#[tokio::test]
async fn sessions_long_over_are_forgotten_in_the_background() {
    const OLD: u64 = 450;
    let mut house = House::open("");
    let sub = house.calls().add_user("maryo").await;
    let admin = house.calls().admin_token().await.unwrap();
    let path = format!("/v1/admin/users/{sub}/sessions");
    let start = json!({ "client_id": "web", "deliver": "tokens" });
    for _ in 0..OLD {
        let bearer = Some(admin.text("access_token"));
        let answer = house
            .calls()
            .json(Method::POST, &path, bearer, &start)
            .await
            .unwrap();
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
    let stored = "prolong_stored{kind=\"sessions\"}";
    assert_eq!(house.metric(stored).await, Some(OLD));
    // Idle for a week, and kept for another to say why.
    house.world.pass(15 * 86_400);
    let mut token = house.sign_in("maryo").await;
    let until = Instant::now() + PATIENCE;
    while house.metric(stored).await != Some(1) {
        assert!(
            Instant::now() < until,
            "{:?} sessions are left",
            house.metric(stored).await
        );
        token = house.refreshed(&token).await;
    }
    house.refreshed(&token).await;
    let size = |name: &str| -> u64 {
        let path: PathBuf = house.data(name);
        std::fs::metadata(path).map_or(0, |facts| facts.len())
    };
    assert!(size("prolong.db") < 2_000_000, "{}", size("prolong.db"));
    house.stop();
}

/// Bodies that are refused leave nothing behind: here, a session is not half started.
#[tokio::test]
async fn a_refused_sign_in_stores_no_session() {
    let house = House::open("");
    house.calls().add_user("maryo").await;
    for body in [
        json!({ "client_id": "web", "username": "maryo", "password": 7 }),
        json!({ "client_id": "web", "username": "maryo", "password": "wrong" }),
        json!({ "client_id": "nobody", "username": "maryo", "password": PASSWORD }),
        json!({ "client_id": "web", "ticket": "AAAA" }),
        Value::Array(Vec::new()),
    ] {
        let answer = house
            .calls()
            .json(Method::POST, "/v1/sessions", None, &body)
            .await
            .unwrap();
        assert!(
            answer.status.is_client_error(),
            "{} {}",
            answer.status,
            answer.body
        );
    }
    assert_eq!(
        house.metric("prolong_stored{kind=\"sessions\"}").await,
        Some(0)
    );
    house.stop();
}
