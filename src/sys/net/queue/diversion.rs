//! Packets led into queues and out of them again.

use std::time::Duration;

use anyhow::Result;

use super::super::nft::{CgroupPath, OwnedTable, Plan};
use super::super::{Namespace, Removed};
use super::emulation::{Emulation, MARK};
use super::figures::Figures;
use crate::act::{Hook, Impairment, Traffic};

/// The rules that lead packets into queues, and what serves these.
#[derive(Debug)]
pub struct Diversion {
    table: OwnedTable,
    emulation: Emulation,
    traffic: Traffic,
    group: Option<CgroupPath>,
}

impl Diversion {
    /// Impairs packets from now on, by a table with this name.
    pub fn start(
        namespace: &Namespace,
        table: &str,
        traffic: &Traffic,
        impairment: &Impairment,
    ) -> Result<Self> {
        Self::of_group(namespace, table, traffic, impairment, None)
    }

    /// The same for the packets of a control group's sockets only, if one is given.
    pub fn of_group(
        namespace: &Namespace,
        table: &str,
        traffic: &Traffic,
        impairment: &Impairment,
        group: Option<CgroupPath>,
    ) -> Result<Self> {
        let emulation = Emulation::start(namespace, &traffic.hooks, impairment)?;
        let plan = plan(traffic, &emulation, group.as_ref());
        let table = OwnedTable::create(namespace, table, &plan)?;
        Ok(Self { table, emulation, traffic: traffic.clone(), group })
    }

    /// Does it to other packets from now on, with no moment in between.
    pub fn aim_at(&mut self, namespace: &Namespace, traffic: &Traffic) -> Result<()> {
        self.table.update(namespace, &plan(traffic, &self.emulation, self.group.as_ref()))?;
        self.traffic = traffic.clone();
        Ok(())
    }

    /// What has been done so far.
    #[must_use]
    pub fn figures(&self) -> Figures {
        self.emulation.figures()
    }

    /// Whether the kernel has the table.
    pub fn present(&self) -> Result<bool> {
        self.table.present()
    }

    /// Keeps the table matching, see [`OwnedTable::renew`].
    pub fn renew(&self) -> Result<()> {
        self.table.renew()
    }

    /// When the table is to be renewed.
    #[must_use]
    pub const fn renewal(&self) -> Duration {
        self.table.renewal()
    }

    /// Lets packets pass, those that are held first, until [`Diversion::resume`]: the kernel drops
    /// what any queue of a namespace holds when any chain there is removed.
    pub fn suspend(&mut self, namespace: &Namespace) -> Result<()> {
        self.lead_nobody(namespace)?;
        self.emulation.drain(namespace)
    }

    /// Goes on after [`Diversion::suspend`].
    pub fn resume(&mut self, namespace: &Namespace) -> Result<()> {
        self.emulation.work();
        let plan = plan(&self.traffic, &self.emulation, self.group.as_ref());
        self.table.update(namespace, &plan)
    }

    fn lead_nobody(&mut self, namespace: &Namespace) -> Result<()> {
        self.emulation.pass();
        let nothing = self.traffic.nothing();
        let plan = plan(&nothing, &self.emulation, self.group.as_ref());
        self.table.update(namespace, &plan)
    }

    /// Lets packets pass, those that are held first, and looks whether everything is gone. No
    /// packet is lost; the last few that are in the queue may be overtaken by the first that are
    /// not.
    pub fn remove(mut self, namespace: &Namespace) -> Result<(Removed, Figures)> {
        // The kernel drops what is queued when a chain is removed, so that the rules go first, then
        // the last packets through the queue, and the chains at the end. Where the rules cannot be
        // changed, the table must go all the same.
        let _ = self.lead_nobody(namespace);
        let figures = self.emulation.finish(namespace)?;
        Ok((self.table.remove()?, figures))
    }
}

fn plan<'a>(
    traffic: &'a Traffic,
    emulation: &Emulation,
    cgroup: Option<&'a CgroupPath>,
) -> Plan<'a> {
    let sends = traffic.hooks.contains(&Hook::Egress);
    let skip_mark = sends.then_some(MARK);
    Plan { traffic, action: emulation.action(), cgroup, skip_mark }
}
