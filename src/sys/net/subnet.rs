//! Which networks are in use here, and which are free.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use anyhow::{Context, Result, bail};

use super::{RouteSocket, addresses, routes};
use crate::spec::quantity::IpNetwork;

/// Routes with a shorter prefix cover half of the world or more: default routes, also those that
/// a VPN cuts in two (`0.0.0.0/1`, `2000::/3`). They are in nobody's way.
const DEFAULT_LIKE: u8 = 8;
/// How many networks are tried: those of 198.18.0.0/16.
const CANDIDATES: u8 = u8::MAX;

/// A subnet that no other run of this tool takes as long as this value lives, and longer: when it
/// is dropped, the subnet is in use. It is the name of a socket, which the kernel gives once in
/// each network namespace (unix(7), "abstract") and takes back whatever becomes of the process.
#[derive(Debug)]
pub struct Reservation {
    _name: UnixDatagram,
}

impl Reservation {
    /// Reserves it in the network namespace of the calling thread; `None` if somebody else has.
    pub fn of(subnet: IpNetwork) -> Result<Option<Self>> {
        let fail = || format!("cannot reserve the network {subnet}");
        let name = format!("shakedown/{}", subnet.network());
        let name = SocketAddr::from_abstract_name(name).with_context(fail)?;
        match UnixDatagram::bind_addr(&name) {
            Ok(name) => Ok(Some(Self { _name: name })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error).with_context(fail),
        }
    }
}

/// The first free /24 of 198.18.0.0/16, from the range for tests of networks (RFC 2544) that neither
/// the internet nor a company's network uses, and, where this host has IPv6, the /64 that belongs
/// to it. Free are those that overlap no address and no route in the socket's namespace, and that
/// no other run has reserved there.
pub fn free_subnets(socket: &RouteSocket) -> Result<(Vec<IpNetwork>, Reservation)> {
    let used = used(socket)?;
    let ipv6_here = has_ipv6();
    for number in 0..CANDIDATES {
        let [ipv4, ipv6] = subnets(number);
        let mut subnets = vec![ipv4];
        subnets.extend(ipv6_here.then_some(ipv6));
        let is_free =
            |subnet: &IpNetwork| !used.iter().any(|(network, _)| overlap(*subnet, *network));
        if subnets.iter().all(is_free)
            && let Some(reservation) = Reservation::of(ipv4)?
        {
            return Ok((subnets, reservation));
        }
    }
    bail!("no /24 of 198.18.0.0/16 is free; choose the services' addresses yourself")
}

/// The pair of networks with this number: a /24 of 198.18.0.0/16 and a /64 of `fd73:6864:6e00::/48`,
/// a unique local prefix (RFC 4193).
#[must_use]
pub fn subnets(number: u8) -> [IpNetwork; 2] {
    let ipv4 = Ipv4Addr::new(198, 18, number, 0);
    let ipv6 = Ipv6Addr::new(0xfd73, 0x6864, 0x6e00, number.into(), 0, 0, 0, 0);
    [IpNetwork { address: ipv4.into(), prefix: 24 }, IpNetwork { address: ipv6.into(), prefix: 64 }]
}

/// Whether new interfaces of this host can have addresses of IPv6.
fn has_ipv6() -> bool {
    let switch = fs::read_to_string("/proc/sys/net/ipv6/conf/default/disable_ipv6");
    switch.is_ok_and(|switch| switch.trim() == "0")
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
    let network = |it: IpNetwork| IpNetwork { prefix, ..it }.network();
    network(one) == network(other)
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
}
