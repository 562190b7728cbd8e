//! What the operator decided, as meant. Built by the command line from the configuration; cannot contradict itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use prolong_core::Policy;

/// Everything that the operator decided and that the authority needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss`: an absolute URL without query, fragment or trailing slash.
    pub issuer: String,
    /// Path prefix under which everything is served: empty, or begins with `/` and has no slash at its end.
    pub base_path: String,
    /// No configuration file: loopback only, any loopback origin, plain HTTP.
    pub development: bool,
    /// What new signing keys are made for.
    pub algorithm: Algorithm,
    /// The clients, by id.
    pub clients: BTreeMap<String, Arc<Client>>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Readers of the feed need no token.
    pub feed_public: bool,
    /// Sizes, times and rates.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
}

/// JOSE signature algorithms that keys can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519, under the name most verifiers know.
    EdDsa,
    /// RSASSA-PKCS1-v1_5, 2048 bits.
    Rs256,
    /// RSASSA-PSS, 2048 bits.
    Ps256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Rs256, Self::Ps256];
    /// The JOSE name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
    /// The algorithm of a JOSE name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
    }
}

/// An application that asks for tokens.
#[derive(Clone, Debug)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// Whether it can keep a secret.
    pub kind: ClientKind,
    /// The name of its policy, for explanations.
    pub policy_name: String,
    /// What its sessions may do.
    pub policy: Arc<Policy>,
    /// The same where the user asked to stay signed in.
    pub policy_remembered: Option<Arc<Policy>>,
    /// `aud` of its access tokens; at least one.
    pub audience: Vec<String>,
    /// Scopes that it may ask for; of a confidential client also the machine scopes.
    pub scopes: Vec<String>,
    /// Pages that may call (CORS and CSRF).
    pub origins: Origins,
    /// How the refresh token travels.
    pub transport: Transport,
    /// `POST /v1/sessions` with a password is allowed: first-party clients only.
    pub password_sign_in: bool,
}

impl Client {
    /// The policy of a session that was started with or without "stay signed in".
    #[must_use]
    pub fn policy_for(&self, remember: bool) -> &Arc<Policy> {
        match &self.policy_remembered {
            Some(policy) if remember => policy,
            _ => &self.policy,
        }
    }
}

/// Whether a client can keep a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A page or an app: it cannot.
    Public,
    /// A server: it proves itself by one of these secrets, stored as SHA-256 (two while one replaces the other).
    Confidential {
        /// SHA-256 over the characters of each accepted secret.
        secret_hashes: Vec<[u8; 32]>,
    },
}

/// Pages that may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Any origin on a loopback host: development only.
    AnyLoopback,
    /// Exactly these (scheme, host, port as a browser serialises them).
    Listed(Vec<String>),
}

/// How the refresh token travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In bodies.
    Body,
    /// In a cookie that no script can read.
    Cookie,
}

/// An IP network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// An address in it.
    pub address: IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

impl Network {
    /// Whether this address is in it. IPv4 within IPv6 counts as IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, width, base) = match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => (
                u128::from(address.to_bits()),
                32,
                u128::from(base.to_bits()),
            ),
            (IpAddr::V6(base), IpAddr::V6(address)) => (address.to_bits(), 128, base.to_bits()),
            _ => return false,
        };
        let outside = u32::from(self.prefix).min(width);
        (bits ^ base).checked_shr(width - outside).unwrap_or(0) == 0
    }
}

/// Sizes, times and rates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, bytes.
    pub body_bytes: usize,
    /// Largest head of a request, bytes.
    pub head_bytes: usize,
    /// A request's head must have arrived within this.
    pub head_timeout: Duration,
    /// A request must be answered within this.
    pub request_timeout: Duration,
    /// Connections at one time.
    pub connections: usize,
    /// Followers of the feed at one time.
    pub feed_streams: usize,
    /// Password hashes computed at one time.
    pub password_hashes: usize,
    /// Password hashes waiting for their turn, beyond which sign-ins get 503.
    pub password_queue: usize,
    /// Accounts and networks whose failed sign-ins are remembered.
    pub throttle_entries: usize,
    /// Failed sign-ins that one network is free to have, whatever the accounts; from then on one every 10 s.
    pub network_failures: u32,
    /// Argon2id memory, KiB.
    pub argon2_memory_kib: u32,
    /// Argon2id passes.
    pub argon2_passes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 64 * 1024,
            head_bytes: 32 * 1024,
            head_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(5),
            connections: 10_000,
            feed_streams: 1_000,
            password_hashes: 2,
            password_queue: 64,
            throttle_entries: 65_536,
            network_failures: 300,
            argon2_memory_kib: 19_456,
            argon2_passes: 2,
        }
    }
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Ended and expired sessions stay readable so long (at least a day).
    pub sessions: Duration,
    /// Audit lines.
    pub audit: Duration,
    /// A signing key is replaced after this.
    pub signing_key: Duration,
    /// A new signing key is published so long before it signs.
    pub publish_ahead: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            sessions: 7 * day,
            audit: 90 * day,
            signing_key: 30 * day,
            publish_ahead: day,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_its_addresses_only() {
        let network = |text: &str, prefix| Network {
            address: text.parse().unwrap(),
            prefix,
        };
        let address = |text: &str| text.parse().unwrap();
        assert!(network("10.1.0.0", 16).contains(address("10.1.200.3")));
        assert!(!network("10.1.0.0", 16).contains(address("10.2.0.1")));
        assert!(network("0.0.0.0", 0).contains(address("203.0.113.9")));
        assert!(!network("0.0.0.0", 0).contains(address("::1")));
        assert!(network("::1", 128).contains(address("::1")));
        assert!(!network("::1", 128).contains(address("::2")));
    }
}
