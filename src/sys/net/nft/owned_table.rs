//! A table that lives as long as this process holds it.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context, Result, bail, ensure};
use netlink_sys::protocols::NETLINK_NETFILTER;

use super::super::attribute::{Attributes, attributes, be64, find, text};
use super::super::netlink::{Frame, Netlink, NetlinkError};
use super::super::{Namespace, Removed, RouteSocket, links};
use super::batch::{Batch, GENERAL, Kind, NETDEV, dump};
use super::expression::{DATA, NAME};
use super::listing::list;
use super::program::{Program, named};
use crate::act::FilterRule;

/// `NFTA_RULE_TABLE`, `NFTA_RULE_EXPRESSIONS`.
const RULE_TABLE: u16 = 1;
const RULE_EXPRESSIONS: u16 = 4;
/// `NFTA_COUNTER_BYTES`, `NFTA_COUNTER_PACKETS`.
const COUNTER_BYTES: u16 = 1;
const COUNTER_PACKETS: u16 = 2;

/// What a table has dropped so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// A table of the family `netdev` that drops packets, owned by a socket of this process.
///
/// When the socket is closed, which SIGKILL does too, the kernel removes the table; the socket is
/// closed on exec, so that no child keeps it. Nobody else can change or delete the table, not even
/// by `nft flush ruleset`. Dropping this value closes the socket, but a child between its fork and
/// its exec still has a copy; [`OwnedTable::remove`] deletes the table at once and looks whether it
/// is gone.
///
/// Only the interfaces named at the start are covered, not those that appear later.
#[derive(Debug)]
pub struct OwnedTable {
    netlink: Netlink,
    name: String,
}

impl OwnedTable {
    /// Makes the table with all its rules at once, or nothing. What it never drops: ARP, IPv6
    /// neighbour discovery, everything that is not IP. An interface that does not exist, or a table
    /// of this name, is an error.
    pub fn create(
        namespace: &Namespace,
        name: &str,
        rules: &[FilterRule],
        interfaces: &[String],
    ) -> Result<Self> {
        ensure!(!rules.is_empty(), "a packet filter without rules drops nothing");
        ensure!(!interfaces.is_empty(), "{} has no interface to filter", namespace.id());
        refuse_missing(namespace, interfaces)?;
        let table = Self { netlink: open(namespace)?, name: name.into() };
        Program::new(Batch::new(&table.netlink), name)
            .fill(rules, interfaces)
            .commit()
            .with_context(|| {
                let interfaces = interfaces.join(", ");
                format!("cannot filter packets of {interfaces} in {}", namespace.id())
            })?;
        Ok(table)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What all its rules together have dropped so far.
    pub fn counters(&self) -> Result<Counters> {
        let filter = Attributes::new().text(RULE_TABLE, &self.name);
        let rules = dump(&self.netlink, Kind::GetRule, NETDEV, &filter)
            .with_context(|| format!("cannot read the counters of the table {}", self.name))?;
        let mut sum = Counters::default();
        for one in rules.iter().filter_map(|rule| counter(rule, &self.name)) {
            sum.packets += one.packets;
            sum.bytes += one.bytes;
        }
        Ok(sum)
    }

    /// Whether the kernel has the table, owned by our socket.
    pub fn present(&self) -> Result<bool> {
        let port = self.netlink.port();
        Ok(list(&self.netlink)?.iter().any(|table| {
            table.is_netdev() && table.name == self.name && table.owned_by == Some(port)
        }))
    }

    /// Deletes the table and looks whether it is gone.
    pub fn remove(self) -> Result<Removed> {
        if !self.present()? {
            return Ok(Removed::AlreadyGone);
        }
        delete(&self.netlink, &self.name)
            .with_context(|| format!("cannot delete the table {}", self.name))?;
        if self.present()? {
            bail!("the table {} is still there after it was deleted", self.name);
        }
        Ok(Removed::Deleted)
    }
}

impl AsFd for OwnedTable {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.netlink.as_fd()
    }
}

/// From Linux 6.16 on the kernel takes names of interfaces that do not exist yet; to us they are
/// mistakes.
fn refuse_missing(namespace: &Namespace, interfaces: &[String]) -> Result<()> {
    let links = links(&RouteSocket::open(namespace)?)?;
    let missing = interfaces.iter().find(|name| links.iter().all(|link| link.name != **name));
    match missing {
        Some(name) => bail!("there is no interface {name} in {}", namespace.id()),
        None => Ok(()),
    }
}

/// A socket for `nf_tables`, bound to the namespace.
pub(super) fn open(namespace: &Namespace) -> Result<Netlink> {
    namespace
        .run_in(|| Netlink::open(NETLINK_NETFILTER))?
        .with_context(|| format!("cannot open a socket for nf_tables in {}", namespace.id()))
}

pub(super) fn delete(netlink: &Netlink, table: &str) -> Result<(), NetlinkError> {
    let mut batch = Batch::new(netlink);
    batch.push(Kind::DeleteTable, 0, &named(table));
    batch.commit()
}

/// The counter of a rule of the table; `None` for other tables' rules and rules without one.
fn counter(rule: &Frame, table: &str) -> Option<Counters> {
    let rule = rule.payload.get(GENERAL..)?;
    if text(find(rule, RULE_TABLE)?) != table {
        return None;
    }
    attributes(find(rule, RULE_EXPRESSIONS)?).find_map(|(_, expression)| {
        let name = find(expression, NAME)?;
        let data = find(expression, DATA)?;
        (text(name) == "counter").then(|| {
            let number = |kind| find(data, kind).and_then(be64).unwrap_or(0);
            Counters { packets: number(COUNTER_PACKETS), bytes: number(COUNTER_BYTES) }
        })
    })
}
