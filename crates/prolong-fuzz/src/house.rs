//! An authority of one's own: the real router over the memory store, a clock that is moved, counted bytes. And what every
//! answer must be, whatever was asked.

mod settings;

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use prolong_core::Timestamp;
use prolong_protocol::problem::{Action, Code, Problem};
use prolong_server::clock::ManualClock;
use prolong_server::entropy::PredictableEntropy;
use prolong_server::keys::MasterKeys;
use prolong_server::{Authority, Parts, http as wire};
use prolong_store::MemoryStore;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

use settings::settings;

thread_local! {
    /// Its time stands unless everything waits: what would take a second takes none.
    pub(crate) static RUNTIME: LazyCell<Runtime> = LazyCell::new(|| {
        Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
    });
}

const ISSUER: &str = "https://auth.example.com";
const ORIGIN: &str = "https://app.example.com";
const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "operators-own-back-end";

/// An authority with two users who are signed in. What they hold stands for words in braces: `{refresh}`.
pub(crate) struct House {
    router: Router,
    clock: Arc<ManualClock>,
    words: BTreeMap<&'static str, String>,
    /// Words that nobody must read in an error.
    secrets: BTreeSet<String>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Runs this with a house of its own.
pub(crate) fn with_house<F: AsyncFnOnce(&mut House)>(work: F) {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let mut house = House::open().await;
            work(&mut house).await;
        });
    });
}

impl House {
    async fn open() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let parts = Parts {
            settings: settings(),
            store: Arc::new(MemoryStore::new([9; 16])),
            clock: clock.clone(),
            entropy: Arc::new(PredictableEntropy::new()),
            master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
                .unwrap(),
        };
        let authority = Arc::new(Authority::new(parts).await.unwrap());
        let mut house = Self {
            router: wire::router(authority),
            clock,
            words: BTreeMap::from([
                ("password", PASSWORD.to_owned()),
                ("secret", SECRET.to_owned()),
            ]),
            secrets: BTreeSet::from([PASSWORD.to_owned(), SECRET.to_owned()]),
        };
        house.words.insert(
            "basic",
            format!("Basic {}", STANDARD.encode(format!("ops:{SECRET}"))),
        );
        house.furnish().await;
        house
    }

    /// An administrator's token, a user with sessions in a body and in a cookie, and one through access tokens.
    async fn furnish(&mut self) {
        let scopes =
            "prolong:admin prolong:sign-in prolong:support prolong:feed prolong:introspect";
        let form = format!(
            "grant_type=client_credentials&scope={}",
            scopes.replace(':', "%3A").replace(' ', "+")
        );
        let answer = self.call("POST /oauth/token\nauthorization: {basic}\ncontent-type: application/x-www-form-urlencoded", &form).await;
        self.know("admin", answer.json()["access_token"].as_str());
        let user = json!({ "login": "maryo", "password": PASSWORD }).to_string();
        let answer = self.call("POST /v1/admin/users\nauthorization: Bearer {admin}\ncontent-type: application/json", &user).await;
        self.know("sub", answer.json()["sub"].as_str());
        for (client, names) in [
            ("web", ["access", "refresh", "sid"]),
            ("timer", ["renewable", "none", "timed"]),
            ("spa", ["page", "cookie", "tab"]),
        ] {
            let sign_in = json!({ "client_id": client, "device_name": "maryo's iPad", "username": "maryo", "password": PASSWORD });
            let head = format!(
                "POST /v1/sessions\norigin: {ORIGIN}\nprolong-request: 1\ncontent-type: application/json"
            );
            let answer = self.call(&head, &sign_in.to_string()).await;
            let told = answer.json();
            self.know(names[0], told["access_token"].as_str());
            self.know(names[1], told["refresh_token"].as_str());
            self.know(names[2], told["session"]["id"].as_str());
            if client == "spa" {
                let set = answer.headers.get_all(header::SET_COOKIE).iter();
                let set = set
                    .filter_map(|value| value.to_str().ok())
                    .find(|value| value.contains("=plr1_"));
                self.know("cookie", set.and_then(|value| value.split(';').next()));
            }
        }
        assert_eq!(self.words.len(), 13, "{:?}", self.words.keys());
    }

    fn know(&mut self, name: &'static str, word: Option<&str>) {
        if let Some(word) = word {
            self.words.insert(name, word.to_owned());
            let secret = word.rsplit('=').next().unwrap_or(word);
            if secret.len() > 40 {
                self.secrets.insert(secret.to_owned());
            }
        }
    }

    /// What stands for a word in braces.
    pub(crate) fn word(&self, name: &str) -> &str {
        &self.words[name]
    }

    /// Moves the clock by so many seconds.
    pub(crate) fn later(&self, seconds: u32) {
        self.clock.advance_millis(i64::from(seconds) * 1000);
    }

    /// `text` with every `{word}` replaced.
    pub(crate) fn filled(&self, text: &[u8]) -> Vec<u8> {
        let mut filled = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            let known = (*first == b'{').then(|| {
                self.words.iter().find(|(name, _)| {
                    after
                        .strip_prefix(name.as_bytes())
                        .is_some_and(|after| after.starts_with(b"}"))
                })
            });
            if let Some(Some((name, word))) = known {
                filled.extend_from_slice(word.as_bytes());
                rest = &after[name.len() + 1..];
            } else {
                filled.push(*first);
                rest = after;
            }
        }
        filled
    }

    /// A request that must be one.
    pub(crate) async fn call(&mut self, head: &str, body: &str) -> Answer {
        self.ask(head.as_bytes(), body.as_bytes())
            .await
            .expect("a request")
    }

    /// Sends what `head` says: method and path, then header fields, a line each. `None` where no server would have got it
    /// from the wire. Checks the answer.
    pub(crate) async fn ask(&mut self, head: &[u8], body: &[u8]) -> Option<Answer> {
        let head = self.filled(head);
        let mut lines = head.split(|byte| *byte == b'\n');
        let (method, uri) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
        let mut request = Request::new(Body::from(self.filled(body)));
        *request.method_mut() = Method::from_bytes(method.as_bytes()).ok()?;
        *request.uri_mut() = uri
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.path().starts_with('/'))?;
        for line in lines {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..colon]).ok()?;
            let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
            request.headers_mut().append(name, value);
        }
        let peer = SocketAddr::from(([192, 0, 2, 7], 4711));
        request.extensions_mut().insert(ConnectInfo(peer));
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream of the feed does not end: what it says in the first seconds is enough.
        let whole = tokio::time::timeout(Duration::from_secs(3), body.collect()).await;
        let answer = Answer {
            status: parts.status,
            headers: parts.headers,
            body: whole.map_or_else(|_| Vec::new(), |body| body.unwrap().to_bytes().to_vec()),
        };
        self.check(&method, &uri, &answer);
        self.learn(&answer);
        Some(answer)
    }

    /// The newest tokens take the place of the old ones.
    fn learn(&mut self, answer: &Answer) {
        let told = answer.json();
        if told["session"]["id"].as_str() == self.words.get("sid").map(String::as_str) {
            self.know("refresh", told["refresh_token"].as_str());
            self.know("access", told["access_token"].as_str());
        } else if let Some(ticket) = told["ticket"].as_str() {
            self.know("ticket", Some(ticket));
        }
    }

    /// Never a failure of the server; an error in the form of its room, naming what is wrong and repeating no secret.
    fn check(&self, method: &Method, uri: &Uri, answer: &Answer) {
        let text = String::from_utf8_lossy(&answer.body);
        let told = || {
            format!(
                "{method} {uri}: {} {:?} {text}",
                answer.status, answer.headers
            )
        };
        assert!(answer.status.as_u16() < 500, "{}", told());
        if !answer.status.is_client_error() {
            return;
        }
        // The path is told as `instance`: who puts a secret into it has told it already.
        let uri_text = uri.to_string();
        for secret in self
            .secrets
            .iter()
            .filter(|secret| !uri_text.contains(secret.as_str()))
        {
            assert!(
                !text.contains(secret.as_str()),
                "an error repeats a secret: {}",
                told()
            );
        }
        let challenge = answer.headers.get(header::WWW_AUTHENTICATE);
        assert!(
            answer.status != StatusCode::UNAUTHORIZED || challenge.is_some(),
            "{}",
            told()
        );
        if *method == Method::HEAD {
            return;
        }
        let kind = answer
            .headers
            .get(header::CONTENT_TYPE)
            .map_or("", |kind| kind.to_str().unwrap());
        let stored = answer
            .headers
            .get(header::CACHE_CONTROL)
            .is_some_and(|value| value == "no-store");
        assert!(stored, "{}", told());
        if kind == "application/json" && uri.path().starts_with("/oauth/") {
            oauth_error(&answer.json(), &told);
        } else {
            assert_eq!(kind, "application/problem+json", "{}", told());
            problem(answer, uri, &told);
        }
    }
}

