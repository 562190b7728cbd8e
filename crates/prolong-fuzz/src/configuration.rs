//! `prolong.toml` and the environment: a fault names its key and says something; what is accepted makes policies that do
//! not contradict themselves, explains itself, and an authority can be built from it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use http::Uri;
use prolong_core::{Limit, Policy, ProlongWith, Timestamp, explain_policy};
use prolong_server::clock::ManualClock;
use prolong_server::entropy::PredictableEntropy;
use prolong_server::keys::MasterKeys;
use prolong_server::settings::{Algorithm, ClientKind, Origins, Settings};
use prolong_server::users::PasswordHash;
use prolong_server::{Authority, Parts, http as wire};
use prolong_store::MemoryStore;

use crate::config::{Config, ConfigFaults, Overrides};
use crate::house::RUNTIME;

/// The file; after a line `#environment`, lines `NAME=value`. `#development` as the first line: there is no file.
pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (text, environment) = text.split_once("\n#environment\n").unwrap_or((text, ""));
    let file = (!text.starts_with("#development")).then_some(Path::new("prolong.toml"));
    let environment = environment.lines().filter_map(|line| line.split_once('='));
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match Config::read(text, file, environment, &Overrides::default()) {
        Err(faults) => {
            let shown = faults.to_string();
            let faults = ConfigFaults::from(faults);
            assert!(!faults.list.is_empty());
            for (key, message) in &faults.list {
                assert!(!message.is_empty() && shown.contains(message.as_str()));
                assert!(
                    !key.is_empty() || message.starts_with("is not TOML"),
                    "no key: {message}"
                );
            }
        }
        Ok(config) => accepted(&config),
    }
}

fn accepted(config: &Config) {
    let bound = SocketAddr::new(config.listen.ip(), 8080);
    let settings = config.settings(bound);
    for policy in config.policies.values() {
        sound(policy);
    }
    assert!(!settings.clients.is_empty());
    for (id, client) in &settings.clients {
        assert_eq!(*id, client.id);
        sound(&client.policy);
        sound(client.policy_for(true));
        assert!(!client.audience.is_empty());
        let secret = matches!(&client.kind, ClientKind::Confidential { secret_hashes } if !secret_hashes.is_empty());
        let machine = client
            .scopes
            .iter()
            .any(|scope| scope.starts_with("prolong:"));
        assert!(secret || !machine, "a public client may act as a machine");
        assert!(config.development || client.origins != Origins::AnyLoopback);
    }
    let loopback = bound.ip().is_loopback();
    assert!(
        loopback || settings.issuer.starts_with("https://"),
        "{} beyond this machine",
        settings.issuer
    );
    let issuer: Uri = settings.issuer.parse().unwrap();
    assert!(
        issuer.host().is_some_and(|host| !host.is_empty()),
        "{issuer}"
    );
    let (kib, passes) = (
        settings.limits.argon2_memory_kib,
        settings.limits.argon2_passes,
    );
    let made_here = format!(
        "$argon2id$v=19$m={kib},t={passes},p=1$AQEBAQEBAQEBAQEBAQEBAQ$AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
    );
    assert!(
        PasswordHash::parse(&made_here).is_ok(),
        "what is hashed here could not be verified here"
    );
    built(settings);
}

/// What no policy may say, in other words than the core's.
fn sound(policy: &Policy) {
    let seconds = |limit: Limit| match limit {
        Limit::Never => u64::MAX,
        Limit::After(span) => span.as_secs(),
    };
    let (access, idle, lifetime) = (
        policy.access.as_secs(),
        seconds(policy.idle),
        seconds(policy.lifetime),
    );
    assert!(
        access >= 1 && access <= idle && access <= lifetime,
        "{policy:?}"
    );
    assert!(idle <= lifetime || idle == u64::MAX, "{policy:?}");
    assert!(
        policy
            .soft
            .is_none_or(|soft| (1..access).contains(&soft.as_secs())),
        "{policy:?}"
    );
    let (grace, interval) = (
        policy.grace.as_secs(),
        policy.min_rotation_interval.as_secs(),
    );
    assert!(
        (grace == 0 && interval == 0) || (grace + 15 <= interval && interval <= access),
        "{policy:?}"
    );
    assert!(
        policy.prolong_with == ProlongWith::RefreshToken || lifetime < u64::MAX,
        "{policy:?}"
    );
    for line in explain_policy(policy) {
        assert!(
            !line.at.trim().is_empty() && line.text.len() > 3,
            "{line:?}"
        );
    }
}

/// Whatever the operator may write, the server starts. RSA keys are left out: making one takes longer than all the rest.
fn built(mut settings: Settings) {
    if !matches!(settings.algorithm, Algorithm::Es256 | Algorithm::EdDsa) {
        settings.algorithm = Algorithm::EdDsa;
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let parts = Parts {
                settings,
                store: Arc::new(MemoryStore::new([9; 16])),
                clock: Arc::new(ManualClock::at(Timestamp::from_secs(1_800_000_000))),
                entropy: Arc::new(PredictableEntropy::new()),
                master_keys: MasterKeys::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
                    .unwrap(),
            };
            let authority = Authority::new(parts)
                .await
                .expect("an authority of an accepted configuration");
            drop(wire::router(Arc::new(authority)));
        });
    });
}
