//! A table that lives as long as this process holds it.

use std::cell::Cell;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::netlink::Netlink;
use super::super::{Namespace, Removed, RouteSocket, links};
use super::batch::Batch;
use super::compile::compile;
use super::counters::{self, Counters};
use super::dialect::Dialect;
use super::lease::{self, LEASE, RENEWAL};
use super::listing::{chains, list};
use super::plan::{Action, Plan};
use super::program::{Program, delete};
use super::table::Table;
use crate::act::Flow;
use crate::sys::clock::boottime;

/// How many addresses and networks one plan may name, exceptions included. More would take seconds
/// to put in place, and megabytes of the kernel's memory.
pub const MOST_NETWORKS: usize = 65_536;

/// A table, or one of this name for each of several families, owned by a socket of this process.
///
/// When the socket is closed, which SIGKILL does too, the kernel removes the table; the socket is
/// closed on exec, so that no child keeps it. Nobody else can change or delete the table, not even
/// by `nft flush ruleset`. Dropping this value closes the socket, but a child between its fork and
/// its exec still has a copy; [`OwnedTable::remove`] deletes the table at once and looks whether it
/// is gone.
///
/// Unless [`OwnedTable::renew`] is called every second or so, the table stops matching after five; one
/// that sends packets elsewhere does not.
///
/// What vanishes on its way in does so only at interfaces that were there at the start, or at the
/// last update; everything else is met at later ones, too.
#[derive(Debug)]
pub struct OwnedTable {
    netlink: Netlink,
    name: String,
    dialect: Dialect,
    tables: Vec<Table>,
    renewal: Cell<Duration>,
}

impl OwnedTable {
    /// Makes the table with all its rules at once, or nothing. What it never meets: ARP, IPv6
    /// neighbour discovery, everything that is not IP. An interface that does not exist, a host
    /// without an address, more than [`MOST_NETWORKS`], or a table of this name, is an error.
    pub fn create(namespace: &Namespace, name: &str, plan: &Plan<'_>) -> Result<Self> {
        let wires = wires(namespace, plan)?;
        check(plan)?;
        let (netlink, dialect) = (open(namespace)?, Dialect::here()?);
        let dialect = Dialect { leased: dialect.leased && !plan.action.forwards(), ..dialect };
        let tables = compile(plan, &wires, dialect);
        let mut program = Program::new(Batch::new(&netlink), name);
        for table in &tables {
            program.create(table);
        }
        program
            .finish()
            .commit()
            .with_context(|| format!("cannot filter packets in {}", namespace.id()))?;
        let renewal = Cell::new(boottime() + RENEWAL);
        Ok(Self { netlink, name: name.into(), dialect, tables, renewal })
    }

    /// Makes it do something else, at one moment, counters carried on. On an error it does what it
    /// did. What is done next to the wire cannot become what is done in the stack.
    pub fn update(&mut self, namespace: &Namespace, plan: &Plan<'_>) -> Result<()> {
        let wires = wires(namespace, plan)?;
        check(plan)?;
        let tables = compile(plan, &wires, self.dialect);
        let families =
            |tables: &[Table]| tables.iter().map(|table| table.family).collect::<Vec<_>>();
        ensure!(
            families(&tables) == families(&self.tables),
            "the table {} cannot do that after what it does now; remove it and make another",
            self.name
        );
        let mut program = Program::new(Batch::new(&self.netlink), &self.name);
        for (old, new) in self.tables.iter().zip(&tables) {
            program.change(old, new);
        }
        program
            .finish()
            .commit()
            .with_context(|| format!("cannot change the table {}", self.name))?;
        self.tables = tables;
        Ok(())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps it matching for five seconds more. That it had stopped to match meanwhile, since
    /// nobody had renewed it in time, is an error after which it matches again.
    pub fn renew(&self) -> Result<()> {
        let mut leased = self.tables.iter().filter(|table| table.is_leased()).peekable();
        let is_leased = leased.peek().is_some();
        if is_leased {
            let mut batch = Batch::new(&self.netlink);
            leased.for_each(|table| lease::renew(&mut batch, table.family, &self.name));
            batch.commit().with_context(|| format!("cannot renew the table {}", self.name))?;
        }
        let now = boottime();
        let since = (now + RENEWAL).saturating_sub(self.renewal.replace(now + RENEWAL));
        ensure!(!is_leased || since < LEASE, "nobody renewed it for {since:.1?}; packets passed");
        Ok(())
    }

    /// When it is to be renewed, by the clock [`boottime`].
    #[must_use]
    pub const fn renewal(&self) -> Duration {
        self.renewal.get()
    }

    /// What all its rules together have met so far.
    pub fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::default();
        for table in &self.tables {
            let one = counters::read(&self.netlink, table.family, &self.name)?;
            sum.matched += one.matched;
            sum.packets += one.packets;
            sum.bytes += one.bytes;
        }
        Ok(sum)
    }

