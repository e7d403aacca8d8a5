//! Addresses of interfaces.

use std::net::IpAddr;

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::RouteSocket;
use crate::spec::quantity::IpNetwork;

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The index of the interface.
    pub interface: u32,
    /// The address with the length of its network's prefix.
    pub network: IpNetwork,
}

/// All addresses in the socket's namespace.
pub fn addresses(socket: &RouteSocket) -> Result<Vec<Address>> {
    let answer = socket
        .dump(&RouteNetlinkMessage::GetAddress(AddressMessage::default()))
        .context("cannot list the addresses of the network interfaces")?;
    Ok(answer
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewAddress(address) => read(&address),
            _ => None,
        })
        .collect())
}

fn read(message: &AddressMessage) -> Option<Address> {
    // On a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL is ours where there is one.
    let own = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let any = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Address(address) => Some(*address),
        _ => None,
    });
    let network = IpNetwork { address: own.or(any)?, prefix: message.header.prefix_len };
    Some(Address { interface: message.header.index, network })
}

/// Gives an address to an interface. An IPv6 address is usable at once, without looking for
/// duplicates first (`IFA_F_NODAD`).
pub fn add_address(socket: &RouteSocket, interface: u32, network: IpNetwork) -> Result<()> {
    let mut message = AddressMessage::default();
    message.header.index = interface;
    message.header.prefix_len = network.prefix;
    message.header.family = family(network.address);
    message.attributes =
        vec![AddressAttribute::Local(network.address), AddressAttribute::Address(network.address)];
    if network.address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    socket
        .change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
        .with_context(|| format!("cannot give the address {network} to interface {interface}"))
}

pub(super) const fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
