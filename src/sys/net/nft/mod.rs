//! Packet filters in `nf_tables`, in tables that the kernel removes when their owner is gone
//! (`NFT_TABLE_F_OWNER`, Linux 5.12).
//!
//! What is received vanishes at the hook next to the wire (family `netdev`), before anything else
//! sees it. What is sent vanishes in the stack, in a queue that nobody reads ([`NOBODY`]), where the
//! kernel has such a thing: so nobody can tell it from loss on the way. Otherwise it vanishes next
//! to the wire, too (Linux 5.16), which TCP notices. Everything else is done in the stack (family
//! `inet`).

mod act_rules;
mod batch;
mod compile;
mod counters;
mod dialect;
mod expression;
mod flow;
mod interval;
mod lease;
mod listing;
mod owned_table;
mod plan;
mod program;
mod support;
mod table;
#[cfg(test)]
mod tests;

pub use compile::NOBODY;
pub use counters::Counters;
pub use lease::{LEASE, RENEWAL};
pub use listing::{TableInfo, delete_table, tables};
pub use owned_table::{MOST_NETWORKS, OwnedTable};
pub use plan::{Action, CgroupPath, Chance, Plan};
pub use support::{NftSupport, supported};
