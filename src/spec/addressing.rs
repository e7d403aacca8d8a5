//! Who has which address in the run's own network.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;
use thiserror::Error;

use super::quantity::IpNetwork;
use super::{Name, Network};

/// The prefix of a chosen address that names none, for IPv4 and IPv6.
const PREFIXES: (u8, u8) = (24, 64);
/// The shortest and the longest prefix a subnet may have, for IPv4 and IPv6: one that covers more
/// would take the internet away from this host, one that covers less has no two addresses.
const SHORTEST: (u8, u8) = (8, 16);
const LONGEST: (u8, u8) = (30, 126);

/// The addresses in the run's own network, each with the prefix of its subnet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressing {
    /// Those of this host: the lowest of each subnet that no service has chosen. None when no
    /// service has a network of its own.
    pub host: Vec<IpNetwork>,
    /// Those of each service; none on the host's network.
    pub services: IndexMap<Name, Vec<IpNetwork>>,
}

/// Why a service cannot have an address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoAddress {
    /// No address is left.
    #[error(
        "the subnet {subnet} has too few addresses for {services} services with a network of their own"
    )]
    SubnetTooSmall {
        /// The subnet.
        subnet: IpNetwork,
        /// How many services need one.
        services: usize,
    },
    /// It is no address that a service could have.
    #[error("{address} is no address of a service: it is {what}")]
    NotOfAService {
        /// The address.
        address: IpNetwork,
        /// What it is instead.
        what: &'static str,
    },
    /// The subnet is too large or too small.
    #[error("the prefix of {address} must have {shortest} to {longest} bits")]
    Prefix {
        /// The address.
        address: IpNetwork,
        /// The shortest prefix.
        shortest: u8,
        /// The longest prefix.
        longest: u8,
    },
    /// Somebody has it.
    #[error("{address} is taken by the service `{by}`")]
    Taken {
        /// The address.
        address: IpAddr,
        /// Who has it.
        by: Name,
    },
    /// A service with two addresses of one version of IP.
    #[error("one IPv4 and one IPv6 address at most; {address} is the second of its kind")]
    Second {
        /// The address.
        address: IpNetwork,
    },
    /// Services in different subnets.
    #[error("{address} is not in {subnet}; all services of a run share one subnet")]
    OtherSubnet {
        /// The address.
        address: IpNetwork,
        /// Where the others are.
        subnet: IpNetwork,
    },
}

/// A service that cannot have an address, and why.
pub type Unaddressed = (Name, NoAddress);

/// The addresses of services in the order of the file. Those that are chosen make the subnet, and
/// services with `network: own` have what is left of it, from the lowest on. Where none is chosen,
/// the subnets are those given, at most one for each version of IP.
pub fn addressing(
    networks: &IndexMap<Name, Network>,
    subnets: &[IpNetwork],
) -> Result<Addressing, Unaddressed> {
    let chosen = chosen(networks)?;
    let subnets = if chosen.is_empty() { subnets.to_vec() } else { subnets_of(&chosen)? };
    let taken: BTreeSet<IpAddr> = chosen.iter().map(|(_, network)| network.address).collect();
    let mut all = Addressing::default();
    for (name, network) in networks {
        let own = match network {
            Network::Address(addresses) => addresses
                .as_slice()
                .iter()
                .filter_map(|address| subnets.iter().find_map(|subnet| within(*address, *subnet)))
                .collect(),
            Network::Host | Network::Own => Vec::new(),
        };
        all.services.insert(name.clone(), own);
    }
    for subnet in subnets.into_iter().filter(|_| networks.values().any(Network::is_own)) {
        let mut free = free(subnet, &taken);
        all.host.extend(free.next());
        for (name, _) in networks.iter().filter(|(_, network)| **network == Network::Own) {
            let Some(address) = free.next() else {
                let services = networks.values().filter(|network| network.is_own()).count();
                return Err((name.clone(), NoAddress::SubnetTooSmall { subnet, services }));
            };
            if let Some(own) = all.services.get_mut(name) {
                own.push(address);
            }
        }
    }
    Ok(all)
}

