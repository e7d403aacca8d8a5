//! Which interfaces an act is about.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use netlink_packet_route::route::RouteType;
use netlink_packet_route::tc::TcHandle;

use super::super::passage::NEAR;
use super::super::qdisc::{self, QdiscInfo};
use super::super::{Link, Route, RouteSocket, links, overlap, random_mac, routes};
use super::{NAMES, diversion, has, is_all};
use crate::act::{Detour, Egress, Hook, ShapedInterface, Traffic};
use crate::spec::quantity::IpNetwork;

/// The table of the host's own addresses (`RT_TABLE_LOCAL`), which are reached by loopback.
const LOCAL_TABLE: u32 = 255;

/// The interfaces named; else, if the other ends are, those that carry routes to them; else all but
/// loopback. None is an error.
pub fn select(
    socket: &RouteSocket,
    traffic: &Traffic,
    handle: u16,
) -> Result<Vec<ShapedInterface>> {
    let links = links(socket)?;
    let selected = if !traffic.interfaces.is_empty() {
        named(links, &traffic.interfaces)?
    } else if traffic.flow.networks.is_empty() {
        links.into_iter().filter(|link| !link.loopback).collect()
    } else {
        towards(links, &routes(socket)?, &traffic.flow.networks)?
    };
    ensure!(!selected.is_empty(), "the target's network namespace has no interface but `lo`");
    let ways = Ways::here(socket)?;
    Ok(selected.iter().map(|link| shaped(link, traffic, handle, &ways)).collect())
}

/// Which ways packets can be led here.
pub(super) struct Ways {
    /// Whether the kernel has what a detour by tables takes.
    tables: bool,
    /// The interfaces whose root somebody has put there.
    taken: BTreeSet<u32>,
}

impl Ways {
    pub(super) fn here(socket: &RouteSocket) -> Result<Self> {
        let beside = |info: &QdiscInfo| info.parent == TcHandle::INGRESS;
        let all = qdisc::list_nameless(socket)?.into_iter();
        let taken = all.filter(|info| !info.default && !beside(info)).map(|info| info.ifindex);
        Ok(Self { tables: diversion::possible()?, taken: taken.collect() })
    }
}

/// An interface with what an undo must know of it. A cable carries only what has the header of
/// Ethernet, so that the interface must have such an address.
pub(super) fn shaped(link: &Link, traffic: &Traffic, handle: u16, ways: &Ways) -> ShapedInterface {
    let detour = |tail: &str, tabled| Detour {
        // At most 15 bytes: `sd5d`, two of the act, a dash, seven of the index, and which end.
        interface: format!("{NAMES}{:02x}-{}{tail}", handle & 0xff, link.index % 10_000_000),
        mac: random_mac().0,
        tabled,
    };
    let by_cable =
        ways.tables && link.mac.is_some() && (!is_all(traffic) || ways.taken.contains(&link.index));
    let egress = || {
        if by_cable { Egress::Detour(detour(&NEAR.to_string(), true)) } else { Egress::Root }
    };
    ShapedInterface {
        index: link.index,
        name: link.name.clone(),
        queue_length: link.queue_length,
        egress: has(traffic, Hook::Egress).then(egress),
        ingress: has(traffic, Hook::Ingress).then(|| detour("", ways.tables)),
    }
}

fn named(links: Vec<Link>, names: &[String]) -> Result<Vec<Link>> {
    for name in names {
        if !links.iter().any(|link| link.name == *name) {
            let there: Vec<&str> = links.iter().map(|link| &*link.name).collect();
            bail!(
                "the target's network namespace has no interface `{name}`; it has {}",
                there.join(", ")
            );
        }
    }
    Ok(links.into_iter().filter(|link| names.contains(&link.name)).collect())
}

/// What has no route cannot be sent anything: an IPv6 address of a name, say, where there is IPv4
/// only. That nothing has one is an error.
fn towards(links: Vec<Link>, routes: &[Route], networks: &[IpNetwork]) -> Result<Vec<Link>> {
    let indices: BTreeSet<u32> =
        networks.iter().flat_map(|network| carriers(routes, *network)).collect();
    let chosen = |link: &Link| indices.contains(&link.index) && !link.loopback;
    let chosen: Vec<Link> = links.into_iter().filter(chosen).collect();
    if chosen.is_empty() {
        let networks: Vec<String> = networks.iter().map(ToString::to_string).collect();
        bail!(
            "no interface of the target's network namespace carries a route to {}; name the \
             interfaces if there will be one",
            networks.join(" or ")
        );
    }
    Ok(chosen)
}

/// The interfaces of all routes into a network, and of the longest in each table that covers it as
/// a whole; of those all, whatever their preference: a link may fail.
fn carriers(routes: &[Route], network: IpNetwork) -> BTreeSet<u32> {
    let usable = |route: &&Route| {
        route.kind == RouteType::Unicast
            && route.table != LOCAL_TABLE
            && overlap(route.destination, network)
    };
    let covers = |route: &Route| route.destination.prefix <= network.prefix;
    let longest = |table: u32| {
        let of_table = |route: &&Route| route.table == table && covers(route);
        routes.iter().filter(usable).filter(of_table).map(|route| route.destination.prefix).max()
    };
    routes
        .iter()
        .filter(usable)
        .filter(|route| !covers(route) || Some(route.destination.prefix) == longest(route.table))
        .filter_map(|route| route.interface)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, interface: u32) -> Route {
        Route {
            destination: destination.parse().unwrap(),
            gateway: None,
            interface: Some(interface),
            table: 254,
            metric: 0,
            kind: RouteType::Unicast,
        }
    }

    #[test]
    fn the_most_specific_route_carries_an_address_and_all_parts_a_network() {
        let routes = [
            route("0.0.0.0/0", 2),
            route("10.0.0.0/8", 3),
            route("10.1.0.0/16", 4),
            route("10.1.0.0/16", 5),
            route("::/0", 6),
            route("fd00::/64", 7),
            Route { kind: RouteType::BlackHole, ..route("10.1.2.3/32", 8) },
            Route { table: LOCAL_TABLE, ..route("10.1.2.3/32", 1) },
            Route { table: 100, ..route("0.0.0.0/0", 9) },
        ];
        let to = |network: &str| {
            carriers(&routes, network.parse().unwrap()).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(to("10.1.2.3"), [4, 5, 9]);
        assert_eq!(to("10.2.2.3"), [3, 9]);
        assert_eq!(to("10.0.0.0/8"), [3, 4, 5, 9]);
        assert_eq!(to("8.8.8.8"), [2, 9]);
        assert_eq!(to("0.0.0.0/0"), [2, 3, 4, 5, 9]);
        assert_eq!(to("fd00::1"), [7]);
        assert_eq!(to("fd01::1"), [6]);
    }
}
