//! Which tables there are, and whose.

use std::fmt;
use std::io;

use anyhow::{Context, Result, bail};

use super::super::attribute::{Attributes, be32, find, text};
use super::super::netlink::{Frame, Netlink};
use super::super::{Namespace, Removed};
use super::batch::{ANY_FAMILY, GENERAL, Kind, NETDEV, dump};
use super::owned_table::{delete, open};
use super::program::mark;

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
    pub(super) const fn is_netdev(&self) -> bool {
        self.family == NETDEV
    }

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

/// Deletes a table of ours that its owner left behind. The kernel removes an owner's table with
/// the owner, so there is hardly ever one; a table with a living owner, and one without our mark,
/// are left alone.
pub fn delete_table(namespace: &Namespace, name: &str) -> Result<Removed> {
    let netlink = open(namespace)?;
    let find = || -> Result<Option<TableInfo>> {
        Ok(list(&netlink)?.into_iter().find(|table| table.is_netdev() && table.name == name))
    };
    match find()? {
        None => return Ok(Removed::AlreadyGone),
        Some(table) if table.owned_by.is_some() || !table.ours => {
            return Ok(Removed::NotOurs { found: table.to_string() });
        }
        Some(_) => {}
    }
    let deleted = delete(&netlink, name);
    if find()?.is_none() {
        return Ok(Removed::Deleted);
    }
    deleted.with_context(|| format!("cannot delete the table {name}"))?;
    bail!("the table {name} is still there after it was deleted")
}
