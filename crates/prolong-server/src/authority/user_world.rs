//! A small world for tests of users and sessions: memory store, a clock that stands, counted randomness.

use std::collections::BTreeMap;
use std::sync::Arc;

use prolong_core::{Policy, PolicyDraft, Preset, Session, Timestamp};
use prolong_store::{AuditFilter, MemoryStore, Page, Store, User};

use super::sign_in::{Device, SignIn, SignedIn, Who};
use super::users::NewUser;
use super::{Authority, Parts, StartFault};
use crate::clock::ManualClock;
use crate::entropy::PredictableEntropy;
use crate::http::problem::Failure;
use crate::keys::MasterKeys;
use crate::settings::{
    Algorithm, Client, ClientKind, Limits, Origins, Retention, Settings, Transport,
};

pub(crate) struct World {
    pub(crate) authority: Arc<Authority>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) clock: Arc<ManualClock>,
}

pub(crate) async fn world(draft: PolicyDraft) -> World {
    let policy = Arc::new(draft.build().unwrap());
    let store = Arc::new(MemoryStore::new([9; 16]));
    let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000)));
    let clients = [
        client("web", &policy),
        client("app", &Arc::new(Preset::Device.policy())),
        Client {
            password_sign_in: false,
            ..client("third", &policy)
        },
        Client {
            transport: Transport::Cookie,
            ..client("spa", &policy)
        },
        machine("ops", "prolong:admin"),
        machine("helpdesk", "prolong:support"),
        machine("backend", "prolong:sign-in"),
    ];
    let clients: BTreeMap<_, _> = clients
        .into_iter()
        .map(|client| (client.id.clone(), Arc::new(client)))
        .collect();
    let settings = Settings {
        issuer: "https://auth.example.com".to_owned(),
        base_path: String::new(),
        development: false,
        algorithm: Algorithm::Es256,
        clients,
        trusted_proxies: Vec::new(),
        feed_public: false,
        limits: Limits {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            ..Limits::default()
        },
        retention: Retention::default(),
    };
    let entropy = Arc::new(PredictableEntropy::new());
    let master_keys = MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let parts = Parts {
        settings,
        store: store.clone(),
        clock: clock.clone(),
        entropy,
        master_keys,
    };
    let authority = Arc::new(Authority::new(parts).await.unwrap());
    World {
        authority,
        store,
        clock,
    }
}

fn client(id: &str, policy: &Arc<Policy>) -> Client {
    Client {
        id: id.to_owned(),
        kind: ClientKind::Public,
        policy_name: id.to_owned(),
        policy: Arc::clone(policy),
        policy_remembered: None,
        audience: vec!["api".to_owned()],
        scopes: Vec::new(),
        origins: Origins::Listed(vec!["https://app.example.com".to_owned()]),
        transport: Transport::Body,
        password_sign_in: true,
    }
}

/// A confidential client whose secret is "secret".
fn machine(id: &str, scope: &str) -> Client {
    let mut hash = [0; 32];
    hash.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"secret").as_ref());
    Client {
        kind: ClientKind::Confidential {
            secret_hashes: vec![hash],
        },
        scopes: vec![scope.to_owned()],
        password_sign_in: false,
        ..client(id, &Arc::new(Policy::defaults()))
    }
}

/// The same world with its router.
pub(crate) struct Wired {
    pub(crate) world: World,
    pub(crate) router: axum::Router,
}

pub(crate) async fn wired(draft: PolicyDraft) -> Wired {
    let world = world(draft).await;
    let router = crate::http::router(Arc::clone(&world.authority));
    Wired { world, router }
}

impl World {
    /// Another authority on the same store, as after a restart with these master keys.
    pub(crate) async fn restarted(&self, master_keys: &str) -> Result<Authority, StartFault> {
        Authority::new(Parts {
            settings: self.authority.settings.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            entropy: Arc::clone(&self.authority.entropy),
            master_keys: MasterKeys::parse(master_keys).unwrap(),
        })
        .await
    }

    pub(crate) fn later(&self, seconds: i64) {
        self.clock.advance_millis(seconds * 1000);
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

    pub(crate) fn sign_in(&self, client: &str) -> SignIn {
        SignIn {
            client: Arc::clone(self.authority.client(client).unwrap()),
            remember: false,
            device: Device::default(),
            authenticated_at: None,
            acr: None,
            claims: None,
            actor: "user".to_owned(),
            how: "password",
        }
    }

    pub(crate) async fn try_password(
        &self,
        login: &str,
        password: &str,
    ) -> Result<SignedIn, Failure> {
        self.authority
            .sign_in_with_password(login, password, "net", &self.sign_in("web"))
            .await
    }

    pub(crate) async fn brought(&self, sub: &str, client: &str) -> Result<SignedIn, Failure> {
        self.authority
            .start_session(
                &Who::Brought {
                    sub: sub.to_owned(),
                    as_of: None,
                },
                &self.sign_in(client),
            )
            .await
    }

    pub(crate) async fn stored(&self, user: &User) -> User {
        self.store.user(user.key).await.unwrap().unwrap()
    }

    /// `live`, or why the session is over now.
    pub(crate) async fn fate(&self, session: &Session) -> &'static str {
        let found = self.store.session(session.id).await.unwrap().unwrap();
        let now = crate::clock::Clock::now(&*self.clock);
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