/// The addresses that services have chosen, each valid for itself and no two the same.
fn chosen(networks: &IndexMap<Name, Network>) -> Result<Vec<(Name, IpNetwork)>, Unaddressed> {
    let mut chosen: Vec<(Name, IpNetwork)> = Vec::new();
    for (name, network) in networks {
        let Network::Address(addresses) = network else { continue };
        let at = |error| (name.clone(), error);
        for (place, address) in addresses.as_slice().iter().enumerate() {
            usable(*address).map_err(at)?;
            let before = addresses.as_slice().iter().take(place);
            if before.into_iter().any(|it| it.address.is_ipv4() == address.address.is_ipv4()) {
                return Err(at(NoAddress::Second { address: *address }));
            }
            if let Some((by, _)) = chosen.iter().find(|(_, it)| it.address == address.address) {
                return Err(at(NoAddress::Taken { address: address.address, by: by.clone() }));
            }
            chosen.push((name.clone(), *address));
        }
    }
    Ok(chosen)
}

/// Whether a service could have an address, whatever the others have.
fn usable(address: IpNetwork) -> Result<(), NoAddress> {
    let what = match address.address {
        it if it.is_multicast() => Some("a group (multicast)"),
        it if it.is_unspecified() => Some("none at all"),
        it if it.is_loopback() => Some("a loopback address"),
        IpAddr::V4(it) if it.is_link_local() => Some("valid on one link only"),
        IpAddr::V4(it) if it.is_broadcast() => Some("that of everybody (broadcast)"),
        IpAddr::V6(it) if it.is_unicast_link_local() => Some("valid on one link only"),
        _ => None,
    };
    if let Some(what) = what {
        return Err(NoAddress::NotOfAService { address, what });
    }
    let (shortest, longest) = (of(address, SHORTEST), of(address, LONGEST));
    let alone = address == IpNetwork::host(address.address);
    if !alone && !(shortest..=longest).contains(&address.prefix) {
        return Err(NoAddress::Prefix { address, shortest, longest });
    }
    Ok(())
}

/// The subnets of chosen addresses, one for each version of IP that is among them: that of the
/// first that names a prefix, else of the first.
fn subnets_of(chosen: &[(Name, IpNetwork)]) -> Result<Vec<IpNetwork>, Unaddressed> {
    let mut subnets = Vec::new();
    for ipv4 in [true, false] {
        let of_version = || chosen.iter().filter(|(_, it)| it.address.is_ipv4() == ipv4);
        let named = of_version().find(|(_, it)| *it != IpNetwork::host(it.address));
        let Some((_, first)) = named.or_else(|| of_version().next()) else { continue };
        let prefix = if named.is_some() { first.prefix } else { of(*first, PREFIXES) };
        let subnet = IpNetwork { address: first.address, prefix }.network();
        for (name, address) in of_version() {
            let at = |error| Err((name.clone(), error));
            let Some(inside) = within(*address, subnet) else {
                return at(NoAddress::OtherSubnet { address: *address, subnet });
            };
            if inside.address == subnet.address {
                let what = "that of the subnet itself";
                return at(NoAddress::NotOfAService { address: inside, what });
            }
            if ipv4 && number(inside.address) == last(subnet) {
                let what = "that of everybody in the subnet (broadcast)";
                return at(NoAddress::NotOfAService { address: inside, what });
            }
        }
        subnets.push(subnet);
    }
    Ok(subnets)
}

/// The address with the prefix of the subnet, if it is in there and names no other prefix.
fn within(address: IpNetwork, subnet: IpNetwork) -> Option<IpNetwork> {
    let alone = address == IpNetwork::host(address.address);
    let inside = IpNetwork { prefix: subnet.prefix, ..address };
    (inside.network() == subnet && (alone || address.prefix == subnet.prefix)).then_some(inside)
}

/// The addresses of a subnet that nobody has, from the lowest on; never its own, nor the last of
/// IPv4, which is that of everybody.
fn free(subnet: IpNetwork, taken: &BTreeSet<IpAddr>) -> impl Iterator<Item = IpNetwork> {
    let ipv4 = subnet.address.is_ipv4();
    let (first, last) = (number(subnet.network().address), last(subnet));
    let end = if ipv4 { last } else { last.saturating_add(1) };
    (first.saturating_add(1)..end)
        .map(move |number| address(number, ipv4))
        .filter(|address| !taken.contains(address))
        .map(move |address| IpNetwork { address, prefix: subnet.prefix })
}

