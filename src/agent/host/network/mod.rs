//! Faults in a network namespace, and the run's own network.

mod chained;
mod dns;
mod filtered;
mod names;
mod proxied;
mod queued;
mod reset;
mod shaped;
mod share;

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::act::{ActId, NamespaceId, Reverted, Undo};
use crate::spec::Engine;
use crate::sys::net::nft;
use crate::sys::net::{
    Bridge, Leg, Mac, Namespace, Removed, RouteSocket, leave, links, shaping, snapshot,
};
use crate::sys::process::Process;
pub(super) use chained::{Chained, remove_chains};
pub(super) use dns::{Misnamed, check_dns, release_dns, undo_of_dns};
pub(super) use filtered::{Filtered, action_of, check_filter, loss_of};
pub(super) use names::Named;
pub(super) use proxied::{Proxied, check_proxy};
pub(super) use queued::{Queued, check_queue};
pub(super) use reset::{Reset, check_cut};
pub(super) use shaped::{Shaped, check_shape, undo_of_shape, unshape};
pub(super) use share::{Place, Share};

/// Queueing disciplines and tables of a namespace, in words.
type State = BTreeMap<String, String>;

/// The network namespace of a target.
pub(super) fn namespace_of(process: &Process) -> Result<Namespace> {
    let namespace = Namespace::of_process(process.id().pid)?;
    // By its number it was found, and the number may have gone to another in between.
    if process.ended()? {
        bail!("process {} has ended", process.id());
    }
    Ok(namespace)
}

/// Whether it is this host's own: that of this process, or that of the first one.
pub(super) fn is_host(namespace: &Namespace) -> Result<bool> {
    let first = Namespace::of_process(1).ok();
    let is = |other: &Namespace| other.id() == namespace.id();
    Ok(is(&Namespace::current()?) || first.as_ref().is_some_and(is))
}

/// The undo of a packet filter.
pub(super) fn undo_of_filter(namespace: &Namespace, engine: Engine, run: &str, id: ActId) -> Undo {
    let namespace = namespace.id();
    if engine == Engine::Iptables {
        return Undo::RemoveChains { namespace, chains: format!("SD_{run}_{id}") };
    }
    Undo::DropTable { namespace, table: format!("shakedown_{}_{id}", run.replace('-', "_")) }
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

/// Deletes a table that a dead agent made.
pub(super) fn drop_table(id: NamespaceId, table: &str) -> Result<Reverted> {
    match Namespace::find(id)? {
        Some(namespace) => Ok(reverted(nft::delete_table(&namespace, table)?)),
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
    let interface = |key: &str| key.strip_prefix("link ").is_some_and(shaping::is_our_interface);
    let detours = state.keys().any(|key| interface(key));
    state.retain(|key, value| !is_ours(key, value, detours));
    state.retain(|key, _| key.starts_with("qdisc") || key.starts_with("table"));
    Ok(state)
}

/// Tables by their name; queueing disciplines by their handle, with which the value begins after the
/// kind, or as those of an interface of ours, or as what leads to one.
fn is_ours(key: &str, value: &str, detours: bool) -> bool {
    let handle = value.split(' ').nth(1).and_then(|handle| handle.strip_suffix(':'));
    let handle = handle.and_then(|handle| u16::from_str_radix(handle, 16).ok());
    match key.split(' ').collect::<Vec<_>>().as_slice() {
        ["table", _, name] => name.starts_with("shakedown_"),
        ["qdisc", name, ..] if shaping::is_our_interface(name) => true,
        ["qdisc", _, "ingress"] => detours,
        ["qdisc", ..] => handle.is_some_and(shaping::is_ours),
        _ => false,
    }
}

/// What was there before must be there as it was; what somebody added meanwhile is theirs, and so
/// is that they took an interface away.
fn unchanged(before: &State, namespace: &Namespace) -> Result<()> {
    let after = state(namespace)?;
    let links = links(&RouteSocket::open(namespace)?)?;
    let is_there = |key: &str| match key.split(' ').collect::<Vec<_>>().as_slice() {
        ["qdisc", name, ..] => links.iter().any(|link| link.name == *name),
        _ => true,
    };
    let mut known = before.iter().filter(|(key, _)| is_there(key));
    match known.find(|(key, value)| after.get(*key) != Some(value)) {
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
        for (key, value) in [
            ("table 5 shakedown_20261120_103039_7988_3", "flags 2 owner 24458"),
            ("qdisc eth0 root", "netem 5d01: delay 250ms"),
            ("qdisc eth0 parent 5d01:2", "tbf 5e01: "),
            ("qdisc sd5d01-2 root", "noqueue 0: "),
            ("qdisc eth0 ingress", "ingress ffff: "),
        ] {
            assert!(is_ours(key, value, true), "{key} {value}");
        }
        for (key, value) in [
            ("table 1 filter", "flags 0"),
            ("qdisc eth0 root", "netem 8001: delay 250ms"),
            ("qdisc eth0 ingress", "ingress ffff: "),
            ("qdisc eth0 root", "noqueue 0: "),
        ] {
            assert!(!is_ours(key, value, false), "{key} {value}");
        }
    }
}
