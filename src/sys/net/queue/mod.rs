//! Network emulation in user space, for kernels without `sch_netem`: the kernel queues packets to us
//! (NFQUEUE, `net/netfilter/nfnetlink_queue.c`), and we decide on each when its moment has come.
//!
//! What is received waits in the kernel for our verdict: before the local stack has seen it, it is
//! nobody's. What is sent would count against its sender's buffer as long as it waits, which stops
//! a sender that real delays do not: netem makes such packets nobody's first (`skb_orphan_partial`).
//! So what must wait is copied, dropped (its sender is not told), and the copy is sent at its
//! moment through a raw socket. What does not wait passes as it is.
//!
//! When this process ends, its queues do, and a rule with "bypass" lets packets pass; those held at
//! that moment are lost, as in a router that is switched off.

#![cfg_attr(test, expect(clippy::cast_precision_loss, reason = "what tests count is small"))]

mod bucket;
mod chance;
mod delays;
mod distribution;
mod diversion;
mod emulation;
mod emulator;
mod figures;
mod inbox;
mod injector;
mod lane;
mod loss;
mod message;
mod parcel;
mod proc_file;
mod schedule;
mod socket;
mod support;
#[cfg(test)]
mod tests;
mod worker;

pub use diversion::Diversion;
pub use emulation::refuse_impossible;
pub use figures::Figures;
pub use support::supported;
