//! The kernel's classifier by classic BPF (tc-bpf(8), `net/sched/cls_bpf.c`), which tells the packets
//! of a fault from all others.

mod assembler;
mod program;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage};

use super::attribute::{Attributes, find, text};
use super::qdisc::{self, AddError, Place};
use super::{NetlinkError, RouteSocket};
use crate::act::{Hook, Traffic};
use assembler::Instruction;

const KIND: &str = "bpf";
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_BPF_ACT: u16 = 1;
const TCA_BPF_CLASSID: u16 = 3;
const TCA_BPF_OPS_LEN: u16 = 4;
const TCA_BPF_OPS: u16 = 5;
const TCA_ACT_KIND: u16 = 1;
const TCA_ACT_OPTIONS: u16 = 2;
const TCA_MIRRED_PARMS: u16 = 2;
/// Of `linux/tc_act/tc_mirred.h` and `linux/pkt_cls.h`.
const TCA_EGRESS_REDIR: u32 = 1;
const TC_ACT_STOLEN: u32 = 4;
/// The place of our filter among others, and the protocols it sees: all (`ETH_P_ALL`).
const PRIORITY: u32 = 1;
const ETH_P_ALL: u16 = 3;
/// The handle that the kernel gives the first filter of a priority (`cls_bpf_change`).
const FIRST: TcHandle = TcHandle { major: 0, minor: 1 };
/// The length of `struct tcmsg`.
const TCMSG: usize = 20;
/// The first half of the mark that a filter of ours begins with; the other is the handle.
const MARK: u32 = 0x5d0b_0000;

/// The filters of an ingress queueing discipline hang on this, whatever its own handle.
pub(super) const INGRESS: TcHandle = TcHandle { major: u16::MAX, minor: TcHandle::MIN_INGRESS };

/// Where the packets go that a filter matches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal {
    /// Into a class of the queueing discipline that the filter is at.
    Class(TcHandle),
    /// Out of another interface, by its index.
    Interface(u32),
}

/// Makes sure that the kernel would take a filter for this traffic, as far as its length goes.
pub(super) fn check(traffic: &Traffic, hook: Hook) -> Result<()> {
    program::compile(traffic, hook, 0).map(drop)
}

/// Puts a filter at a queueing discipline, whose handle `place` has as its parent. `place.handle` is
/// ours, by which the filter is known again.
pub(super) fn add(
    socket: &RouteSocket,
    place: &Place<'_>,
    (traffic, hook): (&Traffic, Hook),
    goal: Goal,
) -> Result<(), AddError> {
    let message = filter(place, (traffic, hook), goal)?;
    socket
        .change(RouteNetlinkMessage::NewTrafficFilter(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|cause| qdisc::refused(place, missing(goal, &cause), cause))
}

/// Has our filter, which [`add`] put there, match other packets from now on: each packet meets the
/// old one or the new one.
pub(super) fn replace(
    socket: &RouteSocket,
    place: &Place<'_>,
    (traffic, hook): (&Traffic, Hook),
    goal: Goal,
) -> Result<(), AddError> {
    let mut message = filter(place, (traffic, hook), goal)?;
    message.header.handle = FIRST;
    socket
        .change(RouteNetlinkMessage::NewTrafficFilter(message), 0)
        .map_err(|cause| qdisc::refused(place, missing(goal, &cause), cause))
}

fn filter(place: &Place<'_>, (traffic, hook): (&Traffic, Hook), goal: Goal) -> Result<TcMessage> {
    let program = program::compile(traffic, hook, mark(place.handle))?;
    let mut message = message(place)?;
    message.header.info = PRIORITY << 16 | u32::from(ETH_P_ALL.to_be());
    message.attributes = qdisc::attributes(KIND, options(&program, goal).as_bytes());
    Ok(message)
}

/// What a refusal is about: the kernel names a missing action, but not a missing classifier.
fn missing(goal: Goal, cause: &NetlinkError) -> &'static str {
    match (goal, cause) {
        (Goal::Interface(_), NetlinkError::Refused(refusal))
            if refusal.words.as_deref().is_some_and(|words| words.contains("action")) =>
        {
            "act_mirred"
        }
        _ => "filter (cls_bpf)",
    }
}