/// RFC 6749 §5.2; at introspection also what RFC 6750 §3.1 says of the caller's bearer token.
fn oauth_error(error: &Value, told: &dyn Fn() -> String) {
    let known = [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "temporarily_unavailable",
        "unsupported_token_type",
        "invalid_token",
        "insufficient_scope",
    ];
    assert!(
        error["error"]
            .as_str()
            .is_some_and(|name| known.contains(&name)),
        "{}",
        told()
    );
    let description = error["error_description"].as_str().unwrap_or_default();
    let plain = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
    assert!(
        !description.is_empty() && description.chars().all(plain),
        "{}",
        told()
    );
    let action = &error["action"];
    assert!(
        action.is_null()
            || action
                .as_str()
                .is_some_and(|word| Action::parse(word).is_some()),
        "{}",
        told()
    );
}

/// RFC 9457, and the closed lists of ours.
fn problem(answer: &Answer, uri: &Uri, told: &dyn Fn() -> String) {
    let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) else {
        panic!("not a problem: {}", told());
    };
    assert_eq!(problem.status, answer.status.as_u16(), "{}", told());
    assert_eq!(problem.code.status(), problem.status, "{}", told());
    assert_eq!(
        problem.kind,
        problem.code.documented_at(ISSUER),
        "{}",
        told()
    );
    assert_eq!(problem.instance, uri.path(), "{}", told());
    assert!(
        !problem.detail.is_empty() && problem.detail.len() < 700,
        "{}",
        told()
    );
    if problem.code == Code::InvalidRequest {
        let named = problem.detail.contains('`')
            || problem.detail.starts_with("the query")
            || problem.detail.contains("parameter");
        assert!(named, "it names no field: {}", told());
    }
}
