//! An authority of one's own: the real router over SQLite in a temporary folder, a clock that is moved, counted bytes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use prolong_core::{KeyId, Limit, Policy, PolicyDraft, Preset, Timestamp};
use prolong_server::clock::ManualClock;
use prolong_server::entropy::PredictableEntropy;
use prolong_server::keys::MasterKeys;
use prolong_server::settings::{
    Algorithm, Client, ClientKind, Limits, Origins, Retention, Settings, Transport,
};
use prolong_server::{Authority, Parts};
use prolong_store::{SqliteOptions, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::scenario::{Scenario, span};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
const SECRET: &str = "operators-own-back-end";

pub(crate) struct House {
    router: Router,
    clock: Arc<ManualClock>,
    sub: String,
    folder: TempDir,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl House {
    pub(crate) async fn open(scenario: &Scenario) -> Self {
        let folder = TempDir::new().unwrap();
        let store =
            Arc::new(SqliteStore::open(folder.path(), SqliteOptions::new([9; 16])).unwrap());
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
        let entropy = Arc::new(PredictableEntropy::new());
        let master_keys =
            MasterKeys::parse(&MasterKeys::generate_line(KeyId(1), &*entropy)).unwrap();
        let parts = Parts {
            settings: settings(policy(scenario)),
            store,
            clock: clock.clone(),
            entropy,
            master_keys,
        };
        let authority = Arc::new(Authority::new(parts).await.unwrap());
        let router = prolong_server::http::router(authority);
        let mut house = Self {
            router,
            clock,
            sub: String::new(),
            folder,
        };
        let token = house.admin_token().await;
        let user = json!({ "login": "maryo", "password": PASSWORD });
        let made = house
            .json(Method::POST, "/v1/admin/users", Some(&token), &user)
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.body["sub"]
            .as_str()
            .unwrap()
            .clone_into(&mut house.sub);
        house
    }

    #[expect(
        clippy::unused_async,
        reason = "where a real server must be moved, it takes time"
    )]
    pub(crate) async fn later(&mut self, seconds: u64) {
        self.clock
            .advance_millis(i64::try_from(seconds).unwrap() * 1_000);
    }

    /// Every byte of the database and of its log.
    pub(crate) fn written(&self) -> [Vec<u8>; 2] {
        ["prolong.db", "prolong.db-wal"]
            .map(|name| std::fs::read(self.folder.path().join(name)).unwrap())
    }

    /// `POST /v1/admin/users/{sub}/{verb}`.
    pub(crate) async fn admin(&self, verb: &str) -> Answer {
        let token = self.admin_token().await;
        self.json(
            Method::POST,
            &format!("/v1/admin/users/{}/{verb}", self.sub),
            Some(&token),
            &json!({}),
        )
        .await
    }

    async fn admin_token(&self) -> String {
        let basic = format!("Basic {}", STANDARD.encode(format!("ops:{SECRET}")));
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("scope", "prolong:admin".to_owned()),
        ];
        let answer = self.form("/oauth/token", Some(&basic), &form).await;
        answer.body["access_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", answer.body))
            .to_owned()
    }

    pub(crate) async fn get(&self, path: &str, bearer: Option<&str>) -> Answer {
        self.send(
            request(Method::GET, path, bearer)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    /// A call with a JSON body; `Null`: without one.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Answer {
        let request = request(method, path, bearer);
        let request = match body {
            Value::Null => request.body(Body::empty()),
            body => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
        };
        self.send(request.unwrap()).await
    }

    pub(crate) async fn form(
        &self,
        path: &str,
        authorization: Option<&str>,
        form: &[(&str, String)],
    ) -> Answer {
        let body: Vec<_> = form
            .iter()
            .map(|(key, value)| format!("{key}={}", value.replace(':', "%3A")))
            .collect();
        let mut request = request(Method::POST, path, None)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request.body(Body::from(body.join("&"))).unwrap())
            .await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }
}

fn request(method: Method, path: &str, bearer: Option<&str>) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    match bearer {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    }
}

/// 16 bytes made of a word.
pub(crate) fn attempt_id(word: &str) -> String {
    let hash = digest::digest(&digest::SHA256, word.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

/// `exp` − `iat` of an access token.
pub(crate) fn life(token: &str) -> u64 {
    let claims = claims(token);
    claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
}

/// What an access token says.
pub(crate) fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&payload).unwrap()
}

fn policy(scenario: &Scenario) -> Policy {
    let limit = |text| Limit::After(Duration::from_secs(span(text)));
    let mut draft = PolicyDraft {
        preset: Preset::parse(&scenario.preset),
        ..PolicyDraft::default()
    };
    for (key, value) in &scenario.policy {
        match &**key {
            "access" => draft.access = Some(Duration::from_secs(span(value))),
            "idle" => draft.idle = Some(limit(value)),
            "lifetime" => draft.lifetime = Some(limit(value)),
            "supersede" => draft.supersede = Some(value == "true"),
            "replace_others" => draft.replace_others = Some(value == "true"),
            "sessions_per_user" => draft.sessions_per_user = Some(value.parse().unwrap()),
            other => panic!("no such policy key in scenarios: {other}"),
        }
    }
    draft.build().unwrap()
}

fn settings(policy: Policy) -> Settings {
    let policy = Arc::new(policy);
    let hash = digest::digest(&digest::SHA256, SECRET.as_bytes());
    let secret_hashes = vec![hash.as_ref().try_into().unwrap()];
    let web = client("web", ClientKind::Public, &policy);
    let ops = Client {
        scopes: vec!["prolong:admin".to_owned()],
        password_sign_in: false,
        ..client(
            "ops",
            ClientKind::Confidential { secret_hashes },
            &Arc::new(Policy::defaults()),
        )
    };
    Settings {
        issuer: "https://auth.example.com".to_owned(),
        base_path: String::new(),
        development: false,
        algorithm: Algorithm::Es256,
        clients: BTreeMap::from([web, ops].map(|client| (client.id.clone(), Arc::new(client)))),
        trusted_proxies: Vec::new(),
        feed_public: false,
        limits: Limits {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..Limits::default()
        },
        retention: Retention::default(),
    }
}

fn client(id: &str, kind: ClientKind, policy: &Arc<Policy>) -> Client {
    Client {
        id: id.to_owned(),
        kind,
        policy_name: id.to_owned(),
        policy: Arc::clone(policy),
        policy_remembered: None,
        audience: vec!["api".to_owned()],
        scopes: Vec::new(),
        origins: Origins::Listed(Vec::new()),
        transport: Transport::Body,
        password_sign_in: true,
    }
}
