//! Tables that lead packets of an interface through one of our own and, if they are sent, back.
//!
//! They are next to the wire (family `netdev`), so that putting them there and taking them away
//! touches no queueing discipline: an `ingress` or a `clsact` makes the kernel drop what is sent in
//! that moment, as a root does. They go with the agent.

use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use super::super::nft::{self, Action, OwnedTable, Plan};
use super::super::{Link, Mac, Namespace, RouteSocket, links, passage};
use super::{NAMES, Shaping};
use crate::act::{Flow, Hook, ShapedInterface, Traffic};

/// The bit of the mark of what comes back. Beyond `lo` and the interface's own root nobody sees it.
const MARK: u32 = 1 << 25;

/// What leads packets through an interface of our own, while it is held.
#[derive(Debug)]
pub struct Diversion {
    index: u32,
    hook: Hook,
    action: Action,
    entry: OwnedTable,
    /// Back to where they came from.
    exit: Option<OwnedTable>,
}

/// Whether this kernel has all that it takes, found out by trying, once.
pub(super) fn possible() -> Result<bool> {
    static POSSIBLE: OnceLock<bool> = OnceLock::new();
    if let Some(known) = POSSIBLE.get() {
        return Ok(*known);
    }
    let forward = Action::Forward { interface: 1, mark: None };
    let tables = nft::supported()?.missing_for(forward).is_none();
    let socket = RouteSocket::open(&Namespace::create()?)?;
    let cables = passage::add(&socket, "sd5d", super::super::random_mac(), 1500).is_ok();
    Ok(*POSSIBLE.get_or_init(|| tables && cables))
}

impl Diversion {
    /// Leads what an interface receives through `ifb`, which gives it back by itself.
    pub(super) fn received(
        interface: &ShapedInterface,
        shaping: &Shaping<'_>,
        ifb: &Link,
    ) -> Result<Self> {
        let action = Action::Forward { interface: ifb.index, mark: None };
        Self::new(interface, shaping, (Hook::Ingress, action), None)
    }

    /// Leads what an interface sends into the near end of a cable, and from the far end back.
    pub(super) fn sent(
        interface: &ShapedInterface,
        shaping: &Shaping<'_>,
        near: &Link,
    ) -> Result<Self> {
        let far = passage::far_end(&near.name);
        let back = Traffic {
            hooks: vec![Hook::Ingress],
            flow: Flow::default(),
            except: Vec::new(),
            interfaces: vec![far],
        };
        let action = Action::Return { interface: interface.index, mark: MARK };
        let plan = Plan { traffic: &back, action, cgroup: None, skip_mark: None };
        let exit = OwnedTable::create(shaping.namespace, &name(interface, shaping, "back"), &plan)?;
        (shaping.stepped)();
        let action = Action::Forward { interface: near.index, mark: Some(MARK) };
        Self::new(interface, shaping, (Hook::Egress, action), Some(exit))
    }

    fn new(
        interface: &ShapedInterface,
        shaping: &Shaping<'_>,
        (hook, action): (Hook, Action),
        exit: Option<OwnedTable>,
    ) -> Result<Self> {
        let traffic = at(interface, shaping.traffic, hook);
        let name = name(interface, shaping, if exit.is_some() { "out" } else { "in" });
        let entry = OwnedTable::create(shaping.namespace, &name, &plan(&traffic, action))?;
        (shaping.stepped)();
        Ok(Self { index: interface.index, hook, action, entry, exit })
    }

    /// Whether it is that of an interface and a direction.
    pub(super) fn is_of(&self, interface: &ShapedInterface, hook: Hook) -> bool {
        self.index == interface.index && self.hook == hook
    }

    /// Leads other packets there: each meets the old rules or the new ones.
    pub(super) fn aim(&mut self, interface: &ShapedInterface, shaping: &Shaping<'_>) -> Result<()> {
        let traffic = at(interface, shaping.traffic, self.hook);
        self.entry.update(shaping.namespace, &plan(&traffic, self.action))
    }

    /// Whether the kernel has it as it was put there.
    pub fn is_present(&self) -> Result<bool> {
        Ok(self.entry.present()? && self.exit.as_ref().map_or(Ok(true), OwnedTable::present)?)
    }

    /// Leads nothing there any more, from now on. What is underway still comes back, or would be
    /// dropped, as what waits will be.
    pub fn end(self) -> Result<()> {
        self.entry.remove()?;
        self.exit.map(OwnedTable::remove).transpose()?;
        Ok(())
    }
}

/// Makes sure that no other fault leads packets of this interface this way: what comes back from one
/// would meet the other, and then the first again.
pub(super) fn refuse_second(
    socket: &RouteSocket,
    interface: &ShapedInterface,
    ours: &str,
) -> Result<()> {
    let Some((_, tail)) = ours.split_once('-') else { return Ok(()) };
    let is = |link: &Link| {
        let same = link.name.split_once('-').is_some_and(|(_, other)| other == tail);
        link.name.starts_with(NAMES) && same
    };
    match links(socket)?.into_iter().find(is) {
        Some(found) => bail!(
            "another fault sends packets of {} through {} already; one interface can have one",
            interface.name,
            found.name
        ),
        None => Ok(()),
    }
}

/// The interface of our own, if it is there.
pub(super) fn link(socket: &RouteSocket, detour: &crate::act::Detour) -> Result<Option<Link>> {
    super::super::own_interface::ours(socket, &detour.interface, Mac(detour.mac))
}

/// The longest packet of an interface, in bytes.
pub(super) fn longest(socket: &RouteSocket, interface: &ShapedInterface) -> Result<u32> {
    let found = links(socket)?.into_iter().find(|link| link.index == interface.index);
    Ok(found.with_context(|| format!("interface {} is gone", interface.name))?.mtu)
}

const fn plan(traffic: &Traffic, action: Action) -> Plan<'_> {
    let skip_mark = match action {
        Action::Forward { mark, .. } => mark,
        _ => None,
    };
    Plan { traffic, action, cgroup: None, skip_mark }
}

fn at(interface: &ShapedInterface, traffic: &Traffic, hook: Hook) -> Traffic {
    let interfaces = vec![interface.name.clone()];
    Traffic { hooks: vec![hook], interfaces, ..traffic.clone() }
}

fn name(interface: &ShapedInterface, shaping: &Shaping<'_>, way: &str) -> String {
    format!("shakedown_{:x}_{}_{way}", shaping.handle, interface.index)
}