    /// Whether the kernel has the table, owned by our socket, with all its chains.
    pub fn present(&self) -> Result<bool> {
        Ok(self.found()?.len() == self.tables.len() && self.has_chains()?)
    }

    /// Deletes the table and looks whether it is gone.
    pub fn remove(self) -> Result<Removed> {
        let found = self.found()?;
        if found.is_empty() {
            return Ok(Removed::AlreadyGone);
        }
        let mut batch = Batch::new(&self.netlink);
        for table in found {
            delete(&mut batch, table.family, &self.name);
        }
        batch.commit().with_context(|| format!("cannot delete the table {}", self.name))?;
        if !self.found()?.is_empty() {
            bail!("the table {} is still there after it was deleted", self.name);
        }
        Ok(Removed::Deleted)
    }

    /// Those of our tables that the kernel has, owned by our socket.
    fn found(&self) -> Result<Vec<&Table>> {
        let port = self.netlink.port();
        let listed = list(&self.netlink)?;
        let is = |table: &&Table| {
            listed.iter().any(|info| {
                info.family == table.family as u8
                    && info.name == self.name
                    && info.owned_by == Some(port)
            })
        };
        Ok(self.tables.iter().filter(is).collect())
    }

    /// The kernel deletes a chain next to the wire with its last interface.
    fn has_chains(&self) -> Result<bool> {
        for table in &self.tables {
            let found = chains(&self.netlink, table.family, &self.name)?;
            if table.chains.iter().any(|chain| !found.iter().any(|name| name == chain.name)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl AsFd for OwnedTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

/// The interfaces of a plan: those it names, or all but `lo`. From Linux 6.16 on the kernel takes
/// names of interfaces that do not exist yet; to us they are mistakes.
fn wires(namespace: &Namespace, plan: &Plan<'_>) -> Result<Vec<String>> {
    let links = links(&RouteSocket::open(namespace)?)?;
    let named = &plan.traffic.interfaces;
    if let Some(missing) = named.iter().find(|name| links.iter().all(|link| link.name != **name)) {
        let there: Vec<&str> = links.iter().map(|link| &*link.name).collect();
        bail!(
            "the target's network namespace has no interface `{missing}`; it has {}",
            there.join(", ")
        );
    }
    let answers = matches!(plan.action, Action::Reset | Action::Icmp);
    if answers && links.iter().any(|link| link.loopback && !link.up) {
        bail!("`lo` is down in {}, by which the target learns of a refusal", namespace.id());
    }
    if !named.is_empty() {
        return Ok(named.clone());
    }
    let wires: Vec<String> =
        links.into_iter().filter(|link| !link.loopback).map(|link| link.name).collect();
    let lo_counts = matches!(plan.action, Action::Divert { .. });
    ensure!(lo_counts || !wires.is_empty(), "{} has no interface but `lo`", namespace.id());
    Ok(wires)
}

/// What is wrong with a plan before the kernel is asked.
fn check(plan: &Plan<'_>) -> Result<()> {
    let traffic = plan.traffic;
    ensure!(!traffic.hooks.is_empty(), "packets that go neither way cannot be met");
    let flows = || std::iter::once(&traffic.flow).chain(&traffic.except);
    let unresolved = |flow: &&Flow| flow.networks.is_empty() && !flow.hosts.is_empty();
    if let Some(flow) = flows().find(unresolved) {
        bail!("no address is known of {}", flow.hosts.join(", "));
    }
    let networks: usize = flows().map(|flow| flow.networks.len()).sum();
    ensure!(
        networks <= MOST_NETWORKS,
        "{networks} addresses and networks are more than the {MOST_NETWORKS} one fault may name; \
         name larger networks"
    );
    Ok(())
}

/// A socket for `nf_tables`, bound to the namespace.
pub(super) fn open(namespace: &Namespace) -> Result<Netlink> {
    namespace
        .run_in(|| Netlink::open(NETLINK_NETFILTER))?
        .with_context(|| format!("cannot open a socket for nf_tables in {}", namespace.id()))
}
