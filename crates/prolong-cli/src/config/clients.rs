//! `[[clients]]`: the applications that ask for tokens.

use std::collections::BTreeMap;
use std::sync::Arc;

use prolong_core::Policy;
use prolong_server::authority::MACHINE_SCOPES;
use prolong_server::serve::OPERATOR;
use prolong_server::settings::{Client, ClientKind, Origins, Transport};

use super::faults::Faults;
use super::issuer::may_be_same_site;
use super::policies;
use super::section::Section;

type Policies = BTreeMap<String, Arc<Policy>>;

/// Every client. An empty audience stands for the issuer, which is not known yet.
pub(super) fn read(
    root: &mut Section,
    policies: &Policies,
    development: bool,
) -> BTreeMap<String, Arc<Client>> {
    let mut clients = BTreeMap::new();
    for mut section in root.list("clients") {
        let client = client(&mut section, policies, development);
        section.finish();
        let id = client.id.clone();
        if clients.insert(id.clone(), Arc::new(client)).is_some() && !id.is_empty() {
            root.fault(
                "clients",
                &format!("\"{id}\" is there twice: ids must differ"),
            );
        }
    }
    if clients.is_empty() {
        root.fault(
            "clients",
            "there is none: add [[clients]] with at least `id` and `policy`",
        );
    }
    clients
}

/// Browsers send a cookie of `SameSite=Strict` for pages of the issuer's own site only.
pub(super) fn check_cookies<'a>(
    faults: &Faults,
    issuer: &str,
    clients: impl Iterator<Item = &'a Arc<Client>>,
) {
    for client in clients.filter(|client| client.transport == Transport::Cookie) {
        let Origins::Listed(origins) = &client.origins else {
            continue;
        };
        for origin in origins
            .iter()
            .filter(|origin| !may_be_same_site(issuer, origin))
        {
            faults.add(
                &format!("clients[{}].origins", client.id),
                &format!("\"{origin}\" is of another site than the issuer {issuer}, so its pages never have their cookies: let both share a domain and the scheme, or set `transport` to \"body\""),
            );
        }
    }
}

fn client(at: &mut Section, policies: &Policies, development: bool) -> Client {
    let id = at.string("id").unwrap_or_default();
    let good = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    if id.is_empty() || id.len() > 100 || !id.chars().all(good) {
        at.fault(
            "id",
            "is needed: 1 to 100 letters, digits, \".\", \"_\", \"~\" or \"-\"",
        );
    } else if id == OPERATOR {
        at.fault(
            "id",
            "is taken by the `prolong` command itself: choose another",
        );
    }
    let kind = kind(at);
    let (policy_name, policy) = policy(at, "policy", policies)
        .unwrap_or_else(|| ("default".to_owned(), Arc::new(Policy::defaults())));
    let policy_remembered = policy_of(at, "policy_remembered", policies);
    let transports = &["body", "cookie"];
    let transport = at.word(
        "transport",
        |word| transports.iter().position(|t| *t == word),
        transports,
    );
    let transport = if transport == Some(1) {
        Transport::Cookie
    } else {
        Transport::Body
    };
    let origins = at.strings("origins");
    for origin in origins.iter().filter(|origin| !is_origin(origin)) {
        at.fault("origins", &format!("\"{origin}\" is not an origin: write scheme, host and port only, in lower case, like \"https://app.example.com\""));
    }
    let scopes = at.strings("scopes");
    let public = kind == ClientKind::Public;
    for scope in scopes.iter().filter(|scope| scope.starts_with("prolong:")) {
        if public {
            at.fault(
                "scopes",
                &format!(
                    "\"{scope}\" is for confidential clients: a public one cannot prove who it is"
                ),
            );
        } else if !MACHINE_SCOPES.contains(&scope.as_str()) {
            at.unknown_word::<()>("scopes", scope, MACHINE_SCOPES);
        }
    }
    for scope in scopes
        .iter()
        .filter(|scope| !scope.chars().all(is_scope_char))
    {
        at.fault(
            "scopes",
            &format!("\"{scope}\" must be one word per entry, without quotes or backslashes"),
        );
    }
    if transport == Transport::Cookie {
        let needs_token = policy.require_access_token
            || policy_remembered
                .as_ref()
                .is_some_and(|p| p.require_access_token);
        if needs_token {
            at.fault("transport", "\"cookie\" does not go with `require_access_token`: both would come from the same page");
        }
        if origins.is_empty() && !development {
            at.fault("origins", "is needed with `transport = \"cookie\"`: the pages that may call, like [\"https://app.example.com\"]");
        }
    }
    Client {
        id,
        kind,
        policy_name,
        policy,
        policy_remembered,
        audience: at.strings("audience"),
        scopes,
        origins: Origins::Listed(origins),
        transport,
        password_sign_in: at.bool("password_sign_in").unwrap_or(false),
    }
}

fn kind(at: &mut Section) -> ClientKind {
    let kinds = &["public", "confidential"];
    let kind = at.word("kind", |word| kinds.iter().position(|k| *k == word), kinds);
    let hashes = at.strings("secret_hash");
    let secret_hashes: Vec<_> = hashes.iter().filter_map(|text| sha256(text)).collect();
    if secret_hashes.len() != hashes.len() {
        at.fault(
            "secret_hash",
            "must be \"sha256:\" and 64 hexadecimal digits: `prolong client secret` prints it",
        );
    }
    if kind == Some(1) {
        if hashes.is_empty() {
            at.fault("secret_hash", "is needed for a confidential client: `prolong client secret` prints a secret and its hash");
        }
        return ClientKind::Confidential { secret_hashes };
    }
    if !hashes.is_empty() {
        at.fault(
            "secret_hash",
            "is for `kind = \"confidential\"`: a public client has no secret",
        );
    }
    ClientKind::Public
}

fn policy(
    at: &mut Section,
    key: &'static str,
    policies: &Policies,
) -> Option<(String, Arc<Policy>)> {
    let name = at.string(key)?;
    match policies::named(policies, &name) {
        Some(policy) => Some((name, policy)),
        None => at.unknown_word(key, &name, &policies::names(policies)),
    }
}

fn policy_of(at: &mut Section, key: &'static str, policies: &Policies) -> Option<Arc<Policy>> {
    policy(at, key, policies).map(|(_, policy)| policy)
}

fn sha256(text: &str) -> Option<[u8; 32]> {
    let digits = text
        .strip_prefix("sha256:")
        .filter(|digits| digits.len() == 64 && digits.is_ascii())?;
    let mut hash = [0; 32];
    for (i, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// As a browser serialises it.
fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(good))
}

/// RFC 6749 §3.3.
fn is_scope_char(c: char) -> bool {
    matches!(c, '!' | '#'..='[' | ']'..='~')
}
