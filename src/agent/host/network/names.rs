//! Peers that are named: resolved where the target lives before anything is touched, and followed
//! while the fault lasts.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Result;

use crate::act::{Act, Effect, Strength, Traffic};
use crate::sys::net::Namespace;
use crate::sys::net::resolve::{Follower, Resolver};
use crate::sys::process::Process;

/// The named peers of an act.
pub(in super::super) struct Named {
    /// The packets as they are described.
    described: Traffic,
    follower: Follower,
    /// Why the fault is not done to the addresses that were seen last.
    behind: Option<String>,
}

/// The packets of an act that may name peers.
const fn traffic_of(act: &Act) -> Option<&Traffic> {
    match act {
        Act::Filter(filter) => Some(&filter.traffic),
        Act::Shape(shape) => Some(&shape.traffic),
        Act::Cut(cut) => Some(&cut.traffic),
        Act::Proxy(proxy) => Some(&proxy.traffic),
        _ => None,
    }
}

/// Packets as they may be once their hosts have addresses, to try where nobody is what it takes.
pub(in super::super) fn rehearsed(traffic: &Traffic) -> Result<Traffic> {
    let addresses =
        BTreeSet::from([IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)]);
    let known = traffic.hosts().into_iter().map(|name| (name, addresses.clone())).collect();
    Ok(traffic.with_addresses(&known)?)
}

impl Named {
    /// Resolves the names of an act's peers, and follows them from now on; `None` if it has none.
    /// That a name cannot be resolved is an error. Changes nothing.
    pub(in super::super) fn resolve(
        process: &Process,
        namespace: &Namespace,
        act: &Act,
    ) -> Result<Option<Self>> {
        let Some(traffic) = traffic_of(act) else { return Ok(None) };
        let names = traffic.hosts();
        if names.is_empty() {
            return Ok(None);
        }
        let resolver = Resolver::open(process)?;
        let resolved = resolver.resolve(namespace, &names)?;
        let follower = Follower::start(namespace, resolver, resolved)?;
        Ok(Some(Self { described: traffic.clone(), follower, behind: None }))
    }

    /// The act with all addresses that are known.
    pub(in super::super) fn addressed(&self, act: &Act) -> Result<Act> {
        let mut act = act.clone();
        match &mut act {
            Act::Filter(filter) => filter.traffic = self.traffic()?,
            Act::Shape(shape) => shape.traffic = self.traffic()?,
            Act::Cut(cut) => cut.traffic = self.traffic()?,
            Act::Proxy(proxy) => proxy.traffic = self.traffic()?,
            _ => {}
        }
        Ok(act)
    }

    /// The packets with all addresses that are known.
    fn traffic(&self) -> Result<Traffic> {
        Ok(self.described.with_addresses(&self.follower.known().addresses)?)
    }

    /// The packets anew, if there are more addresses than before.
    pub(in super::super) fn news(&self) -> Option<Result<Traffic>> {
        self.follower.news().map(|_| self.traffic())
    }

    /// Notes whether the fault is done to all addresses.
    pub(in super::super) fn noted(&mut self, done: Result<()>) {
        self.behind = done.err().map(|error| format!("{error:#}"));
    }

    /// What an effect comes to for those who are named.
    pub(in super::super) fn effect(&self, effect: &Effect) -> Effect {
        let shown = self.follower.known().shown();
        match &self.behind {
            None => Effect {
                strength: effect.strength,
                evidence: format!("{}; {shown}", effect.evidence),
            },
            Some(reason) => Effect {
                strength: Strength::Absent,
                evidence: format!("not done to all of {shown}: {reason}"),
            },
        }
    }
}

impl AsFd for Named {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.follower.as_fd()
    }
}
