//! Which tables there are, and whose.

use std::fmt;
use std::io;

use anyhow::{Context, Result, bail};

use super::super::attribute::{Attributes, be32, find, text};
use super::super::netlink::{Frame, Netlink};
use super::super::{Namespace, Removed};
use super::batch::{ANY_FAMILY, Batch, GENERAL, Kind, dump};
use super::owned_table::open;
use super::program::{delete, mark};
use super::table::Family;

/// `NFTA_TABLE_NAME`, `NFTA_TABLE_FLAGS`, `NFTA_TABLE_USERDATA`, `NFTA_TABLE_OWNER`.
const NAME: u16 = 1;
const FLAGS: u16 = 2;
const USERDATA: u16 = 6;
const OWNER: u16 = 7;

/// A table of `nf_tables`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// The number of its family (`NFPROTO_*`, linux/netfilter.h).
    pub family: u8,
    /// Its name.
    pub name: String,
    /// The port of the netlink socket that owns it, usually the owner's process number.
    pub owned_by: Option<u32>,
    /// Its flags (`enum nft_table_flags`).
    pub flags: u32,
    /// Whether it carries our mark.
    pub ours: bool,
}

impl TableInfo {
    const fn family_name(&self) -> &'static str {
        match self.family {
            1 => "inet",
            2 => "ip",
            3 => "arp",
            5 => "netdev",
            7 => "bridge",
            10 => "ip6",
            _ => "unknown",
        }
    }
}

impl fmt::Display for TableInfo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "table {} {}", self.family_name(), self.name)?;
        match self.owned_by {
            Some(port) => write!(formatter, " owned by the process at netlink port {port}"),
            None => Ok(()),
        }
    }
}

/// All tables of all families in a namespace. A kernel without `nf_tables` has none.
pub fn tables(namespace: &Namespace) -> Result<Vec<TableInfo>> {
    match open(namespace) {
        Err(error) if is_unknown(&error) => Ok(Vec::new()),
        opened => list(&opened?),
    }
}

pub(super) fn list(netlink: &Netlink) -> Result<Vec<TableInfo>> {
    match dump(netlink, Kind::GetTable, ANY_FAMILY, &Attributes::new()) {
        Ok(frames) => Ok(frames.iter().filter_map(read).collect()),
        // What nfnetlink answers for a subsystem that the kernel does not have.
        Err(error) if error.errno() == Some(libc::EINVAL) => Ok(Vec::new()),
        Err(error) => Err(error).context("cannot list the tables of nf_tables"),
    }
}

/// The names of a table's chains.
pub(super) fn chains(netlink: &Netlink, family: Family, table: &str) -> Result<Vec<String>> {
    // NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME.
    let of_table = Attributes::new().text(1, table);
    let frames = dump(netlink, Kind::GetChain, family as u8, &of_table)
        .with_context(|| format!("cannot list the chains of the table {table}"))?;
    let name = |frame: &Frame| {
        let chain = frame.payload.get(GENERAL..)?;
        (text(find(chain, 1)?) == table).then(|| find(chain, 3).map(text)).flatten()
    };
    Ok(frames.iter().filter_map(name).collect())
}

/// Whether the kernel knows no netfilter sockets at all.
fn is_unknown(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.and_then(io::Error::raw_os_error) == Some(libc::EPROTONOSUPPORT)
}

fn read(frame: &Frame) -> Option<TableInfo> {
    let (general, table) = frame.payload.split_at_checked(GENERAL)?;
    Some(TableInfo {
        family: *general.first()?,
        name: text(find(table, NAME)?),
        owned_by: find(table, OWNER).and_then(be32),
        flags: find(table, FLAGS).and_then(be32).unwrap_or(0),
        ours: find(table, USERDATA) == Some(&mark()),
    })
}

/// Deletes the tables of this name, of whichever families we make any in, that their owner left
/// behind. The kernel removes an owner's tables with the owner, so there is hardly ever one; a
/// table with a living owner, and one without our mark, are left alone.
pub fn delete_table(namespace: &Namespace, name: &str) -> Result<Removed> {
    let netlink = open(namespace)?;
    let find = || -> Result<Vec<TableInfo>> {
        let ours = |table: &TableInfo| table.name == name && Family::of(table.family).is_some();
        Ok(list(&netlink)?.into_iter().filter(ours).collect())
    };
    let found = find()?;
    if found.is_empty() {
        return Ok(Removed::AlreadyGone);
    }
    if let Some(other) = found.iter().find(|table| table.owned_by.is_some() || !table.ours) {
        return Ok(Removed::NotOurs { found: other.to_string() });
    }
    let mut batch = Batch::new(&netlink);
    for family in found.iter().filter_map(|table| Family::of(table.family)) {
        delete(&mut batch, family, name);
    }
    let deleted = batch.commit();
    if find()?.is_empty() {
        return Ok(Removed::Deleted);
    }
    deleted.with_context(|| format!("cannot delete the table {name}"))?;
    bail!("the table {name} is still there after it was deleted")
}
