//! The real binary, and what the tests ask of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const AUDIENCE: &str = "orders-api";
pub(crate) const BACKEND: &str = "backend";
pub(crate) const SECRET: &str = "a secret of 256 bits";

pub(crate) struct Authority {
    process: Child,
    folder: PathBuf,
    http: Client,
    /// `http://127.0.0.1:PORT`, the issuer.
    pub(crate) issuer: String,
    token: String,
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) sid: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Session {
    fn of(answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            sid: text(&answer["session"]["id"]),
            access: text(&answer["access_token"]),
            refresh: text(&answer["refresh_token"]),
        }
    }
}

impl Authority {
    /// Starts it in this folder; port 0 takes a free one.
    pub(crate) async fn start(folder: &Path, port: u16) -> Self {
        configure(folder);
        let listen = format!("127.0.0.1:{port}");
        let mut process = prolong(folder, &["serve", "--listen", &listen])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut seen = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                log.read_line(&mut line).unwrap() > 0,
                "the server stopped:\n{seen}"
            );
            seen.push_str(&line);
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split(',').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let http = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(30))
            .build()
            .unwrap();
        let mut authority = Self {
            process,
            folder: folder.to_owned(),
            http,
            issuer: format!("http://{address}"),
            token: String::new(),
        };
        authority.new_token().await;
        authority
    }

    /// A token for the backend; the old one dies with the key that signed it.
    pub(crate) async fn new_token(&mut self) {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "prolong:admin prolong:sign-in"),
        ];
        let answer = self.http.post(format!("{}/oauth/token", self.issuer));
        let answer = answer
            .basic_auth(BACKEND, Some(SECRET))
            .form(&form)
            .send()
            .await
            .unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut self.token);
    }

    pub(crate) fn port(&self) -> u16 {
        self.issuer.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Stops it politely, and says how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let begun = tokio::time::Instant::now();
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        assert!(status.success(), "{status}");
        begun.elapsed()
    }

    /// Runs a command of the operator's in its folder.
    pub(crate) fn command(folder: &Path, args: &[&str]) {
        let output = prolong(folder, args).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    pub(crate) fn backup(&self, file: &str) {
        Self::command(&self.folder, &["backup", file]);
    }

    /// Starts a session of a user whom the backend brings.
    pub(crate) async fn sign_in(&self, sub: &str, client: &str) -> Session {
        let path = format!("/v1/admin/users/{sub}/sessions");
        let body = json!({ "client_id": client, "deliver": "tokens" });
        let (status, answer) = self.call(Method::POST, &path, &self.token, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        Session::of(&answer)
    }

    /// A user of the authority's own, by number, signs in; made at the first time.
    pub(crate) async fn sign_in_with_password(&self, n: usize) -> Session {
        let (login, password) = (format!("person-{n}"), "correct horse");
        let user = json!({ "login": login, "password": password });
        let made = self.call(Method::POST, "/v1/admin/users", &self.token, &user);
        let (status, answer) = made.await;
        assert!(
            matches!(status, StatusCode::CREATED | StatusCode::CONFLICT),
            "{answer}"
        );
        let body = json!({ "client_id": "web", "username": login, "password": password });
        let (status, answer) = self.call(Method::POST, "/v1/sessions", "", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        Session::of(&answer)
    }

    /// The user changes the password in one session, which ends the others.
    pub(crate) async fn change_password(&self, session: &Session, n: usize) {
        let body = json!({ "current_password": "correct horse", "new_password": format!("battery staple {n}") });
        let (status, answer) = self
            .call(Method::POST, "/v1/password", &session.access, &body)
            .await;
        assert!(status.is_success(), "{status} {answer}");
    }

    /// The user ends a session.
    pub(crate) async fn delete(&self, session: &Session) {
        let path = format!("/v1/sessions/{}", session.sid);
        let (status, answer) = self
            .call(Method::DELETE, &path, &session.access, &Value::Null)
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    }

    /// An administrator's call.
    pub(crate) async fn admin(&self, path: &str, body: Value) {
        let (status, answer) = self
            .call(
                Method::POST,
                &format!("/v1/admin/{path}"),
                &self.token,
                &body,
            )
            .await;
        assert!(status.is_success(), "{status} {answer}");
    }

    /// The id of the key that signs.
    pub(crate) async fn active_key(&self) -> String {
        let (_, answer) = self
            .call(Method::GET, "/v1/admin/keys", &self.token, &Value::Null)
            .await;
        let keys = answer["keys"].as_array().unwrap().clone();
        let active = keys.iter().find(|key| key["state"] == "active").unwrap();
        active["kid"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Value {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let answer = self.http.post(format!("{}/oauth/token", self.issuer));
        answer
            .form(&form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.issuer));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn prolong(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prolong"));
    command.current_dir(folder).args(args).env_clear();
    command
}

fn configure(folder: &Path) {
    let hash = digest(&SHA256, SECRET.as_bytes());
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let text = format!(
        r#"
[policies.strict]
grace = "0s"
min_rotation_interval = "0s"

[policies.newest]
grace = "0s"
min_rotation_interval = "0s"
supersede = true

[[clients]]
id = "web"
audience = "{AUDIENCE}"
password_sign_in = true

[[clients]]
id = "strict"
policy = "strict"
audience = "{AUDIENCE}"

[[clients]]
id = "newest"
policy = "newest"
audience = "{AUDIENCE}"

[[clients]]
id = "{BACKEND}"
kind = "confidential"
secret_hash = "sha256:{hash}"
scopes = ["prolong:admin", "prolong:sign-in", "prolong:feed"]
"#
    );
    std::fs::write(folder.join("prolong.toml"), text).unwrap();
    if !folder.join("prolong-data/master.key").exists() {
        let made = folder.join("made.toml");
        Authority::command(
            folder,
            &["--config", made.to_str().unwrap(), "config", "init"],
        );
    }
}
