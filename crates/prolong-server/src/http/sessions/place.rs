//! Where a request came from: the address behind trusted proxies, and what the device says of itself.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::HeaderMap;
use http::header::USER_AGENT;
use http::request::Parts;

use crate::authority::sign_in::Device;
use crate::settings::{Network, Settings};
use crate::users::{coarse, guessing_network};

/// The address of the device: the peer's, or, where the peer is a trusted proxy, the nearest address in
/// `X-Forwarded-For` that is not one. `None` where the server does not tell.
fn address(trusted: &[Network], parts: &Parts) -> Option<IpAddr> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let mut nearest = peer.ip().to_canonical();
    let forwarded: Vec<&str> = parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in forwarded.iter().rev() {
        if !trusted.iter().any(|network| network.contains(nearest)) {
            break;
        }
        let Ok(hop) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = hop.to_canonical();
    }
    Some(nearest)
}

/// The network that failed sign-ins from here are counted for.
pub(crate) fn network(settings: &Settings, parts: &Parts) -> String {
    guessing_network(address(&settings.trusted_proxies, parts))
}

/// The device as a user's list of sessions shows it.
pub(crate) fn device(settings: &Settings, parts: &Parts, device_name: Option<String>) -> Device {
    Device {
        device_name,
        user_agent: user_agent(&parts.headers),
        ip: address(&settings.trusted_proxies, parts).map(coarse),
    }
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    headers.get(USER_AGENT)?.to_str().ok().map(short_user_agent)
}

/// "Firefox on Linux" for what is known; else the first word. At most 60 characters.
pub(crate) fn short_user_agent(text: &str) -> String {
    let known = |list: &[(&'static str, &'static str)]| {
        list.iter()
            .find(|(mark, _)| text.contains(mark))
            .map(|(_, name)| *name)
    };
    let browser = known(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = known(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => text
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_agents_become_short() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert_eq!(short_user_agent(firefox), "Firefox on Linux");
        assert_eq!(short_user_agent("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(short_user_agent(""), "");
    }

    /// Where the request comes from by these headers, sent by this peer to an authority that trusts 10.0.0.0/8.
    fn found(peer: &str, forwarded: &[&str]) -> String {
        let mut request = http::Request::new(());
        for value in forwarded {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            request.headers_mut().append("x-forwarded-for", value);
        }
        let mut parts = request.into_parts().0;
        let peer: IpAddr = peer.parse().unwrap();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::new(peer, 1)));
        let ours = Network {
            address: "10.0.0.0".parse().unwrap(),
            prefix: 8,
        };
        address(&[ours], &parts).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_their_own_word() {
        // A stranger says what they like.
        assert_eq!(found("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        // A proxy adds whom it saw; what was there before came from the stranger.
        assert_eq!(found("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            found("10.0.0.1", &["127.0.0.1, 198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            found("10.0.0.1", &["127.0.0.1", "198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            found("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"]),
            "198.51.100.7"
        );
        assert_eq!(
            found("::ffff:10.0.0.1", &["::ffff:198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(found("10.0.0.1", &["2001:db8::1"]), "2001:db8::1");
        // What cannot be read is nobody's: the proxy answers for it, and nothing further out is believed.
        assert_eq!(found("10.0.0.1", &["198.51.100.7, unknown"]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &["198.51.100.7, "]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &[]), "10.0.0.1");
    }
}
