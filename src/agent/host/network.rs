//! Faults in a network namespace, and the run's own network.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::act::{Effect, Filter, NamespaceId, Reverted, Shape, Undo};
use crate::sys::net::netem::{self, Netem};
use crate::sys::net::nft::{self, OwnedTable};
use crate::sys::net::{
    Bridge, Leg, Link, Mac, Namespace, Removed, RouteSocket, Support, leave, links, snapshot,
};
use crate::sys::process::Process;

/// The upper byte of the handles of our queueing disciplines; the lower one is the act's.
const HANDLE: u16 = 0x5d00;

/// A packet filter in a namespace.
pub(super) struct Filtered {
    namespace: Namespace,
    table: OwnedTable,
    before: State,
}

/// Delayed interfaces in a namespace.
pub(super) struct Shaped {
    namespace: Namespace,
    interfaces: Vec<(u32, String)>,
    handle: u16,
    netem: Netem,
    before: State,
}

/// Queueing disciplines and tables of a namespace, in words.
type State = BTreeMap<String, String>;

/// The network namespace of a target, unless it is this host's: a fault there would hit everybody.
pub(super) fn namespace_of(process: &Process) -> Result<Namespace> {
    let namespace = Namespace::of_process(process.id().pid)?;
    // By its number it was found, and the number may have gone to another in between.
    if process.ended()? {
        bail!("process {} has ended", process.id());
    }
    if namespace.id() == Namespace::current()?.id() {
        bail!(
            "process {} shares this host's network; give its service `network: own`, or aim at a \
             process in a network namespace of its own",
            process.id()
        );
    }
    Ok(namespace)
}

/// Whether this kernel can filter packets so that the filter ends with its holder.
pub(super) fn check_filter() -> Result<()> {
    match nft::supported()?.missing() {
        None => Ok(()),
        Some(missing) => bail!(
            "this kernel cannot filter packets by an owned table: {missing}; `shakedown doctor` says more"
        ),
    }
}

/// Whether this kernel can delay packets.
pub(super) fn check_shape() -> Result<()> {
    match netem::supported()? {
        Support::Supported => Ok(()),
        Support::Missing { reason } => bail!(
            "this kernel cannot delay packets, it has no netem (sch_netem): {reason}; \
             `shakedown doctor` says more"
        ),
    }
}

/// The undo of a packet filter.
pub(super) fn undo_of_filter(namespace: &Namespace, table: String) -> Undo {
    Undo::DropTable { namespace: namespace.id(), table }
}

/// The undo of a delay: which interfaces, by index and name, and which handle will be ours.
pub(super) fn undo_of_shape(namespace: &Namespace, act: u32) -> Result<Undo> {
    let socket = RouteSocket::open(namespace)?;
    let interfaces =
        shaped_links(&socket)?.into_iter().map(|link| (link.index, link.name)).collect();
    let handle = HANDLE | u16::try_from(act % 256)?;
    Ok(Undo::Unshape { namespace: namespace.id(), interfaces, handle })
}

fn shaped_links(socket: &RouteSocket) -> Result<Vec<Link>> {
    let mut links = links(socket)?;
    links.retain(|link| !link.loopback);
    if links.is_empty() {
        bail!("the target's network namespace has no interface but `lo`");
    }
    Ok(links)
}

/// The leg of the run's network on this host: a name and an address that nobody else has.
pub(super) fn new_leg(run: &str) -> Leg {
    let tail = run.rsplit('-').next().unwrap_or(run);
    Leg { interface: format!("sd-{tail}"), mac: crate::sys::net::random_mac() }
}

/// The leg that an undo names.
pub(super) fn recorded_leg(interface: &str, mac: [u8; 6]) -> Leg {
    Leg { interface: interface.to_owned(), mac: Mac(mac) }
}

impl Filtered {
    /// Drops packets from now on.
    pub(super) fn start(namespace: Namespace, filter: &Filter, undo: &Undo) -> Result<Self> {
        let Undo::DropTable { table, .. } = undo else { bail!("the undo of a filter is none") };
        let before = state(&namespace)?;
        let names: Vec<String> = shaped_links(&RouteSocket::open(&namespace)?)?
            .into_iter()
            .map(|link| link.name)
            .collect();
        let table = OwnedTable::create(&namespace, table, &filter.rules, &names)?;
        crate::failpoint::hit("mid-apply");
        Ok(Self { namespace, table, before })
    }

    /// What it has dropped so far.
    pub(super) fn effect(&self) -> Result<Effect> {
        if !self.table.present()? {
            return Ok(Effect::absent("the table is gone"));
        }
        let counters = self.table.counters()?;
        Ok(match counters.packets {
            0 => Effect::pending("in place, no packet has met it yet"),
            1 => Effect::proved("1 packet dropped"),
            packets => Effect::proved(format!("{packets} packets dropped")),
        })
    }

    /// Lets packets pass, and looks that the namespace is as it was.
    pub(super) fn stop(self) -> Result<Reverted> {
        let removed = self.table.remove()?;
        crate::failpoint::hit("mid-undo");
        unchanged(&self.before, &self.namespace)?;
        Ok(reverted(removed))
    }
}

impl Shaped {
    /// Delays packets from now on; on an error no interface does.
    pub(super) fn start(namespace: Namespace, shape: &Shape, undo: &Undo) -> Result<Self> {
        let Undo::Unshape { interfaces, handle, .. } = undo else {
            bail!("the undo of a delay is none")
        };
        let before = state(&namespace)?;
        let netem = Netem::from(shape);
        let shaped =
            Self { namespace, interfaces: interfaces.clone(), handle: *handle, netem, before };
        match shaped.add_all() {
            Ok(()) => Ok(shaped),
            Err(error) => {
                remove_all(&shaped.namespace, interfaces, *handle)?;
                Err(error)
            }
        }
    }

