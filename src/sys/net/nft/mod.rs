//! Packet filters in `nf_tables`, in a table that the kernel removes when its owner is gone
//! (`NFT_TABLE_F_OWNER`, Linux 5.12), at the hooks next to the wire (family `netdev`; its egress
//! hook is of Linux 5.16): there a dropped packet looks like one lost on the way, whereas at the
//! hook `output` the sender's own call would fail with EPERM.

mod batch;
mod expression;
mod filter;
mod interval;
mod listing;
mod owned_table;
mod program;
mod support;
#[cfg(test)]
mod tests;

pub use listing::{TableInfo, delete_table, tables};
pub use owned_table::{Counters, OwnedTable};
pub use support::{NftSupport, supported};
