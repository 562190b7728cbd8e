//! Networks: `10.0.0.0/8`, `::1`.

use std::net::{IpAddr, SocketAddr};

use prolong_server::settings::Network;

use super::section::Section;

/// `trusted_proxies`.
pub(super) fn read(root: &mut Section) -> Vec<Network> {
    let texts = root.strings("trusted_proxies");
    let read = |text: String| {
        let network = parse(&text);
        if network.is_none() {
            root.fault(
                "trusted_proxies",
                &format!("\"{text}\" is not a network: write \"10.0.0.0/8\" or \"::1\""),
            );
        }
        network
    };
    texts.into_iter().filter_map(read).collect()
}

/// `admin_listen`: another place than `listen`, and on this machine only where the issuer is.
pub(super) fn check_admin(
    root: &mut Section,
    admin: Option<SocketAddr>,
    listen: SocketAddr,
    issuer: Option<&str>,
) {
    let Some(admin) = admin else { return };
    if admin == listen && admin.port() != 0 {
        root.fault(
            "admin_listen",
            "is the same as `listen`: choose another port, or leave it out",
        );
    }
    let local = issuer.is_none_or(|issuer| super::issuer::is_loopback(super::issuer::host(issuer)));
    if local && !admin.ip().is_loopback() {
        root.fault(
            "admin_listen",
            "is beyond this machine, but the issuer is a name of this machine only: set `issuer` to the address that others use",
        );
    }
}

fn parse(text: &str) -> Option<Network> {
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
    (prefix <= most).then_some(Network { address, prefix })
}
