//! The issuer: the name by which the whole world knows this authority.

use std::net::{IpAddr, SocketAddr};

use axum::http::uri::Authority;

use super::faults::Faults;

/// Checks what was written. Without one, the address is the name, so it must be of this machine only.
pub(super) fn checked(
    issuer: Option<String>,
    listen: SocketAddr,
    faults: &Faults,
) -> Option<String> {
    let beyond = !listen.ip().is_loopback();
    let Some(issuer) = issuer else {
        if beyond {
            faults.add("issuer", "is needed to listen beyond this machine: the https:// address that browsers and APIs use");
        }
        return None;
    };
    let wrong = |message: &str| faults.add("issuer", &format!("is \"{issuer}\", {message}"));
    let (secure, rest) = match (
        issuer.strip_prefix("https://"),
        issuer.strip_prefix("http://"),
    ) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => {
            wrong("which is not an address: write \"https://auth.example.com\"");
            return None;
        }
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = host_of(authority);
    if host.is_empty() || rest.contains(['?', '#', '@', ' ']) || rest.ends_with('/') {
        wrong("but it must have a host, and no query, fragment, user, space or slash at its end");
    } else if !is_path(&path(&issuer)) {
        wrong(
            "but its path may have letters, digits, \".\", \"_\", \"~\" or \"-\" only, and no empty part",
        );
    } else if !is_host_and_port(authority) {
        wrong("but that is not a host, or host and port");
    } else if issuer != issuer.to_lowercase() && authority != authority.to_lowercase() {
        wrong("but the host must be in lower case: it is compared character by character");
    } else if !is_loopback(host) && !secure {
        wrong(
            "but tokens must not travel in the clear: write https:// (let a reverse proxy in front speak TLS, or set `tls.cert` and `tls.key`)",
        );
    } else if is_loopback(host) && beyond {
        wrong(
            "a name of this machine only, so it must not listen beyond it: set `issuer` to the address that others use, or `listen` to 127.0.0.1",
        );
    }
    Some(issuer)
}

/// The path of an issuer: where its endpoints are.
pub(super) fn path(issuer: &str) -> String {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    rest.find('/')
        .and_then(|at| rest.get(at..))
        .unwrap_or_default()
        .to_owned()
}

fn is_host_and_port(text: &str) -> bool {
    let sound = |read: Authority| read.port_u16().is_some() || read.host() == text;
    text.parse().is_ok_and(sound)
}

/// Whether this can be served under: nothing, or parts of unreserved characters (RFC 3986 §2.3), a slash before each.
pub(super) fn is_path(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "._~-".contains(c);
    let part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(good);
    let parts = text.strip_prefix('/').map(|rest| rest.split('/'));
    text.is_empty() || parts.is_some_and(|mut parts| parts.all(part))
}

/// The host of an issuer.
pub(super) fn host(issuer: &str) -> &str {
    let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    host_of(rest.split('/').next().unwrap_or_default())
}

/// Whether pages of `origin` may be of the issuer's site, by scheme and domain. Of a domain with more than two labels only
/// browsers know from which on it belongs to one owner, so this refuses what certainly is another site.
pub(super) fn may_be_same_site(issuer: &str, origin: &str) -> bool {
    let (ours, theirs) = (host(issuer), host(origin));
    if is_loopback(ours) {
        return true; // nobody but its developer signs in there
    }
    let is_name = |host: &str| host.parse::<IpAddr>().is_err();
    let domain = |host: &str| {
        let labels = host.rsplit('.').take(2);
        labels.map(str::to_owned).collect::<Vec<_>>()
    };
    let related = is_name(ours) && is_name(theirs) && domain(ours) == domain(theirs);
    origin.starts_with("https://") && (ours == theirs || related)
}

fn host_of(authority: &str) -> &str {
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((v6, _)) => v6,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
