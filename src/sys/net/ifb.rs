//! Intermediate functional blocks (`drivers/net/ifb.c`): interfaces of our own that received packets
//! are sent through, so that a queueing discipline can hold them.

use anyhow::Result;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoKind, LinkAttribute, LinkInfo, LinkMessage};

use super::own_interface::ours;
use super::qdisc::AddError;
use super::{Link, Mac, RouteSocket, set_up, without_link_local};

/// Makes the interface. An interface of that name that is there is an error.
pub(super) fn add(socket: &RouteSocket, name: &str, mac: Mac) -> Result<Link, AddError> {
    let mut message = LinkMessage::default();
    message.attributes = vec![
        LinkAttribute::IfName(name.into()),
        LinkAttribute::Address(mac.0.to_vec()),
        LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Ifb)]),
    ];
    socket.change(RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL).map_err(
        |cause| AddError::Refused { what: "ifb".to_owned(), interface: name.to_owned(), cause },
    )?;
    let Some(link) = ours(socket, name, mac)? else {
        return Err(anyhow::anyhow!("the interface {name}, just made, is gone").into());
    };
    Ok(link)
}

/// Switches it on.
pub(super) fn switch_on(socket: &RouteSocket, link: &Link) -> Result<()> {
    without_link_local(socket, link.index)?;
    set_up(socket, link.index)
}
