//! Routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::RouteSocket;
use super::address::family;
use crate::spec::quantity::IpNetwork;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; a prefix of length 0 is the default route.
    pub destination: IpNetwork,
    /// The next hop.
    pub gateway: Option<IpAddr>,
    /// The index of the interface.
    pub interface: Option<u32>,
    /// The number of the routing table.
    pub table: u32,
    /// The preference among routes to the same destination: the lower, the better.
    pub metric: u32,
    /// What is done with packets, such as `unicast` or `blackhole`.
    pub kind: RouteType,
}

/// All routes of all tables, IPv4 and IPv6, in the socket's namespace.
pub fn routes(socket: &RouteSocket) -> Result<Vec<Route>> {
    let mut routes = Vec::new();
    for family in [AddressFamily::Inet, AddressFamily::Inet6] {
        let mut request = RouteMessage::default();
        request.header.address_family = family;
        let answer = socket
            .dump(&RouteNetlinkMessage::GetRoute(request))
            .context("cannot list the routes")?;
        routes.extend(answer.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewRoute(route) => read(route),
            _ => None,
        }));
    }
    Ok(routes)
}

fn read(message: RouteMessage) -> Option<Route> {
    let header = message.header;
    let address = match header.address_family {
        AddressFamily::Inet => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AddressFamily::Inet6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let mut route = Route {
        destination: IpNetwork { address, prefix: header.destination_prefix_length },
        gateway: None,
        interface: None,
        table: u32::from(header.table),
        metric: 0,
        kind: header.kind,
    };
    for attribute in message.attributes {
        match attribute {
            RouteAttribute::Destination(to) => route.destination.address = ip(&to)?,
            RouteAttribute::Gateway(via) => route.gateway = ip(&via),
            RouteAttribute::Oif(index) => route.interface = Some(index),
            RouteAttribute::Table(table) => route.table = table,
            RouteAttribute::Priority(metric) => route.metric = metric,
            _ => {}
        }
    }
    Some(route)
}

const fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some(IpAddr::V4(*address)),
        RouteAddress::Inet6(address) => Some(IpAddr::V6(*address)),
        _ => None,
    }
}

/// Makes the default route of the gateway's family.
pub fn add_default_route(socket: &RouteSocket, gateway: IpAddr) -> Result<()> {
    let mut message = RouteMessage::default();
    message.header.address_family = family(gateway);
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.protocol = RouteProtocol::Static;
    message.header.scope = RouteScope::Universe;
    message.header.kind = RouteType::Unicast;
    message.attributes.push(RouteAttribute::Gateway(gateway.into()));
    socket
        .change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
        .with_context(|| format!("cannot make the default route by way of {gateway}"))
}
