//! From the acknowledged end to the refusal at a verifying API in another process.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use prolong_verify::{Expected, Verifier, axum::Session as Caller};
use reqwest::{Client, StatusCode};
use serde_json::json;
use tempfile::tempdir;

use crate::authority::{AUDIENCE, Authority, BACKEND, SECRET};

const ISSUER: &str = "PROLONG_TEST_ISSUER";

/// Not a test by itself: the API of the other process.
#[tokio::test]
async fn verifying_api() {
    let Some(issuer) = std::env::var_os(ISSUER) else {
        return;
    };
    let issuer = issuer.into_string().unwrap();
    let verifier = Verifier::builder(Expected::new(issuer, AUDIENCE)).feed_client(BACKEND, SECRET);
    let verifier = verifier.discover().await.unwrap();
    let handler = |caller: Caller| async move { caller.subject().to_owned() };
    let app = Router::new()
        .route("/orders", get(handler))
        .layer(verifier.layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nAPI {}", listener.local_addr().unwrap());
    std::io::stdout().flush().unwrap();
    axum::serve(listener, app).await.unwrap();
}

struct Api {
    process: Child,
    orders: String,
    http: Client,
}

impl Api {
    fn start(issuer: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "latency::verifying_api", "--nocapture"])
            .env(ISSUER, issuer)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            Some(line.strip_prefix("API ")?.to_owned())
        });
        std::thread::spawn(move || lines.for_each(drop));
        let http = Client::builder().no_proxy().build().unwrap();
        Self {
            process,
            orders: format!("http://{}/orders", address.unwrap()),
            http,
        }
    }

    /// The status, and the action that a refusal names.
    async fn ask(&self, token: &str) -> (StatusCode, String) {
        let answer = self
            .http
            .get(&self.orders)
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge
            .map_or("", |value| value.to_str().unwrap())
            .to_owned();
        answer.bytes().await.unwrap();
        let action = challenge.split("action=\"").nth(1).unwrap_or_default();
        (
            status,
            action.split('"').next().unwrap_or_default().to_owned(),
        )
    }

    async fn is_good(&self, token: &str) {
        let (status, _) = self.ask(token).await;
        assert_eq!(status, StatusCode::OK, "good until it is ended");
    }

    /// Asks until the token is refused.
    async fn refuses(&self, token: &str, action: &str) -> Duration {
        let acknowledged = Instant::now();
        loop {
            let (status, said) = self.ask(token).await;
            if status == StatusCode::UNAUTHORIZED {
                assert_eq!(said, action);
                return acknowledged.elapsed();
            }
            assert!(
                acknowledged.elapsed() < Duration::from_mins(1),
                "never refused"
            );
        }
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Default)]
struct Figures(Vec<(&'static str, Vec<Duration>)>);

impl Figures {
    fn add(&mut self, what: &'static str, took: Duration) {
        match self.0.iter_mut().find(|(name, _)| *name == what) {
            Some((_, all)) => all.push(took),
            None => self.0.push((what, vec![took])),
        }
    }

    fn line(what: &str, mut all: Vec<Duration>) -> (Duration, String) {
        all.sort_unstable();
        let at = |percent: usize| all[(all.len() * percent / 100).min(all.len() - 1)];
        let line = format!(
            "| {what} | {} | {:.1?} | {:.1?} | {:.1?} |",
            all.len(),
            at(50),
            at(99),
            at(100)
        );
        (at(99), line)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_end_is_refused_elsewhere_within_a_second() {
    let folder = tempdir().unwrap();
    let mut authority = Authority::start(folder.path(), 0).await;
    let api = Api::start(&authority.issuer);
    let mut figures = Figures::default();

    for n in 0..120 {
        let it = authority.sign_in(&format!("delete-{n}"), "web").await;
        api.is_good(&it.access).await;
        let begun = Instant::now();
        api.is_good(&it.access).await;
        figures.add("yardstick: one request to the API", begun.elapsed());
        authority.delete(&it).await;
        figures.add(
            "DELETE /v1/sessions/{sid}",
            api.refuses(&it.access, "sign_in").await,
        );
    }
    for (verb, what) in [("disable", "disable"), ("sign-out", "version raised")] {
        for n in 0..60 {
            let sub = format!("{verb}-{n}");
            let it = authority.sign_in(&sub, "web").await;
            api.is_good(&it.access).await;
            authority
                .admin(&format!("users/{sub}/{verb}"), json!({}))
                .await;
            figures.add(what, api.refuses(&it.access, "sign_in").await);
        }
    }
    for n in 0..15 {
        let sub = format!("password-{n}");
        let it = authority.sign_in(&sub, "web").await;
        api.is_good(&it.access).await;
        let body = json!({ "password": "another password" });
        authority
            .admin(&format!("users/{sub}/password"), body)
            .await;
        figures.add("password set", api.refuses(&it.access, "sign_in").await);
    }
    for n in 0..60 {
        let it = authority.sign_in(&format!("reuse-{n}"), "strict").await;
        let second = authority.refresh(&it.refresh).await;
        authority
            .refresh(second["refresh_token"].as_str().unwrap())
            .await;
        api.is_good(&it.access).await;
        assert_eq!(
            authority.refresh(&it.refresh).await["reason"],
            "reuse_detected"
        );
        figures.add("reuse found", api.refuses(&it.access, "sign_in").await);
    }
    for n in 0..20 {
        let first = authority.sign_in_with_password(n).await;
        let second = authority.sign_in_with_password(n).await;
        api.is_good(&first.access).await;
        authority.change_password(&second, n).await;
        figures.add(
            "password changed",
            api.refuses(&first.access, "sign_in").await,
        );
    }
    for n in 0..30 {
        let it = authority.sign_in(&format!("newest-{n}"), "newest").await;
        let (mut access, mut refresh) = (it.access, it.refresh);
        api.is_good(&access).await;
        for _ in 0..10 {
            let next = authority.refresh(&refresh).await;
            figures.add("superseded", api.refuses(&access, "renew").await);
            let text = |name: &str| next[name].as_str().unwrap().to_owned();
            (access, refresh) = (text("access_token"), text("refresh_token"));
            api.is_good(&access).await;
        }
    }
    for n in 0..20 {
        let it = authority.sign_in(&format!("key-{n}"), "web").await;
        api.is_good(&it.access).await;
        let kid = authority.active_key().await;
        authority
            .admin(&format!("keys/{kid}/distrust"), json!({}))
            .await;
        figures.add("key distrusted", api.refuses(&it.access, "renew").await);
        authority.new_token().await;
    }

    let ends = figures
        .0
        .iter()
        .filter(|(what, _)| !what.starts_with("yardstick"));
    let all: Vec<Duration> = ends.flat_map(|(_, took)| took.clone()).collect();
    figures.0.push(("all", all));
    println!("| from the acknowledged end to the refusal | times | p50 | p99 | worst |");
    println!("|---|---|---|---|---|");
    for (what, took) in figures.0 {
        let (p99, line) = Figures::line(what, took);
        println!("{line}");
        // The promise is of ends, whichever; of few, the worst one says more of the machine.
        assert!(what != "all" || p99 < Duration::from_secs(1), "{line}");
    }
}
