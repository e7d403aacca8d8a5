//! The packets of an interface that match, impaired by netem or tbf, and no others.
//!
//! What is sent: the discipline is at the interface's root if everything matches. Else, and where
//! somebody else's root is, what matches takes a detour over a cable of our own, with the discipline
//! at its near end, and the interface's root is not touched. What is received takes a detour, too,
//! through an `ifb` with the discipline at its root, which gives it back by itself.
//!
//! ```text
//! eth0 ─ egress ─ table ─▶ sd5d01-2o ═ sd5d01-2p ─ table ─▶ eth0, its own root, the wire
//!                          root netem 5d01:
//! eth0 ─ ingress ─ table ─▶ sd5d01-2 (ifb) ─▶ eth0, the stack
//!                           root netem 5d01:
//! ```
//!
//! An `ifb` gives back what is sent with a flag (`tc_skip_classify`) that makes it pass all hooks of
//! the other end of a cable, so that it does for what is received only.
//!
//! Where the kernel's `nf_tables` cannot do that, a divider at the root and a filter for what matches
//! take the place of the cable, and an `ingress` with a filter that of the table:
//!
//! ```text
//! root prio 5d01: ─┬─ 5d01:1 pfifo         all others        ingress ─ filter ─▶ sd5d01-2 (ifb)
//!                  └─ 5d01:2 netem 5e01:   what matches                          root netem 5d01:
//! ```

#[cfg(test)]
mod bystander;
mod cable;
mod discipline;
mod diversion;
mod egress;
#[cfg(test)]
pub(super) mod fixture;
mod ingress;
mod interfaces;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tests;

use anyhow::Result;

pub use discipline::{Discipline, Met};
pub use diversion::Diversion;
pub use interfaces::select;

use super::qdisc::{AddError, QdiscInfo, list_nameless};
use super::{Link, Namespace, Removed, RouteSocket, classifier, links};
use crate::act::{Egress, Hook, Shape, ShapedInterface, Traffic};

/// The upper byte of the handles of our roots; the lower one is the act's.
const ROOTS: u16 = 0x5d00;
/// The same of what hangs on a divider.
const LEAVES: u16 = 0x5e00;
/// What the names of our own interfaces begin with.
const NAMES: &str = "sd5d";

/// The handle of an act's roots, by the act's number.
#[must_use]
pub const fn handle_of(act: u32) -> u16 {
    ROOTS | (act % 256) as u16
}

/// Whether a major number is of one of our handles.
#[must_use]
pub const fn is_ours(handle: u16) -> bool {
    matches!(handle & 0xff00, ROOTS | LEAVES)
}

/// Whether an interface is one that we made, by its name.
#[must_use]
pub fn is_our_interface(name: &str) -> bool {
    name.starts_with(NAMES)
}

const fn leaf_of(handle: u16) -> u16 {
    handle & 0x00ff | LEAVES
}

/// What is to be done on an interface.
#[derive(Clone, Copy, Debug)]
pub struct Shaping<'a> {
    /// Where the interface is.
    pub namespace: &'a Namespace,
    /// The major number of our roots, see [`handle_of`].
    pub handle: u16,
    /// Which packets.
    pub traffic: &'a Traffic,
    /// What becomes of them.
    pub discipline: &'a Discipline,
    /// Called after each step, where a test may want to stop.
    pub stepped: fn(),
}

/// Impairs the packets of an interface from now on, step by step; an error leaves the steps before
/// it, for [`remove`]. What is returned must be held until then, and ended first.
pub fn add(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    shaping: &Shaping<'_>,
) -> Result<Vec<Diversion>, AddError> {
    let mut held = Vec::new();
    if let Some(detour) = &interface.ingress {
        held.extend(ingress::add(socket, interface, detour, shaping)?);
    }
    match &interface.egress {
        Some(Egress::Detour(detour)) => held.push(cable::add(socket, interface, detour, shaping)?),
        Some(Egress::Root) => egress::add(socket, interface, shaping)?,
        None => {}
    }
    Ok(held)
}

