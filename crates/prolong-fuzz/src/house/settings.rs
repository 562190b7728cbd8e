//! What the operator of that authority decided.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use prolong_core::{Policy, Preset};
use prolong_server::settings::{
    Algorithm, Client, ClientKind, Limits, Network, Origins, Retention, Settings, Transport,
};

use super::{ISSUER, ORIGIN, SECRET};

pub(super) fn settings() -> Settings {
    let secret = digest(&SHA256, SECRET.as_bytes())
        .as_ref()
        .try_into()
        .unwrap();
    let confidential = ClientKind::Confidential {
        secret_hashes: vec![secret],
    };
    let policy = |preset: Preset| Arc::new(preset.policy());
    let web = client("web", ClientKind::Public, &policy(Preset::Refresh));
    let machine = [
        "prolong:admin",
        "prolong:sign-in",
        "prolong:support",
        "prolong:feed",
        "prolong:introspect",
    ];
    let clients = [
        Client {
            transport: Transport::Cookie,
            policy_remembered: Some(policy(Preset::Device)),
            ..client("spa", ClientKind::Public, &web.policy)
        },
        client("timer", ClientKind::Public, &policy(Preset::SoftExpiry)),
        client("pair", ClientKind::Public, &policy(Preset::Pair)),
        client("proxy", ClientKind::Public, &policy(Preset::LastAccess)),
        Client {
            scopes: machine.map(str::to_owned).to_vec(),
            ..client("ops", confidential, &Arc::new(Policy::defaults()))
        },
        web,
    ];
    Settings {
        issuer: ISSUER.to_owned(),
        base_path: String::new(),
        development: false,
        algorithm: Algorithm::EdDsa,
        clients: clients
            .into_iter()
            .map(|client| (client.id.clone(), Arc::new(client)))
            .collect(),
        trusted_proxies: vec![Network {
            address: [192, 0, 2, 0].into(),
            prefix: 24,
        }],
        feed_public: false,
        limits: Limits {
            argon2_memory_kib: 8,
            argon2_passes: 1,
            throttle_entries: 1024,
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
        scopes: vec!["read".to_owned(), "write".to_owned()],
        origins: Origins::Listed(vec![ORIGIN.to_owned()]),
        transport: Transport::Body,
        password_sign_in: true,
    }
}
