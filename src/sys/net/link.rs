//! Network interfaces.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute,
    LinkFlags, LinkInfo, LinkMessage,
};

use super::{Namespace, RouteSocket};

/// A hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            let colon = if position == 0 { "" } else { ":" };
            write!(formatter, "{colon}{byte:02x}")?;
        }
        Ok(())
    }
}

/// A hardware address of our own: unicast, locally administered (IEEE 802), the rest by chance.
#[must_use]
pub fn random_mac() -> Mac {
    let mut bytes: [u8; 6] = rand::random();
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0xfc) | 0x02;
    }
    Mac(bytes)
}

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its index within the namespace.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its hardware address, where it has one of six bytes.
    pub mac: Option<Mac>,
    /// Whether it is switched on.
    pub up: bool,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// The kind of a virtual interface, such as `veth`.
    pub kind: Option<String>,
    /// The bridge or bond that it belongs to.
    pub master: Option<u32>,
    /// The longest packet, in bytes.
    pub mtu: u32,
    /// How many packets its queue holds. A queueing discipline on a virtual interface whose queue
    /// holds none makes the kernel change that (`qdisc_create` in `net/sched/sch_api.c`).
    pub queue_length: u32,
    /// The number, in this namespace, of the namespace that its other end is in.
    pub peer_namespace: Option<i32>,
}

/// One end of a virtual cable.
#[derive(Clone, Copy, Debug)]
pub struct VethEnd<'a> {
    /// The namespace that it is put into.
    pub namespace: &'a Namespace,
    /// Its name, at most 15 bytes.
    pub name: &'a str,
    /// Its hardware address; the kernel picks one when there is none.
    pub mac: Option<Mac>,
}

/// All interfaces of the socket's namespace.
pub fn links(socket: &RouteSocket) -> Result<Vec<Link>> {
    let answer = socket
        .dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()))
        .context("cannot list the network interfaces")?;
    Ok(answer
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) => Some(Link::from(link)),
            _ => None,
        })
        .collect())
}

/// The interface of this name.
pub fn link_named(socket: &RouteSocket, name: &str) -> Result<Option<Link>> {
    Ok(links(socket)?.into_iter().find(|link| link.name == name))
}

/// Makes a virtual cable, whole or not at all. Its first end is made in its own namespace, so
/// that it is there that a name already taken is noticed.
pub fn add_veth(first: &VethEnd<'_>, second: &VethEnd<'_>) -> Result<()> {
    let socket = RouteSocket::open(first.namespace)?;
    let mut peer = end(second);
    peer.attributes.push(LinkAttribute::NetNsFd(second.namespace.as_fd().as_raw_fd()));
    let mut message = end(first);
    message.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    socket
        .change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
        .with_context(|| format!("cannot make the interfaces {} and {}", first.name, second.name))
}

fn end(veth: &VethEnd<'_>) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(veth.name.into()));
    if let Some(Mac(bytes)) = veth.mac {
        message.attributes.push(LinkAttribute::Address(bytes.to_vec()));
    }
    message
}

/// Makes a bridge in the socket's namespace.
pub fn add_bridge(socket: &RouteSocket, name: &str) -> Result<()> {
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(name.into()),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Bridge)]),
    ];
    socket
        .change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
        .with_context(|| format!("cannot make the bridge {name}"))
}

/// Puts an interface into a bridge.
pub fn set_master(socket: &RouteSocket, index: u32, bridge: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::Controller(bridge));
    socket
        .change(RouteNetlinkMessage::SetLink(message), 0)
        .with_context(|| format!("cannot put interface {index} into bridge {bridge}"))
}

/// Switches an interface on.
pub fn set_up(socket: &RouteSocket, index: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    socket
        .change(RouteNetlinkMessage::SetLink(message), 0)
        .with_context(|| format!("cannot switch on interface {index}"))
}

/// Sets how many packets the queue of an interface holds.
pub fn set_queue_length(socket: &RouteSocket, index: u32, length: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.attributes.push(LinkAttribute::TxQueueLen(length));
    socket
        .change(RouteNetlinkMessage::SetLink(message), 0)
        .with_context(|| format!("cannot set the queue length of interface {index}"))
}

/// Keeps the kernel from giving an interface an IPv6 address of its own making when it is switched
/// on, which would appear only some time later, and unasked.
pub fn without_link_local(socket: &RouteSocket, index: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
    message.attributes.push(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]));
    match socket.change(RouteNetlinkMessage::SetLink(message), 0) {
        // A kernel without IPv6 gives no such address either.
        Err(error) if error.errno() == Some(libc::EAFNOSUPPORT) => Ok(()),
        other => other.with_context(|| format!("cannot set up IPv6 of interface {index}")),
    }
}

/// Deletes an interface; with one end of a virtual cable goes the other.
pub fn delete_link(socket: &RouteSocket, index: u32) -> Result<()> {
    let mut message = LinkMessage::default();
    message.header.index = index;
    socket
        .change(RouteNetlinkMessage::DelLink(message), 0)
        .with_context(|| format!("cannot delete interface {index}"))
}

impl From<LinkMessage> for Link {
    fn from(message: LinkMessage) -> Self {
        let flags = message.header.flags;
        let mut link = Self {
            index: message.header.index,
            name: String::new(),
            mac: None,
            up: flags.contains(LinkFlags::Up),
            loopback: flags.contains(LinkFlags::Loopback),
            kind: None,
            master: None,
            mtu: 0,
            queue_length: 0,
            peer_namespace: None,
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Address(bytes) => link.mac = bytes.try_into().ok().map(Mac),
                LinkAttribute::Controller(index) => link.master = Some(index),
                LinkAttribute::Mtu(mtu) => link.mtu = mtu,
                LinkAttribute::TxQueueLen(length) => link.queue_length = length,
                LinkAttribute::LinkNetNsId(id) => link.peer_namespace = Some(id),
                LinkAttribute::LinkInfo(infos) => link.kind = infos.into_iter().find_map(kind),
                _ => {}
            }
        }
        link
    }
}

fn kind(info: LinkInfo) -> Option<String> {
    match info {
        LinkInfo::Kind(kind) => Some(kind.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_mac_is_unicast_and_locally_administered() {
        for _ in 0..100 {
            let Mac([first, ..]) = random_mac();
            assert_eq!(first & 0x03, 0x02);
        }
    }

    #[test]
    fn a_mac_is_printed_as_everybody_does() {
        assert_eq!(Mac([2, 0, 0xab, 0, 1, 255]).to_string(), "02:00:ab:00:01:ff");
    }
}
