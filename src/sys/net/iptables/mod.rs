//! Packet filters in chains of `iptables`, for kernels without owned tables of `nf_tables`.
//!
//! Class G: the chains stay when the agent dies and are deleted by their names, which the journal
//! has. The programs are this host's own, started in the target's network namespace; none is needed
//! where the target lives. All chains of a version of IP and of a table change at one moment
//! (`iptables-restore`), IPv4 before IPv6.

mod chains;
mod program;
mod rule;
mod ruleset;
#[cfg(test)]
mod tests;

pub use chains::{Chains, remove, supported};
