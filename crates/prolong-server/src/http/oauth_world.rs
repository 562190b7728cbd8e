//! A small world for the stories of the token endpoints: memory store, a clock that stands, the router.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use prolong_core::{PolicyDraft, Timestamp};
use prolong_store::MemoryStore;
use serde_json::Value;
use tower::ServiceExt;

use crate::authority::sign_in::{Device, SignIn, SignedIn, Who};
use crate::authority::{Authority, Parts};
use crate::clock::ManualClock;
use crate::entropy::PredictableEntropy;
use crate::keys::MasterKeys;
use crate::settings::{
    Algorithm, Client, ClientKind, Limits, Origins, Retention, Settings, Transport,
};

pub(crate) struct World {
    pub(crate) authority: Arc<Authority>,
    pub(crate) router: Router,
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn world(draft: PolicyDraft) -> World {
    world_with(draft, |_| {}).await
}

/// The same under another issuer; its path is the base path.
pub(crate) async fn world_at(issuer: &str, draft: PolicyDraft) -> World {
    world_with(draft, |settings| {
        issuer.clone_into(&mut settings.issuer);
        let path = issuer.splitn(4, '/').nth(3);
        settings.base_path = path.map(|path| format!("/{path}")).unwrap_or_default();
    })
    .await
}

/// A world whose operator decided something else.
pub(crate) async fn world_with(draft: PolicyDraft, decide: impl FnOnce(&mut Settings)) -> World {
    let policy = Arc::new(draft.build().unwrap());
    let mut secret_hash = [0; 32];
    secret_hash
        .copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"s3cret").as_ref());
    let web = Client {
        id: "web".to_owned(),
        kind: ClientKind::Public,
        policy_name: "p".to_owned(),
        policy,
        policy_remembered: None,
        audience: vec!["api".to_owned()],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        origins: Origins::Listed(vec!["https://app.example.com".to_owned()]),
        transport: Transport::Body,
        password_sign_in: true,
    };
    let confidential = ClientKind::Confidential {
        secret_hashes: vec![secret_hash],
    };
    let listed = |origin: &str| Origins::Listed(vec![origin.to_owned()]);
    let clients = [
        Client {
            id: "other".to_owned(),
            origins: listed("https://other.example.com"),
            ..web.clone()
        },
        Client {
            id: "spa".to_owned(),
            transport: Transport::Cookie,
            ..web.clone()
        },
        Client {
            id: "server".to_owned(),
            kind: confidential.clone(),
            ..web.clone()
        },
        Client {
            id: "home".to_owned(),
            policy_remembered: Some(Arc::new(prolong_core::Preset::SoftExpiry.policy())),
            ..web.clone()
        },
        Client {
            id: "ops".to_owned(),
            kind: confidential,
            scopes: crate::authority::MACHINE_SCOPES
                .iter()
                .map(|scope| (*scope).to_owned())
                .collect(),
            ..web.clone()
        },
        web,
    ];
    let mut settings = Settings {
        issuer: "https://auth.example.com".to_owned(),
        base_path: String::new(),
        development: false,
        algorithm: Algorithm::Es256,
        clients: clients
            .into_iter()
            .map(|client| (client.id.clone(), Arc::new(client)))
            .collect(),
        trusted_proxies: Vec::new(),
        feed_public: false,
        limits: Limits::default(),
        retention: Retention::default(),
    };
    decide(&mut settings);
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
    let store = Arc::new(MemoryStore::new([9; 16]));
    let parts = Parts {
        settings,
        store: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(PredictableEntropy::new()),
        master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap(),
    };
    let authority = Arc::new(Authority::new(parts).await.unwrap());
    World {
        router: super::router(Arc::clone(&authority)),
        authority,
        store,
        clock,
    }
}

impl World {
    /// The same store and clock under another authority.
    pub(crate) fn with(&self, authority: Arc<Authority>) -> Self {
        Self {
            router: super::router(Arc::clone(&authority)),
            authority,
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        }
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
    }

    pub(crate) async fn signed_in(&self, client: &str) -> SignedIn {
        self.start(client, false).await
    }

    /// A session that a backend starts for maryo.
    pub(crate) async fn start(&self, client: &str, remember: bool) -> SignedIn {
        let sign_in = SignIn {
            client: Arc::clone(self.authority.client(client).unwrap()),
            remember,
            device: Device::default(),
            authenticated_at: None,
            acr: None,
            claims: None,
            actor: "user".to_owned(),
            how: "backend",
        };
        self.authority
            .start_session(
                &Who::Brought {
                    sub: "maryo".to_owned(),
                    as_of: None,
                },
                &sign_in,
            )
            .await
            .unwrap()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::from(body.to_owned())).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let kind = parts.headers.get("content-type");
        let kind = kind.map_or("", |kind| kind.to_str().unwrap());
        let base = &self.authority.settings.base_path;
        if let Some(below) = path.strip_prefix(base.as_str()) {
            super::docs::answers::compare(method, below, parts.status, kind, &body);
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// A page or a file, as text.
    pub(crate) async fn page(&self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub(crate) async fn form(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, &[FORM], body).await
    }

    /// A call with this bearer token; a body is JSON.
    pub(crate) async fn call(&self, method: &str, path: &str, token: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![("authorization", authorization.as_str())];
        if !body.is_empty() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, body).await
    }

    /// A machine's token for these scopes.
    pub(crate) async fn token_for(&self, scope: &str) -> String {
        let scope = scope.replace(':', "%3A").replace(' ', "+");
        let body = format!(
            "grant_type=client_credentials&client_id=ops&client_secret=s3cret&scope={scope}"
        );
        let answer = self.form("/oauth/token", &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.text("access_token").to_owned()
    }

    /// A refresh; `more` begins with `&` or is empty.
    pub(crate) async fn refresh(&self, token: &str, more: &str) -> Answer {
        self.form(
            "/oauth/token",
            &format!("grant_type=refresh_token&refresh_token={token}{more}"),
        )
        .await
    }

    pub(crate) async fn verify(&self, token: &str, query: &str) -> Answer {
        self.send(
            "GET",
            &format!("/v1/verify{query}"),
            &[("authorization", &format!("Bearer {token}"))],
            "",
        )
        .await
    }
}

pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

/// One part of a JWT: 0 the header, 1 the claims.
pub(crate) fn part(token: &str, at: usize) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(at).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(part)
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A policy that is just this preset.
pub(crate) fn preset(preset: prolong_core::Preset) -> PolicyDraft {
    PolicyDraft {
        preset: Some(preset),
        ..PolicyDraft::default()
    }
}
