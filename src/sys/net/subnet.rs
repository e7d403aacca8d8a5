//! Which networks are in use here, and which are free.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result};

use super::{RouteSocket, addresses, routes};
use crate::spec::quantity::IpNetwork;

/// Routes with a shorter prefix cover half of the world or more: default routes, also those that
/// a VPN cuts in two (`0.0.0.0/1`, `2000::/3`). They are in nobody's way.
const DEFAULT_LIKE: u8 = 8;
/// How many networks of 256 addresses there are in 198.18.0.0/15.
const CANDIDATES: u32 = 512;

/// The first free /24 of 198.18.0.0/15, the range for tests of networks (RFC 2544) that neither
/// the internet nor a company's network uses.
pub fn free_subnet(socket: &RouteSocket) -> Result<IpNetwork> {
    let used = used(socket)?;
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    (0..CANDIDATES)
        .map(|number| IpAddr::V4(Ipv4Addr::from(first + (number << 8))))
        .map(|address| IpNetwork { address, prefix: 24 })
        .find(|subnet| !used.iter().any(|(network, _)| overlap(*subnet, *network)))
        .context("no /24 of 198.18.0.0/15 is free; name a subnet of your own")
}

/// What in the socket's namespace is in the way of a subnet, in words; `None` when nothing is.
pub fn conflict(socket: &RouteSocket, subnet: IpNetwork) -> Result<Option<String>> {
    Ok(used(socket)?
        .into_iter()
        .find(|(network, _)| overlap(subnet, *network))
        .map(|(network, what)| format!("{what} {network}")))
}

fn used(socket: &RouteSocket) -> Result<Vec<(IpNetwork, &'static str)>> {
    let addresses = addresses(socket)?.into_iter().map(|address| (address.network, "the address"));
    let routes = routes(socket)?
        .into_iter()
        .map(|route| route.destination)
        .filter(|destination| destination.prefix >= DEFAULT_LIKE)
        .map(|destination| (destination, "the route"));
    Ok(addresses.chain(routes).collect())
}

/// Whether two networks have an address in common.
#[must_use]
pub fn overlap(one: IpNetwork, other: IpNetwork) -> bool {
    let prefix = one.prefix.min(other.prefix);
    one.address.is_ipv4() == other.address.is_ipv4()
        && network_bits(one.address, prefix) == network_bits(other.address, prefix)
}

/// The first address of a network that an interface can have, with the network's prefix.
#[must_use]
pub fn first_address(subnet: IpNetwork) -> IpNetwork {
    let network = network_bits(subnet.address, subnet.prefix);
    let address = match subnet.address {
        IpAddr::V4(_) => {
            IpAddr::V4(Ipv4Addr::from(u32::try_from(network >> 96).unwrap_or_default() | 1))
        }
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(network | 1)),
    };
    IpNetwork { address, prefix: subnet.prefix }
}

/// The bits of the network, left-aligned, those of the host being zero.
fn network_bits(address: IpAddr, prefix: u8) -> u128 {
    let bits = match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => u128::from(address),
    };
    bits & u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> IpNetwork {
        text.parse().unwrap()
    }

    #[test]
    fn networks_overlap_when_one_holds_the_other() {
        for (one, other, expected) in [
            ("10.0.0.0/8", "10.9.8.7/32", true),
            ("10.9.8.7/32", "10.0.0.0/8", true),
            ("198.18.0.0/24", "198.18.1.0/24", false),
            ("198.18.0.0/23", "198.18.1.0/24", true),
            ("0.0.0.0/0", "::/0", false),
            ("fd00::/8", "fd12::1/64", true),
            ("fd00:1::/64", "fd00:2::/64", false),
        ] {
            assert_eq!(overlap(network(one), network(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_first_address_keeps_the_prefix() {
        assert_eq!(first_address(network("198.18.7.0/24")).to_string(), "198.18.7.1/24");
        assert_eq!(first_address(network("fd00:7::/64")).to_string(), "fd00:7::1/64");
    }
}
