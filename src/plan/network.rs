//! The run's own network: who has which address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;

use super::{PlanError, Refusal};
use crate::act::JoinNetwork;
use crate::spec::quantity::IpNetwork;
use crate::spec::{Name, Network, Service};

/// Every service with its address and the length of the subnet's prefix, or `None` on the host's
/// network. This host has the subnet's first address; services have the next, in the file's order.
pub fn addresses(
    services: &IndexMap<Name, Service>,
    subnet: IpNetwork,
) -> Result<IndexMap<Name, Option<IpNetwork>>, PlanError> {
    let own = services.values().filter(|service| service.network == Network::Own).count();
    let mut next = 2;
    let mut address = |service: &Service| match service.network {
        Network::Host => Ok(None),
        Network::Own => {
            let address = nth(subnet, next);
            next += 1;
            address.map(Some).ok_or(Refusal::SubnetTooSmall { subnet, services: own })
        }
    };
    services
        .iter()
        .map(|(name, service)| {
            let at = |refusal: Refusal| refusal.at(format!("services.{name}.network"));
            Ok((name.clone(), address(service).map_err(at)?))
        })
        .collect()
}

/// The network of the run, if any service needs it.
pub(super) fn join(services: &IndexMap<Name, Service>, subnet: IpNetwork) -> Option<JoinNetwork> {
    let needed = services.values().any(|service| service.network == Network::Own);
    needed.then_some(JoinNetwork { subnet })
}

/// The address so far from the start of the subnet; never the last of IPv4, which is broadcast.
fn nth(subnet: IpNetwork, offset: u32) -> Option<IpNetwork> {
    let address = match subnet.address {
        IpAddr::V4(address) => {
            let hosts = u32::MAX.checked_shr(u32::from(subnet.prefix)).unwrap_or(0);
            let start = u32::from(address) & !hosts;
            (offset < hosts).then(|| IpAddr::V4(Ipv4Addr::from(start + offset)))
        }
        IpAddr::V6(address) => {
            let hosts = u128::MAX.checked_shr(u32::from(subnet.prefix)).unwrap_or(0);
            let start = u128::from(address) & !hosts;
            let offset = u128::from(offset);
            (offset <= hosts).then(|| IpAddr::V6(Ipv6Addr::from(start + offset)))
        }
    };
    address.map(|address| IpNetwork { address, prefix: subnet.prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_where_the_subnet_does() {
        let at = |subnet: &str, offset| {
            nth(subnet.parse().unwrap(), offset).map(|address| address.to_string())
        };
        assert_eq!(at("198.18.7.0/24", 2).as_deref(), Some("198.18.7.2/24"));
        assert_eq!(at("198.18.7.9/30", 2).as_deref(), Some("198.18.7.10/30"));
        assert_eq!(at("198.18.7.0/30", 3), None);
        assert_eq!(at("198.18.7.0/32", 2), None);
        assert_eq!(at("fd00::/64", 2).as_deref(), Some("fd00::2/64"));
        assert_eq!(at("fd00::/128", 2), None);
    }
}
