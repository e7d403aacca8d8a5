//! What tables have met.

use anyhow::{Context, Result};

use super::super::attribute::{Attributes, be64, find, text};
use super::super::netlink::{Frame, Netlink};
use super::batch::{GENERAL, Kind, dump};
use super::compile::Names;
use super::table::Family;
use crate::act::Hook;

/// What a table has met so far, both ways together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Packets that matched.
    pub matched: u64,
    /// Packets to which something was done.
    pub packets: u64,
    /// Bytes of them, with their IP headers.
    pub bytes: u64,
}

/// Adds what the counters of a table say.
pub(super) fn read(netlink: &Netlink, family: Family, table: &str) -> Result<Counters> {
    // NFTA_OBJ_TABLE.
    let of_table = Attributes::new().text(1, table);
    let frames = dump(netlink, Kind::GetObject, family as u8, &of_table)
        .with_context(|| format!("cannot read the counters of the table {table}"))?;
    let found: Vec<(String, u64, u64)> =
        frames.iter().filter_map(|frame| counter(frame, table)).collect();
    let mut sum = Counters::default();
    for names in [Hook::Ingress, Hook::Egress].map(Names::of) {
        let of = |name: &str| found.iter().find(|(found, ..)| found == name);
        let Some((_, packets, bytes)) = of(names.acted) else { continue };
        sum.packets += packets;
        sum.bytes += bytes;
        sum.matched += of(names.matched).map_or(*packets, |(_, matched, _)| *matched);
    }
    Ok(sum)
}

/// The name, packets and bytes of a counter of the table.
fn counter(frame: &Frame, table: &str) -> Option<(String, u64, u64)> {
    let object = frame.payload.get(GENERAL..)?;
    // NFTA_OBJ_TABLE, _NAME, _DATA.
    if text(find(object, 1)?) != table {
        return None;
    }
    let data = find(object, 4)?;
    // NFTA_COUNTER_BYTES, NFTA_COUNTER_PACKETS.
    Some((text(find(object, 2)?), find(data, 2).and_then(be64)?, find(data, 1).and_then(be64)?))
}
