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
pub(crate) fn address(settings: &Settings, parts: &Parts) -> Option<IpAddr> {
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
        if !settings
            .trusted_proxies
            .iter()
            .any(|network| contains(network, nearest))
        {
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
    guessing_network(address(settings, parts))
}

/// The device as a user's list of sessions shows it.
pub(crate) fn device(settings: &Settings, parts: &Parts, device_name: Option<String>) -> Device {
    Device {
        device_name,
        user_agent: user_agent(&parts.headers),
        ip: address(settings, parts).map(coarse),
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

fn contains(network: &Network, address: IpAddr) -> bool {
    let (bits, width, base) = match (network.address.to_canonical(), address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => (
            u128::from(address.to_bits()),
            32,
            u128::from(base.to_bits()),
        ),
        (IpAddr::V6(base), IpAddr::V6(address)) => (address.to_bits(), 128, base.to_bits()),
        _ => return false,
    };
    let outside = u32::from(network.prefix).min(width);
    (bits ^ base).checked_shr(width - outside).unwrap_or(0) == 0
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

    #[test]
    fn a_network_contains_its_addresses_only() {
        let network = |text: &str, prefix| Network {
            address: text.parse().unwrap(),
            prefix,
        };
        let address = |text: &str| text.parse().unwrap();
        assert!(contains(&network("10.1.0.0", 16), address("10.1.200.3")));
        assert!(!contains(&network("10.1.0.0", 16), address("10.2.0.1")));
        assert!(contains(&network("0.0.0.0", 0), address("203.0.113.9")));
        assert!(!contains(&network("0.0.0.0", 0), address("::1")));
        assert!(contains(&network("::1", 128), address("::1")));
        assert!(!contains(&network("::1", 128), address("::2")));
    }
}
