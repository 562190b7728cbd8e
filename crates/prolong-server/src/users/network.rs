//! How much of an address is looked at, and how much is kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network that failed sign-ins are counted for: a /24 of IPv4, a /64 of IPv6.
pub(crate) fn guessing_network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| masked(address, 64))
}

/// What a session remembers of where it started: a /24 of IPv4, a /48 of IPv6.
pub(crate) fn coarse(address: IpAddr) -> String {
    masked(address, 48)
}

fn masked(address: IpAddr, v6_bits: u32) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!(
            "{}/24",
            Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))
        ),
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - v6_bits).unwrap_or(u128::MAX);
            format!(
                "{}/{v6_bits}",
                Ipv6Addr::from_bits(address.to_bits() & mask)
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_networks() {
        let network = |text: &str| guessing_network(Some(text.parse().unwrap()));
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(
            coarse("2001:db8:1:2:3:4:5:6".parse().unwrap()),
            "2001:db8:1::/48"
        );
        assert_eq!(guessing_network(None), "unknown");
    }
}
