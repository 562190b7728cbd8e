//! Networks: `10.0.0.0/8`, `::1`.

use std::net::IpAddr;

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

fn parse(text: &str) -> Option<Network> {
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = prefix.map_or(Some(most), |prefix| prefix.parse().ok())?;
    (prefix <= most).then_some(Network { address, prefix })
}
