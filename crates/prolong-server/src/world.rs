//! The world of the tests: an authority with its router over a memory store, a clock that stands, counted randomness.

mod calls;

use std::sync::Arc;

use axum::Router;
use prolong_core::{Policy, PolicyDraft, Preset, Session, Timestamp};
use prolong_store::{AuditFilter, MemoryStore, Page, Store, User};

pub(crate) use calls::{Answer, FORM, part};

use crate::authority::sign_in::{Device, SignIn, SignedIn, Who};
use crate::authority::users::NewUser;
use crate::authority::{Authority, MACHINE_SCOPES, Parts, StartFault};
use crate::clock::{Clock, ManualClock};
use crate::entropy::PredictableEntropy;
use crate::http::problem::Failure;
use crate::keys::MasterKeys;
use crate::settings::{
    Algorithm, Client, ClientKind, Limits, Origins, Retention, Settings, Transport,
};

pub(crate) struct World {
    pub(crate) authority: Arc<Authority>,
    pub(crate) router: Router,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
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
    let clients = [
        client("web", &policy),
        Client {
            origins: Origins::Listed(vec!["https://other.example.com".to_owned()]),
            ..client("other", &policy)
        },
        Client {
            transport: Transport::Cookie,
            ..client("spa", &policy)
        },
        Client {
            policy_remembered: Some(Arc::new(Preset::SoftExpiry.policy())),
            ..client("home", &policy)
        },
        client("app", &Arc::new(Preset::Device.policy())),
        Client {
            password_sign_in: false,
            ..client("third", &policy)
        },
        confidential(client("server", &policy)),
        machine("ops", &policy, MACHINE_SCOPES),
        machine("helpdesk", &policy, &["prolong:support"]),
        machine("backend", &policy, &["prolong:sign-in"]),
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
        limits: Limits {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..Limits::default()
        },
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
        router: crate::http::router(Arc::clone(&authority)),
        authority,
        store,
        clock,
    }
}

fn client(id: &str, policy: &Arc<Policy>) -> Client {
    Client {
        id: id.to_owned(),
        kind: ClientKind::Public,
        policy_name: "p".to_owned(),
        policy: Arc::clone(policy),
        policy_remembered: None,
        audience: vec!["api".to_owned()],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        origins: Origins::Listed(vec!["https://app.example.com".to_owned()]),
        transport: Transport::Body,
        password_sign_in: true,
    }
}

/// The same as a client whose secret is "s3cret".
fn confidential(client: Client) -> Client {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"s3cret");
    let kind = ClientKind::Confidential {
        secret_hashes: vec![hash.as_ref().try_into().unwrap()],
    };
    Client { kind, ..client }
}

fn machine(id: &str, policy: &Arc<Policy>, scopes: &[&str]) -> Client {
    Client {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..confidential(client(id, policy))
    }
}

impl World {
    /// The same store and clock under another authority.
    pub(crate) fn with(&self, authority: Arc<Authority>) -> Self {
        Self {
            router: crate::http::router(Arc::clone(&authority)),
            authority,
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
        }
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
    }

    /// The same store and clock under an authority that starts with these master keys.
    pub(crate) async fn restarted(&self, master_keys: &str) -> Result<Self, StartFault> {
        let parts = Parts {
            settings: self.authority.settings.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            entropy: Arc::clone(&self.authority.entropy),
            master_keys: MasterKeys::parse(master_keys).unwrap(),
        };
        Ok(self.with(Arc::new(Authority::new(parts).await?)))
    }

    pub(crate) async fn user(&self, login: &str, password: &str) -> User {
        let password_hash = Some(self.authority.hash_password(password).await.unwrap());
        self.user_with_hash(login, password_hash).await
    }

    pub(crate) async fn user_with_hash(&self, login: &str, password_hash: Option<String>) -> User {
        let new = NewUser {
            sub: None,
            login: Some(login.to_owned()),
            password_hash,
            claims: "{}".to_owned(),
        };
        self.authority.create_user(new, "client:ops").await.unwrap()
    }

    /// What a sign-in says that a backend has brought.
    pub(crate) fn sign_in(&self, client: &str) -> SignIn {
        SignIn {
            client: Arc::clone(self.authority.client(client).unwrap()),
            remember: false,
            device: Device::default(),
            authenticated_at: None,
            acr: None,
            claims: None,
            actor: "user".to_owned(),
            how: "backend",
        }
    }

    pub(crate) async fn try_password(
        &self,
        login: &str,
        password: &str,
    ) -> Result<SignedIn, Failure> {
        let sign_in = SignIn {
            how: "password",
            ..self.sign_in("web")
        };
        self.authority
            .sign_in_with_password(login, password, "net", &sign_in)
            .await
    }

    /// A session that a backend starts for this user.
    pub(crate) async fn brought(&self, sub: &str, client: &str) -> Result<SignedIn, Failure> {
        self.brought_as(sub, &self.sign_in(client)).await
    }

    async fn brought_as(&self, sub: &str, sign_in: &SignIn) -> Result<SignedIn, Failure> {
        let who = Who::Brought {
            sub: sub.to_owned(),
            ticket: None,
        };
        self.authority.start_session(&who, sign_in).await
    }

    /// The same for maryo.
    pub(crate) async fn signed_in(&self, client: &str) -> SignedIn {
        self.start(client, false).await
    }

    pub(crate) async fn start(&self, client: &str, remember: bool) -> SignedIn {
        let sign_in = SignIn {
            remember,
            ..self.sign_in(client)
        };
        self.brought_as("maryo", &sign_in).await.unwrap()
    }

    pub(crate) async fn stored(&self, user: &User) -> User {
        self.store.user(user.key).await.unwrap().unwrap()
    }

    /// `live`, or why the session is over now.
    pub(crate) async fn fate(&self, session: &Session) -> &'static str {
        let found = self.store.session(session.id).await.unwrap().unwrap();
        let now = self.clock.now();
        self.authority
            .over_now(&found.session, &found.user.standing, now)
            .map_or("live", |over| over.reason.as_str())
    }

    /// The feed as letters and arguments, in order.
    pub(crate) async fn feed(&self) -> Vec<(char, u64)> {
        let lines = self.store.feed_after(0, 1000).await.unwrap();
        lines
            .iter()
            .map(|line| (char::from(line.entry.kind.letter()), line.entry.arg))
            .collect()
    }

    /// The words of the audit log, oldest first.
    pub(crate) async fn audit(&self) -> Vec<String> {
        let page = Page {
            after: None,
            limit: 1000,
        };
        let lines = self
            .store
            .audit(&AuditFilter::default(), &page)
            .await
            .unwrap();
        lines.into_iter().rev().map(|line| line.what).collect()
    }
}

/// A policy that is just this preset.
pub(crate) fn preset(preset: Preset) -> PolicyDraft {
    PolicyDraft {
        preset: Some(preset),
        ..PolicyDraft::default()
    }
}
