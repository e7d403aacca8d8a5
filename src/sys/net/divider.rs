//! What divides the packets that an interface sends into those of a fault and all others, at its
//! root: `prio`, and where the kernel lacks that, `htb`.

use std::iter::repeat_n;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcHandle, TcMessage};

use super::attribute::Attributes;
use super::qdisc::{self, AddError, Place};
use super::tbf::rate_spec;
use super::{NetlinkError, RouteSocket};

/// The kinds that a divider can be of.
pub(super) const KINDS: [&str; 2] = [PRIO, HTB];

const PRIO: &str = "prio";
const HTB: &str = "htb";
/// The class of the packets of the fault. In `prio` it is the second band, and the priomap sends
/// nothing there by itself; in `htb` it is the only class, and what belongs to none is sent at once.
const FAULT: u16 = 2;
/// `TC_PRIO_MAX + 1`, the length of a priomap.
const PRIORITIES: usize = 16;

const TCA_HTB_PARMS: u16 = 1;
const TCA_HTB_INIT: u16 = 2;
const TCA_HTB_DIRECT_QLEN: u16 = 5;
const TCA_HTB_RATE64: u16 = 6;
const TCA_HTB_CEIL64: u16 = 7;
/// The version of its parameters.
const HTB_VERSION: u32 = 3;
/// Bytes per second of the class of `htb`, which is to limit nothing: 1 Tbit/s.
const UNLIMITED: u64 = 125_000_000_000;
/// How many packets wait beside the fault, where the interface does not say.
const QUEUE: u32 = 1000;

/// The class of the packets of the fault, below a divider with this handle.
pub(super) const fn fault_class(handle: u16) -> TcHandle {
    TcHandle { major: handle, minor: FAULT }
}

/// Puts a divider at the root of an interface. Until there is a filter every packet goes beside the
/// fault, through a queue as long as that of the interface, `queue_length`, in packets.
pub(super) fn add(
    socket: &RouteSocket,
    place: &Place<'_>,
    queue_length: u32,
) -> Result<(), AddError> {
    match qdisc::add_root(socket, place, PRIO, &prio()) {
        Err(AddError::Refused { cause: NetlinkError::Refused(refusal), .. })
            if refusal.errno == libc::ENOENT =>
        {
            let htb = htb(queue_length);
            // That prio is not there is what matters if htb is not there either.
            qdisc::add(socket, place, HTB, &htb)
                .map_err(|error| as_of(place, "prio and no htb", error))?;
            add_class(socket, place)
        }
        Ok(()) if queue_length == 0 => {
            let first = TcHandle { major: place.handle, minor: 1 };
            let beside = Place { parent: first, handle: 0, ..*place };
            qdisc::add(socket, &beside, "pfifo", &QUEUE.to_ne_bytes())
        }
        done => done,
    }
}

fn as_of(place: &Place<'_>, what: &str, error: AddError) -> AddError {
    match error {
        AddError::Refused { cause, .. } => qdisc::refused(place, what, cause),
        error => error,
    }
}

/// `struct tc_prio_qopt`: the number of bands and the priomap. Every priority is in the first band:
/// with the default priomap those of the TOS field would choose the fault's (`ping -Q 0x10`).
fn prio() -> Vec<u8> {
    u32::from(FAULT).to_ne_bytes().into_iter().chain(repeat_n(0, PRIORITIES)).collect()
}

fn htb(queue_length: u32) -> Vec<u8> {
    let queue_length = if queue_length == 0 { QUEUE } else { queue_length };
    // struct tc_htb_glob: version, rate2quantum, defcls (0 for none), debug, direct_pkts.
    let init: Vec<u8> = [HTB_VERSION, 10, 0, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
    let all = Attributes::new()
        .bytes(TCA_HTB_INIT, &init)
        .bytes(TCA_HTB_DIRECT_QLEN, &queue_length.to_ne_bytes());
    all.as_bytes().to_vec()
}

fn add_class(socket: &RouteSocket, place: &Place<'_>) -> Result<(), AddError> {
    let index = i32::try_from(place.ifindex).map_err(anyhow::Error::from)?;
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle { major: place.handle, minor: 0 };
    message.header.handle = fault_class(place.handle);
    let rate = rate_spec(u32::MAX);
    // buffer, cbuffer (both in ticks of 64 ns: a second), quantum (bytes), level, prio.
    let (second, quantum) = (1_000_000_000_u32 >> 6, 200_000_u32);
    let rest: Vec<u8> =
        [second, second, quantum, 0, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
    let options = Attributes::new()
        .bytes(TCA_HTB_PARMS, &[&rate[..], &rate, &rest].concat())
        .bytes(TCA_HTB_RATE64, &UNLIMITED.to_ne_bytes())
        .bytes(TCA_HTB_CEIL64, &UNLIMITED.to_ne_bytes());
    message.attributes = qdisc::attributes(HTB, options.as_bytes());
    socket
        .change(RouteNetlinkMessage::NewTrafficClass(message), NLM_F_CREATE | NLM_F_EXCL)
        .map_err(|cause| qdisc::refused(place, "class of htb", cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_priority_reaches_the_fault_by_itself() {
        let options = prio();
        assert_eq!(options.len(), 20);
        assert_eq!(options[..4], 2u32.to_ne_bytes());
        assert!(options[4..].iter().all(|band| *band == 0));
    }
}
