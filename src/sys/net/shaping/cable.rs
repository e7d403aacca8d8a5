//! What an interface sends, by a detour: over a cable of our own, whose near end has the discipline.

use anyhow::{Context, Result};
use netlink_packet_route::tc::TcHandle;

use super::super::own_interface;
use super::super::passage;
use super::super::qdisc::{self, AddError, Place};
use super::super::{Mac, Removed, RouteSocket};
use super::Shaping;
use super::diversion::{self, Diversion};
use crate::act::{Detour, ShapedInterface};

/// Lays the cable, and leads there what matches last: the interface's own root is not touched.
pub(super) fn add(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    detour: &Detour,
    shaping: &Shaping<'_>,
) -> Result<Diversion, AddError> {
    diversion::refuse_second(socket, interface, &detour.interface)?;
    let mtu = diversion::longest(socket, interface)?;
    let near = passage::add(socket, &detour.interface, Mac(detour.mac), mtu)?;
    (shaping.stepped)();
    let root = Place {
        ifindex: near.index,
        interface: &detour.interface,
        parent: TcHandle::ROOT,
        handle: shaping.handle,
    };
    let discipline = shaping.discipline;
    qdisc::add(socket, &root, discipline.kind(), &discipline.options())?;
    (shaping.stepped)();
    passage::switch_on(socket, &near)?;
    (shaping.stepped)();
    Ok(Diversion::sent(interface, shaping, &near)?)
}

/// Takes the cable away, with what waits there.
pub(super) fn remove(socket: &RouteSocket, detour: &Detour) -> Result<Removed> {
    let removed = own_interface::delete(socket, &detour.interface, Mac(detour.mac))
        .with_context(|| format!("cannot delete the cable {}", detour.interface))?;
    crate::failpoint::hit("mid-undo");
    Ok(removed)
}
