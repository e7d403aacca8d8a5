//! Packets that are dropped or refused by chains of `iptables`.

use anyhow::Result;

use super::filtered::described;
use super::{State, reverted, state, unchanged};
use crate::act::{Effect, NamespaceId, Reverted, Traffic};
use crate::sys::net::Namespace;
use crate::sys::net::iptables::{self, Chains};
use crate::sys::net::nft::{Action, Plan};

/// A packet filter of `iptables` in a namespace.
pub(in super::super) struct Chained {
    namespace: Namespace,
    name: String,
    chains: Chains,
    action: Action,
    before: State,
}

impl Chained {
    /// Drops, refuses or loses packets from now on.
    pub(in super::super) fn start(
        namespace: Namespace,
        traffic: &Traffic,
        action: Action,
        name: &str,
    ) -> Result<Self> {
        let before = state(&namespace)?;
        let plan = Plan { traffic, action, cgroup: None, skip_mark: None };
        let chains = Chains::create(&namespace, name, &plan)?;
        crate::failpoint::hit("mid-apply");
        Ok(Self { namespace, name: name.to_owned(), chains, action, before })
    }

    /// What it has done so far.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        if !self.chains.present(&self.namespace)? {
            return Ok(Effect::absent("the chains are gone, or nothing leads to them"));
        }
        Ok(described(self.action, self.chains.counters(&self.namespace)?))
    }

    /// Lets packets pass, and looks that the namespace is as it was.
    pub(in super::super) fn stop(self) -> Result<Reverted> {
        let removed = iptables::remove(&self.namespace, &self.name)?;
        crate::failpoint::hit("mid-undo");
        unchanged(&self.before, &self.namespace)?;
        Ok(reverted(removed))
    }
}

/// Deletes chains that a dead agent made.
pub(in super::super) fn remove_chains(id: NamespaceId, chains: &str) -> Result<Reverted> {
    match Namespace::find(id)? {
        Some(namespace) => Ok(reverted(iptables::remove(&namespace, chains)?)),
        None => Ok(Reverted::AlreadyGone),
    }
}
