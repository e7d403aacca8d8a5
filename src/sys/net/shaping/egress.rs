//! What an interface sends, at its root.

use anyhow::Result;
use netlink_packet_route::tc::TcHandle;

use super::super::classifier::{self, Goal};
use super::super::qdisc::{self, AddError, Place};
use super::super::{Removed, RouteSocket, divider, links, netem, set_queue_length, tbf};
use super::{Shaping, is_all, leaf_of};
use crate::act::{Hook, ShapedInterface};

/// Puts the discipline at the root, or in a class of a divider there; the filter comes last, so that
/// no packet meets what is half done.
pub(super) fn add(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    shaping: &Shaping<'_>,
) -> Result<(), AddError> {
    let root = root(interface, shaping.handle);
    let (kind, options) = (shaping.discipline.kind(), shaping.discipline.options());
    if is_all(shaping.traffic) {
        qdisc::add_root(socket, &root, kind, &options)?;
        (shaping.stepped)();
        return Ok(());
    }
    divider::add(socket, &root, interface.queue_length)?;
    (shaping.stepped)();
    let class = divider::fault_class(shaping.handle);
    let leaf = Place { parent: class, handle: leaf_of(shaping.handle), ..root };
    qdisc::add(socket, &leaf, kind, &options)?;
    (shaping.stepped)();
    let filter = Place { parent: TcHandle { major: shaping.handle, minor: 0 }, ..root };
    classifier::add(socket, &filter, (shaping.traffic, Hook::Egress), Goal::Class(class))?;
    (shaping.stepped)();
    Ok(())
}

/// Has the filter match other packets.
pub(super) fn aim(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    shaping: &Shaping<'_>,
) -> Result<(), AddError> {
    let class = divider::fault_class(shaping.handle);
    let parent = TcHandle { major: shaping.handle, minor: 0 };
    let filter = Place { parent, ..root(interface, shaping.handle) };
    classifier::replace(socket, &filter, (shaping.traffic, Hook::Egress), Goal::Class(class))
}

/// Deletes our root, whatever hangs on it, and gives the interface its queue length back.
pub(super) fn remove(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    handle: u16,
) -> Result<Removed> {
    let [first, second] = divider::KINDS;
    let kinds = [netem::KIND, tbf::KIND, first, second];
    let removed = qdisc::delete_root(socket, &root(interface, handle), &kinds)?;
    crate::failpoint::hit("mid-undo");
    if interface.queue_length == 0 {
        restore_queue_length(socket, interface)?;
    }
    Ok(removed)
}

fn restore_queue_length(socket: &RouteSocket, interface: &ShapedInterface) -> Result<()> {
    let changed = links(socket)?
        .into_iter()
        .any(|link| link.index == interface.index && link.queue_length != 0);
    if changed {
        set_queue_length(socket, interface.index, 0)?;
    }
    Ok(())
}

fn root(interface: &ShapedInterface, handle: u16) -> Place<'_> {
    let ShapedInterface { index, name, .. } = interface;
    Place { ifindex: *index, interface: name, parent: TcHandle::ROOT, handle }
}
