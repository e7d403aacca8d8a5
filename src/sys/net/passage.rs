//! Cables of our own (`veth`), both ends of which are in one namespace: what is sent into the near
//! end comes out of the far one, and a queueing discipline at the near one can hold it.

use anyhow::Context;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};

use super::own_interface::ours;
use super::qdisc::AddError;
use super::{Link, Mac, RouteSocket, link_named, without_link_local};

/// The longest packet of a cable, in bytes (`ETH_MAX_MTU`).
const LONGEST: u32 = 65_535;

/// The name of the far end, by that of the near one.
pub(super) fn far_end(name: &str) -> String {
    format!("{}p", name.strip_suffix(NEAR).unwrap_or(name))
}

/// What the name of a near end ends with.
pub(super) const NEAR: char = 'o';

/// Makes a cable for packets of at most `mtu` bytes, and returns its near end. An interface of that
/// name that is there is an error. With one end goes the other.
pub(super) fn add(socket: &RouteSocket, name: &str, mac: Mac, mtu: u32) -> Result<Link, AddError> {
    let mtu = LinkAttribute::Mtu(mtu.min(LONGEST));
    let mut far = LinkMessage::default();
    far.attributes = vec![LinkAttribute::IfName(far_end(name)), mtu.clone()];
    let mut near = LinkMessage::default();
    near.attributes = vec![
        LinkAttribute::IfName(name.into()),
        LinkAttribute::Address(mac.0.to_vec()),
        mtu,
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(far))),
        ]),
    ];
    socket.change(RouteNetlinkMessage::NewLink(near), NLM_F_CREATE | NLM_F_EXCL).map_err(
        |cause| AddError::Refused { what: "veth".to_owned(), interface: name.to_owned(), cause },
    )?;
    let link = ours(socket, name, mac)?;
    Ok(link.with_context(|| format!("the interface {name}, just made, is gone"))?)
}

/// Switches both ends on, so that the kernel itself says nothing on them.
pub(super) fn switch_on(socket: &RouteSocket, near: &Link) -> anyhow::Result<()> {
    let name = far_end(&near.name);
    let far = link_named(socket, &name)?.with_context(|| format!("interface {name} is gone"))?;
    for index in [far.index, near.index] {
        without_link_local(socket, index)?;
        let mut message = LinkMessage::default();
        message.header.index = index;
        message.header.flags = LinkFlags::Up | LinkFlags::Noarp;
        message.header.change_mask = LinkFlags::Up | LinkFlags::Noarp | LinkFlags::Multicast;
        socket
            .change(RouteNetlinkMessage::SetLink(message), 0)
            .with_context(|| format!("cannot switch on interface {index}"))?;
    }
    Ok(())
}