/// The number of the last address of a subnet.
fn last(subnet: IpNetwork) -> u128 {
    let bits = if subnet.address.is_ipv4() { 32 } else { 128 } - u32::from(subnet.prefix);
    let hosts = 1_u128.checked_shl(bits).map_or(u128::MAX, |size| size - 1);
    number(subnet.network().address) | hosts
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address of a number, which is one of that version of IP.
fn address(number: u128, ipv4: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if ipv4 => Ipv4Addr::from(number).into(),
        _ => Ipv6Addr::from(number).into(),
    }
}

const fn of(address: IpNetwork, (ipv4, ipv6): (u8, u8)) -> u8 {
    if address.address.is_ipv4() { ipv4 } else { ipv6 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The addresses of services `a`, `b`, … with these networks.
    fn of_all(networks: &[serde_json::Value]) -> Result<String, String> {
        let named = |(letter, value): (char, &serde_json::Value)| {
            (letter.to_string(), serde_json::from_value::<Network>(value.clone()).unwrap())
        };
        let networks = ('a'..).zip(networks).map(named).collect();
        let subnets = ["198.18.7.0/24", "fd07::/64"].map(|text| text.parse().unwrap());
        let found = addressing(&networks, &subnets);
        let words =
            |all: &[IpNetwork]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let line = |all: Addressing| {
            let lines = all.services.iter().map(|(name, own)| format!("{name} {}", words(own)));
            lines.chain([format!("host {}", words(&all.host))]).collect::<Vec<_>>().join("\n")
        };
        found.map(line).map_err(|(name, why)| format!("{name}: {why}"))
    }

    fn at(addresses: &[&str]) -> serde_json::Value {
        json!({ "address": addresses })
    }

    #[test]
    fn who_chooses_nothing_has_the_next_of_every_subnet() {
        insta::assert_snapshot!(of_all(&[json!("own"), json!("host"), json!("own")]).unwrap(), @r"
        a 198.18.7.2/24 fd07::2/64
        b 
        c 198.18.7.3/24 fd07::3/64
        host 198.18.7.1/24 fd07::1/64
        ");
        assert_eq!(of_all(&[json!("host")]).unwrap(), "a \nhost ");
    }

    #[test]
    fn chosen_addresses_make_the_subnet() {
        insta::assert_snapshot!(of_all(&[at(&["10.77.0.2"]), json!("own"), at(&["10.77.0.1", "fd77::9"])]).unwrap(), @r"
        a 10.77.0.2/24
        b 10.77.0.4/24 fd77::2/64
        c 10.77.0.1/24 fd77::9/64
        host 10.77.0.3/24 fd77::1/64
        ");
        insta::assert_snapshot!(of_all(&[at(&["10.77.0.2"]), at(&["10.77.9.1/16"])]).unwrap(), @r"
        a 10.77.0.2/16
        b 10.77.9.1/16
        host 10.77.0.1/16
        ");
    }

    #[test]
    fn what_no_service_can_have() {
        let refused = |networks: &[serde_json::Value]| of_all(networks).unwrap_err();
        insta::assert_snapshot!(refused(&[at(&["127.0.0.1"])]), @"a: 127.0.0.1 is no address of a service: it is a loopback address");
        insta::assert_snapshot!(refused(&[at(&["ff02::1"])]), @"a: ff02::1 is no address of a service: it is a group (multicast)");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.0"])]), @"a: 10.77.0.0/24 is no address of a service: it is that of the subnet itself");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.255"])]), @"a: 10.77.0.255/24 is no address of a service: it is that of everybody in the subnet (broadcast)");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.1/4"])]), @"a: the prefix of 10.77.0.1/4 must have 8 to 30 bits");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.1", "10.77.0.2"])]), @"a: one IPv4 and one IPv6 address at most; 10.77.0.2 is the second of its kind");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.1"]), at(&["10.77.0.1"])]), @"b: 10.77.0.1 is taken by the service `a`");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.1"]), at(&["10.78.0.1"])]), @"b: 10.78.0.1 is not in 10.77.0.0/24; all services of a run share one subnet");
        insta::assert_snapshot!(refused(&[at(&["10.77.0.1/30"]), json!("own"), json!("own")]), @"b: the subnet 10.77.0.0/30 has too few addresses for 3 services with a network of their own");
    }
}
