//! Where a datagram that was sent to us wanted to go: connection tracking knows
//! (`linux/netfilter/nfnetlink_conntrack.h`).

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::attribute::{Attributes, find};
use super::super::netlink::Netlink;

/// `NFNL_SUBSYS_CTNETLINK` and `IPCTNL_MSG_CT_GET`.
const GET: u16 = (1 << 8) | 1;
/// The length of `struct nlmsghdr` and `struct nfgenmsg`, and of the latter alone.
const HEADERS: usize = 20;
const GENERAL: usize = 4;
/// `CTA_TUPLE_ORIG`, `CTA_TUPLE_REPLY`.
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
/// `CTA_TUPLE_IP`, `CTA_TUPLE_PROTO`.
const ADDRESSES: u16 = 1;
const PORTS: u16 = 2;
/// `CTA_PROTO_NUM`, `CTA_PROTO_SRC_PORT`, `CTA_PROTO_DST_PORT`.
const NUMBER: u16 = 1;
const SOURCE_PORT: u16 = 2;
const DESTINATION_PORT: u16 = 3;

/// The kernel's table of connections in one network namespace.
#[derive(Debug)]
pub(super) struct Connections(Netlink);

impl Connections {
    /// Opens the table of the calling thread's namespace.
    pub(super) fn open() -> Result<Self> {
        Netlink::open(NETLINK_NETFILTER).map(Self).context("cannot ask for connections")
    }

    /// Where the datagrams from `client` that reach us at `here` were sent to. `None` if they were
    /// sent to us, or the kernel has forgotten.
    pub(super) fn destination(&self, client: SocketAddr, here: SocketAddr) -> Option<SocketAddr> {
        let sequence = self.0.next_sequence();
        self.0.send(&request(sequence, here, client)).ok()?;
        let frames = self.0.answer(sequence, sequence).ok()?;
        let found = frames.first()?.payload.get(GENERAL..)?;
        destination(find(found, ORIGINAL)?).filter(|destination| *destination != here)
    }
}

/// Asks for the connection whose answers go from one end to the other.
fn request(sequence: u32, from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let (source, target) = ip_attributes(from.ip());
    let addresses =
        Attributes::new().bytes(source, &octets(from.ip())).bytes(target, &octets(to.ip()));
    let ports = Attributes::new()
        .bytes(NUMBER, &[17]) // UDP
        .bytes(SOURCE_PORT, &from.port().to_be_bytes())
        .bytes(DESTINATION_PORT, &to.port().to_be_bytes());
    let tuple = Attributes::new().nest(ADDRESSES, &addresses).nest(PORTS, &ports);
    let attributes = Attributes::new().nest(REPLY, &tuple);
    let length = u32::try_from(HEADERS + attributes.len()).unwrap_or(u32::MAX);
    let family = if from.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    let mut bytes = Vec::new();
    bytes.extend(length.to_ne_bytes());
    bytes.extend(GET.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes());
    // struct nfgenmsg: family, version, resource.
    bytes.extend([u8::try_from(family).unwrap_or_default(), 0, 0, 0]);
    bytes.extend(attributes.as_bytes());
    bytes
}

/// The destination of a tuple.
fn destination(tuple: &[u8]) -> Option<SocketAddr> {
    let addresses = find(tuple, ADDRESSES)?;
    let four = || <[u8; 4]>::try_from(find(addresses, 2)?).ok().map(IpAddr::from);
    let six = || <[u8; 16]>::try_from(find(addresses, 4)?).ok().map(IpAddr::from);
    let port = find(find(tuple, PORTS)?, DESTINATION_PORT)?;
    Some(SocketAddr::new(four().or_else(six)?, u16::from_be_bytes(port.try_into().ok()?)))
}

/// `CTA_IP_V4_SRC` and `CTA_IP_V4_DST`, or those of IPv6.
const fn ip_attributes(address: IpAddr) -> (u16, u16) {
    if address.is_ipv4() { (1, 2) } else { (3, 4) }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