/// The filters at a queueing discipline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filters {
    /// Whether ours is among them.
    pub(super) ours: bool,
    /// The kinds of all others.
    pub(super) others: Vec<String>,
}

/// Lists the filters at a queueing discipline; `place` as in [`add`].
pub(super) fn list(socket: &RouteSocket, place: &Place<'_>) -> Result<Filters> {
    let frames = socket
        .dump_raw(&RouteNetlinkMessage::GetTrafficFilter(message(place)?))
        .with_context(|| format!("cannot list the filters of {}", place.interface))?;
    let mut filters = Filters::default();
    for frame in frames {
        let Some(attributes) = frame.get(TCMSG..) else { continue };
        // A filter comes with one frame for its priority and one for each of its entries.
        let Some(options) = find(attributes, TCA_OPTIONS) else { continue };
        let kind = find(attributes, TCA_KIND).map(text).unwrap_or_default();
        let ops = find(options, TCA_BPF_OPS).filter(|_| kind == KIND).unwrap_or_default();
        if ops.get(4..8) == Some(&mark(place.handle).to_ne_bytes()) {
            filters.ours = true;
        } else {
            filters.others.push(kind);
        }
    }
    Ok(filters)
}

/// Deletes our filter, which [`list`] has seen, and no other.
pub(super) fn delete(socket: &RouteSocket, place: &Place<'_>) -> Result<()> {
    let mut message = message(place)?;
    message.header.info = PRIORITY << 16 | u32::from(ETH_P_ALL.to_be());
    message.attributes = vec![TcAttribute::Kind(KIND.into())];
    socket
        .change(RouteNetlinkMessage::DelTrafficFilter(message), 0)
        .with_context(|| format!("cannot delete our filter of {}", place.interface))
}

const fn mark(handle: u16) -> u32 {
    MARK | handle as u32
}

fn message(place: &Place<'_>) -> Result<TcMessage> {
    let mut message = TcMessage::with_index(i32::try_from(place.ifindex)?);
    message.header.parent = place.parent;
    Ok(message)
}

fn options(program: &[Instruction], goal: Goal) -> Attributes {
    let length = u16::try_from(program.len()).unwrap_or(u16::MAX);
    let operations: Vec<u8> = program.iter().copied().flat_map(operation).collect();
    let all = Attributes::new()
        .bytes(TCA_BPF_OPS_LEN, &length.to_ne_bytes())
        .bytes(TCA_BPF_OPS, &operations);
    match goal {
        Goal::Class(class) => all.bytes(TCA_BPF_CLASSID, &u32::from(class).to_ne_bytes()),
        Goal::Interface(index) => {
            let first = 1;
            all.nest(TCA_BPF_ACT, &Attributes::new().nest(first, &redirect(index)))
        }
    }
}

/// `struct sock_filter`.
fn operation(instruction: Instruction) -> [u8; 8] {
    let [c0, c1] = instruction.code.to_ne_bytes();
    let [k0, k1, k2, k3] = instruction.operand.to_ne_bytes();
    [c0, c1, instruction.if_true, instruction.if_false, k0, k1, k2, k3]
}

/// The action that sends a packet out of another interface instead.
fn redirect(index: u32) -> Attributes {
    // struct tc_mirred: index, capab, action, refcnt, bindcnt, eaction, ifindex.
    let parameters: Vec<u8> = [0, 0, TC_ACT_STOLEN, 0, 0, TCA_EGRESS_REDIR, index]
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let options = Attributes::new().bytes(TCA_MIRRED_PARMS, &parameters);
    Attributes::new().text(TCA_ACT_KIND, "mirred").nest(TCA_ACT_OPTIONS, &options)
}
