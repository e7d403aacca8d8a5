//! What an interface receives.

use anyhow::{Context, Result, anyhow, bail};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcHandle, TcMessage};

use super::super::classifier::{self, Filters, Goal};
use super::super::qdisc::{self, AddError, Place, QdiscInfo};
use super::super::{Mac, Removed, RouteSocket, ifb, own_interface};
use super::Shaping;
use super::diversion::{self, Diversion};
use crate::act::{Detour, Hook, ShapedInterface};

/// The kind of the queueing discipline that filters of received packets hang on.
const KIND: &str = "ingress";

/// Sends what matches through an interface of our own. That is made first and deleted last: while
/// it is there, what is at the ingress is ours, unless tables lead there.
pub(super) fn add(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    detour: &Detour,
    shaping: &Shaping<'_>,
) -> Result<Option<Diversion>, AddError> {
    match at_ingress(socket, interface.index)? {
        _ if detour.tabled => diversion::refuse_second(socket, interface, &detour.interface)?,
        Some(found) => return Err(foreign(interface, &found)),
        None => {}
    }
    let ours = ifb::add(socket, &detour.interface, Mac(detour.mac))?;
    (shaping.stepped)();
    ifb::switch_on(socket, &ours)?;
    let root = Place {
        ifindex: ours.index,
        interface: &detour.interface,
        parent: TcHandle::ROOT,
        handle: shaping.handle,
    };
    let discipline = shaping.discipline;
    qdisc::add(socket, &root, discipline.kind(), &discipline.options())?;
    (shaping.stepped)();
    if detour.tabled {
        return Ok(Some(Diversion::received(interface, shaping, &ours)?));
    }
    add_ingress(socket, interface)?;
    (shaping.stepped)();
    let filter = filter(interface, shaping.handle);
    let traffic = (shaping.traffic, Hook::Ingress);
    classifier::add(socket, &filter, traffic, Goal::Interface(ours.index))?;
    (shaping.stepped)();
    Ok(None)
}

/// Has the filter match other packets.
pub(super) fn aim(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    detour: &Detour,
    shaping: &Shaping<'_>,
) -> Result<(), AddError> {
    let name = &detour.interface;
    let ours = diversion::link(socket, detour)?.with_context(|| format!("{name} is gone"))?;
    let traffic = (shaping.traffic, Hook::Ingress);
    let filter = filter(interface, shaping.handle);
    classifier::replace(socket, &filter, traffic, Goal::Interface(ours.index))
}

/// Deletes our filter with the ingress it is at, and our interface. An ingress that others use too
/// by now stays.
pub(super) fn remove(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    detour: &Detour,
    handle: u16,
) -> Result<Removed> {
    let ours = diversion::link(socket, detour)?;
    let mut strangers = None;
    if !detour.tabled && at_ingress(socket, interface.index)?.is_some() {
        let place = filter(interface, handle);
        let found = classifier::list(socket, &place)?;
        match found {
            Filters { ours: true, others } if !others.is_empty() => {
                classifier::delete(socket, &place)?;
                let (name, kinds) = (&interface.name, others.join(", "));
                strangers = Some(format!("filters at the ingress of {name}: {kinds}"));
            }
            Filters { ours: false, others } if !others.is_empty() || ours.is_none() => {}
            _ => delete_ingress(socket, interface)?,
        }
    }
    crate::failpoint::hit("mid-undo");
    let removed = own_interface::delete(socket, &detour.interface, Mac(detour.mac))?;
    crate::failpoint::hit("mid-undo");
    Ok(match strangers {
        Some(found) => Removed::NotOurs { found },
        None => removed,
    })
}

fn foreign(interface: &ShapedInterface, found: &QdiscInfo) -> AddError {
    AddError::Foreign { interface: interface.name.clone(), found: found.to_string() }
}

/// There is one place for all kinds of it.
fn at_ingress(socket: &RouteSocket, index: u32) -> Result<Option<QdiscInfo>> {
    let is = |info: &QdiscInfo| info.ifindex == index && info.parent == TcHandle::INGRESS;
    Ok(qdisc::list_nameless(socket)?.into_iter().find(is))
}

fn add_ingress(socket: &RouteSocket, interface: &ShapedInterface) -> Result<(), AddError> {
    let place = filter(interface, 0);
    let mut message = message(interface)?;
    message.attributes = qdisc::attributes(KIND, &[]);
    socket
        .change(RouteNetlinkMessage::NewQueueDiscipline(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|cause| qdisc::refused(&place, "ingress (sch_ingress)", cause))
}

fn delete_ingress(socket: &RouteSocket, interface: &ShapedInterface) -> Result<()> {
    let deleted = socket.change(RouteNetlinkMessage::DelQueueDiscipline(message(interface)?), 0);
    if at_ingress(socket, interface.index)?.is_some() {
        let name = &interface.name;
        deleted.with_context(|| format!("cannot delete our ingress of {name}"))?;
        bail!("our ingress is still on {name} after it was deleted")
    }
    Ok(())
}

fn message(interface: &ShapedInterface) -> Result<TcMessage> {
    let index = i32::try_from(interface.index).map_err(|_| anyhow!("no such interface index"))?;
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle::INGRESS;
    message.header.handle = TcHandle { major: u16::MAX, minor: 0 };
    Ok(message)
}

/// Where our filter is.
fn filter(interface: &ShapedInterface, handle: u16) -> Place<'_> {
    let ShapedInterface { index, name, .. } = interface;
    Place { ifindex: *index, interface: name, parent: classifier::INGRESS, handle }
}