    fn add_all(&self) -> Result<()> {
        let socket = RouteSocket::open(&self.namespace)?;
        for (index, name) in &self.interfaces {
            netem::add(&socket, *index, self.handle, &self.netem)
                .with_context(|| format!("cannot delay the packets of {name}"))?;
            crate::failpoint::hit("mid-apply");
        }
        Ok(())
    }

    /// What has gone through it so far, by what the kernel says it does.
    pub(super) fn effect(&self) -> Result<Effect> {
        let socket = RouteSocket::open(&self.namespace)?;
        let (mut packets, mut drops) = (0, 0);
        for (index, name) in &self.interfaces {
            let Some(state) = netem::read(&socket, *index, self.handle)? else {
                return Ok(Effect::absent(format!("{name} is not delayed any more")));
            };
            if !state.parameters.agree(&self.netem) {
                return Ok(Effect::absent(format!("{name} is delayed otherwise than asked")));
            }
            packets += state.packets;
            drops += state.drops;
        }
        Ok(match (packets, drops) {
            (_, 1..) => {
                Effect::absent(format!("{drops} packets were lost: the queue is too short"))
            }
            (0, _) => Effect::pending("in place, no packet has met it yet"),
            (packets, _) => Effect::proved(format!("{packets} packets delayed, none lost")),
        })
    }

    /// Takes the delay away, and looks that the namespace is as it was.
    pub(super) fn stop(self) -> Result<Reverted> {
        let reverted = remove_all(&self.namespace, &self.interfaces, self.handle)?;
        unchanged(&self.before, &self.namespace)?;
        Ok(reverted)
    }
}

/// Deletes a table that a dead agent made.
pub(super) fn drop_table(id: NamespaceId, table: &str) -> Result<Reverted> {
    match Namespace::find(id)? {
        Some(namespace) => Ok(reverted(nft::delete_table(&namespace, table)?)),
        None => Ok(Reverted::AlreadyGone),
    }
}

/// Takes a delay away that a dead agent set.
pub(super) fn unshape(
    id: NamespaceId,
    interfaces: &[(u32, String)],
    handle: u16,
) -> Result<Reverted> {
    match Namespace::find(id)? {
        Some(namespace) => remove_all(&namespace, interfaces, handle),
        None => Ok(Reverted::AlreadyGone),
    }
}

/// Removes the run's network, by whoever made it.
pub(super) fn leave_network(bridge: Option<Bridge>, leg: &Leg) -> Result<Reverted> {
    let host = Namespace::current()?;
    let removed = match bridge {
        Some(bridge) => bridge.remove(&host)?,
        None => leave(&host, leg)?,
    };
    Ok(reverted(removed))
}

fn remove_all(
    namespace: &Namespace,
    interfaces: &[(u32, String)],
    handle: u16,
) -> Result<Reverted> {
    let socket = RouteSocket::open(namespace)?;
    let mut all = Reverted::AlreadyGone;
    for (index, _) in interfaces {
        let one = reverted(netem::delete(&socket, *index, handle)?);
        crate::failpoint::hit("mid-undo");
        if one != Reverted::AlreadyGone && !matches!(all, Reverted::NotOurs { .. }) {
            all = one;
        }
    }
    Ok(all)
}

fn reverted(removed: Removed) -> Reverted {
    match removed {
        Removed::Deleted => Reverted::Restored,
        Removed::AlreadyGone => Reverted::AlreadyGone,
        Removed::NotOurs { found } => Reverted::NotOurs { found },
    }
}

/// What is not ours: another act of a run may begin before this one and end before it.
fn state(namespace: &Namespace) -> Result<State> {
    let mut state = snapshot(namespace)?;
    state.retain(|key, value| !is_ours(key, value));
    state.retain(|key, _| key.starts_with("qdisc") || key.starts_with("table"));
    Ok(state)
}

/// Tables by their name; of a queueing discipline the value begins with its kind and its handle.
fn is_ours(key: &str, value: &str) -> bool {
    let ours = |handle: u16| handle & 0xff00 == HANDLE;
    let handle = value.split(' ').nth(1).and_then(|handle| handle.strip_suffix(':'));
    let handle = handle.and_then(|handle| u16::from_str_radix(handle, 16).ok());
    match key.split(' ').collect::<Vec<_>>().as_slice() {
        ["table", _, name] => name.starts_with("shakedown_"),
        ["qdisc", ..] => value.starts_with("netem ") && handle.is_some_and(ours),
        _ => false,
    }
}

/// What was there before must be there as it was; what somebody added meanwhile is theirs.
fn unchanged(before: &State, namespace: &Namespace) -> Result<()> {
    let after = state(namespace)?;
    match before.iter().find(|(key, value)| after.get(*key) != Some(value)) {
        None => Ok(()),
        Some((key, value)) => {
            let now = after.get(key).map_or("gone", String::as_str);
            bail!("{key} was `{value}` before and is `{now}` now")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_acts_set_up_is_no_part_of_the_state_before() {
        assert!(is_ours("table 5 shakedown_20261120_103039_7988_3", "flags 2 owner 24458"));
        assert!(is_ours("qdisc eth0 root", "netem 5d01: delay 250ms"));
        for (key, value) in [
            ("table 1 filter", "flags 0"),
            ("qdisc eth0 root", "netem 8001: delay 250ms"),
            ("qdisc eth0 root", "tbf 5d01: "),
            ("qdisc eth0 root", "noqueue 0: "),
        ] {
            assert!(!is_ours(key, value), "{key} {value}");
        }
    }
}