/// Impairs other packets from now on: those of `shaping`, which describes less than everything, as
/// what [`add`] was given did; `held` is what that returned, perhaps among others.
pub fn aim(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    shaping: &Shaping<'_>,
    held: &mut [Diversion],
) -> Result<(), AddError> {
    for hook in [Hook::Ingress, Hook::Egress] {
        if let Some(held) = held.iter_mut().find(|held| held.is_of(interface, hook)) {
            held.aim(interface, shaping)?;
        }
    }
    if let Some(detour) = interface.ingress.as_ref().filter(|detour| !detour.tabled) {
        ingress::aim(socket, interface, detour, shaping)?;
    }
    if interface.egress == Some(Egress::Root) {
        egress::aim(socket, interface, shaping)?;
    }
    Ok(())
}

/// Takes away what [`add`] put there, whole or in part, and looks that it is gone.
pub fn remove(socket: &RouteSocket, interface: &ShapedInterface, handle: u16) -> Result<Removed> {
    // A way that cannot be freed is no reason to leave the other.
    let received =
        interface.ingress.as_ref().map(|it| ingress::remove(socket, interface, it, handle));
    let sent = interface.egress.as_ref().map(|egress| match egress {
        Egress::Detour(detour) => cable::remove(socket, detour),
        Egress::Root => egress::remove(socket, interface, handle),
    });
    Ok(summary(received.into_iter().chain(sent).collect::<Result<_>>()?))
}

/// The strangest of several.
#[must_use]
pub fn summary(removed: Vec<Removed>) -> Removed {
    let rank = |removed: &Removed| match removed {
        Removed::AlreadyGone => 0,
        Removed::Deleted => 1,
        Removed::NotOurs { .. } => 2,
    };
    removed.into_iter().max_by_key(rank).unwrap_or(Removed::AlreadyGone)
}

/// Our discipline for each direction of an interface, as the kernel has it; `None` where it is gone.
pub fn read(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    handle: u16,
) -> Result<Vec<Option<QdiscInfo>>> {
    let all = list_nameless(socket)?;
    let find = |index: u32| {
        let ours = [leaf_of(handle), handle];
        ours.iter().find_map(|handle| {
            let is = |info: &&QdiscInfo| info.ifindex == index && info.handle.major == *handle;
            all.iter().find(is).cloned()
        })
    };
    let mut found = Vec::new();
    if interface.egress == Some(Egress::Root) {
        found.push(find(interface.index));
    }
    let sent = match &interface.egress {
        Some(Egress::Detour(detour)) => Some(detour),
        _ => None,
    };
    for detour in sent.into_iter().chain(&interface.ingress) {
        let ours = diversion::link(socket, detour)?;
        found.push(ours.and_then(|link| find(link.index)));
    }
    Ok(found)
}

/// Tries in a scratch namespace, on its loopback, all that an act will need of the kernel. The error
/// names what is missing, or says that the filter is too long.
pub fn rehearse(shape: &Shape) -> Result<(), AddError> {
    let traffic = &with_any_addresses(&shape.traffic)?;
    if !diversion::possible()? {
        for hook in &traffic.hooks {
            classifier::check(traffic, *hook)?;
        }
    }
    let scratch = Namespace::create()?;
    let socket = RouteSocket::open(&scratch)?;
    let handle = handle_of(0);
    for link in links(&socket)?.into_iter().filter(|link| link.loopback) {
        let place = interfaces::Ways::here(&socket)?;
        let interface = interfaces::shaped(&link, traffic, handle, &place);
        let discipline = &Discipline::rehearsed(shape)?;
        let namespace = &scratch;
        let shaping = Shaping { namespace, handle, traffic, discipline, stepped: || {} };
        add(&socket, &interface, &shaping)?;
    }
    Ok(())
}

/// The packets with addresses of documentation (RFC 5737, RFC 3849) for names that nobody has
/// resolved yet.
fn with_any_addresses(traffic: &Traffic) -> Result<Traffic> {
    let mut traffic = traffic.clone();
    for flow in traffic.except.iter_mut().chain([&mut traffic.flow]) {
        for _ in &flow.hosts {
            for address in ["192.0.2.1", "2001:db8::1"] {
                flow.networks.push(address.parse().map_err(anyhow::Error::msg)?);
            }
        }
    }
    Ok(traffic)
}

/// Whether every packet on its way out matches.
fn is_all(traffic: &Traffic) -> bool {
    traffic.flow.is_any() && traffic.except.is_empty()
}

fn has(traffic: &Traffic, hook: Hook) -> bool {
    traffic.hooks.contains(&hook)
}

/// The longest packet of an interface with its link's header and a VLAN's tag, in bytes.
#[must_use]
pub const fn frame(link: &Link) -> u32 {
    link.mtu.saturating_add(18)
}
