//! Messages of the kernel's packet queue (`linux/netfilter/nfnetlink_queue.h`).

use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST};

use super::super::attribute::{Attributes, attributes, be32};

/// `NFNL_SUBSYS_QUEUE`, shifted to where a message's type has it.
const SUBSYSTEM: u16 = 3 << 8;
/// `enum nfqnl_msg_types`.
const PACKET: u16 = SUBSYSTEM;
const VERDICT: u16 = SUBSYSTEM | 1;
const CONFIG: u16 = SUBSYSTEM | 2;
const VERDICT_BATCH: u16 = SUBSYSTEM | 3;
/// `NLMSG_ERROR`.
const ERROR: u16 = 2;
/// The lengths of `struct nlmsghdr` and of that with `struct nfgenmsg`.
const HEADER: usize = 16;
const HEADERS: usize = 20;

/// `enum nfqnl_attr_type`.
const PACKET_HEADER: u16 = 1;
const VERDICT_HEADER: u16 = 2;
const MARK: u16 = 3;
const OUT_DEVICE: u16 = 6;
const PAYLOAD: u16 = 10;
const WHOLE_LENGTH: u16 = 13;

/// `enum nfqnl_attr_config`.
const COMMAND: u16 = 1;
const PARAMETERS: u16 = 2;
const LONGEST_QUEUE: u16 = 3;
const FLAGS_MASK: u16 = 4;
const FLAGS: u16 = 5;

/// `NFQA_CFG_F_FAIL_OPEN`: when the queue is full, packets pass.
pub(super) const FAIL_OPEN: u32 = 1;
/// `NFQA_CFG_F_GSO`: packets that the kernel has put together stay together, and checksums may be
/// unfinished.
pub(super) const WHOLE: u32 = 4;

/// What becomes of a packet (`NF_DROP`, `NF_ACCEPT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Verdict {
    Drop = 0,
    Accept = 1,
}

/// What the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A packet waits for its verdict.
    Packet(Packet<'a>),
    /// A verdict was refused, with this errno.
    Refused(i32),
}

/// A packet that waits for its verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// Counts up from 1 in each queue, also for packets that did not fit into our socket.
    pub(super) id: u32,
    /// Where it was met (`enum nf_inet_hooks`).
    pub(super) hook: u8,
    /// Its mark.
    pub(super) mark: u32,
    /// The interface that it leaves by, 0 when it does not.
    pub(super) device: u32,
    /// Its length, also when not all of it was copied.
    pub(super) length: usize,
    /// What was copied, from the IP header on.
    pub(super) payload: &'a [u8],
}

/// The message of a datagram, of which the kernel sends one in each; `None` for other messages.
pub(super) fn parse(datagram: &[u8]) -> Option<Message<'_>> {
    let (header, rest) = datagram.split_first_chunk::<HEADER>()?;
    let [_, _, _, _, kind_low, kind_high, ..] = *header;
    match u16::from_ne_bytes([kind_low, kind_high]) {
        PACKET => packet(datagram.get(HEADERS..)?).map(Message::Packet),
        ERROR => {
            let code = i32::from_ne_bytes(*rest.first_chunk::<4>()?);
            (code < 0).then_some(Message::Refused(-code))
        }
        _ => None,
    }
}

fn packet(body: &[u8]) -> Option<Packet<'_>> {
    let mut packet = Packet { id: 0, hook: 0, mark: 0, device: 0, length: 0, payload: &[] };
    let mut whole = None;
    for (kind, value) in attributes(body) {
        match kind {
            // struct nfqnl_msg_packet_hdr: number, protocol of the link, hook.
            PACKET_HEADER => {
                packet.id = value.get(..4).and_then(be32)?;
                packet.hook = *value.get(6)?;
            }
            MARK => packet.mark = be32(value)?,
            OUT_DEVICE => packet.device = be32(value)?,
            PAYLOAD => packet.payload = value,
            WHOLE_LENGTH => whole = be32(value),
            _ => {}
        }
    }
    packet.length = match whole {
        Some(length) => usize::try_from(length).ok()?,
        None => packet.payload.len(),
    };
    (packet.id != 0).then_some(packet)
}

/// How a queue is set up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    /// [`FAIL_OPEN`] and [`WHOLE`].
    pub(super) flags: u32,
    /// How many packets may wait.
    pub(super) longest: u32,
    /// How many bytes of each packet are copied.
    pub(super) copied: u32,
}

/// Asks for a queue of our own.
pub(super) fn bind(queue: u16, sequence: u32) -> Vec<u8> {
    // NFQNL_CFG_CMD_BIND, padding, and a protocol family that no kernel looks at any more.
    message(CONFIG, queue, (sequence, NLM_F_ACK), &Attributes::new().bytes(COMMAND, &[1, 0, 0, 0]))
}

/// Sets a queue up.
pub(super) fn set_up(queue: u16, sequence: u32, setup: &Setup) -> Vec<u8> {
    // NFQNL_COPY_PACKET.
    let parameters = [&setup.copied.to_be_bytes()[..], &[2]].concat();
    let attributes = Attributes::new()
        .bytes(PARAMETERS, &parameters)
        .be32(LONGEST_QUEUE, setup.longest)
        .be32(FLAGS_MASK, FAIL_OPEN | WHOLE)
        .be32(FLAGS, setup.flags);
    message(CONFIG, queue, (sequence, NLM_F_ACK), &attributes)
}

fn message(kind: u16, queue: u16, (sequence, flags): (u32, u16), body: &Attributes) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADERS + body.len());
    write(&mut bytes, kind, queue, (sequence, flags), body);
    bytes
}

fn write(
    bytes: &mut Vec<u8>,
    kind: u16,
    queue: u16,
    (sequence, flags): (u32, u16),
    body: &Attributes,
) {
    let length = u32::try_from(HEADERS + body.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend(0u32.to_ne_bytes());
    // struct nfgenmsg: AF_UNSPEC, NFNETLINK_V0, the queue's number.
    bytes.extend([0, 0]);
    bytes.extend(queue.to_be_bytes());
    bytes.extend(body.as_bytes());
}

/// Verdicts on packets of one queue, written one after another for one system call.
#[derive(Debug)]
pub(super) struct Verdicts {
    queue: u16,
    bytes: Vec<u8>,
    /// The last verdict and where it begins, if it is one on all packets up to one.
    last: Option<(Verdict, usize)>,
}

impl Verdicts {
    pub(super) const fn new(queue: u16) -> Self {
        Self { queue, bytes: Vec::new(), last: None }
    }

    /// Decides on one packet.
    pub(super) fn one(&mut self, id: u32, verdict: Verdict) {
        self.last = None;
        self.write(VERDICT, &header(id, verdict));
    }

    /// Decides on a packet and all before it that are not decided on yet.
    pub(super) fn up_to(&mut self, id: u32, verdict: Verdict) {
        let begin = match self.last {
            Some((last, begin)) if last == verdict => begin,
            _ => self.bytes.len(),
        };
        self.bytes.truncate(begin);
        self.write(VERDICT_BATCH, &header(id, verdict));
        self.last = Some((verdict, begin));
    }

    /// Lets a packet pass with other bytes than it came with.
    pub(super) fn changed(&mut self, id: u32, payload: &[u8]) {
        self.last = None;
        self.write(VERDICT, &header(id, Verdict::Accept).bytes(PAYLOAD, payload));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.last = None;
    }

    fn write(&mut self, kind: u16, body: &Attributes) {
        write(&mut self.bytes, kind, self.queue, (0, 0), body);
    }
}

fn header(id: u32, verdict: Verdict) -> Attributes {
    let (verdict, id) = ((verdict as u32).to_be_bytes(), id.to_be_bytes());
    Attributes::new().bytes(VERDICT_HEADER, &[verdict, id].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn received(body: &Attributes) -> Vec<u8> {
        message(PACKET, 7, (0, 0), body)
    }

    #[test]
    fn a_packet_is_read() {
        let body = Attributes::new()
            .bytes(PACKET_HEADER, &[0, 0, 0, 9, 8, 0, 3])
            .be32(MARK, 5)
            .be32(OUT_DEVICE, 2)
            .be32(WHOLE_LENGTH, 1500)
            .bytes(PAYLOAD, &[0x45, 0, 0]);
        let expected =
            Packet { id: 9, hook: 3, mark: 5, device: 2, length: 1500, payload: &[0x45, 0, 0] };
        assert_eq!(parse(&received(&body)), Some(Message::Packet(expected)));
    }

    #[test]
    fn a_refusal_is_read() {
        let mut bytes = message(ERROR, 0, (0, 0), &Attributes::new());
        bytes.splice(HEADER.., (-libc::ENOENT).to_ne_bytes());
        assert_eq!(parse(&bytes), Some(Message::Refused(libc::ENOENT)));
    }

    #[test]
    fn verdicts_up_to_a_packet_are_joined() {
        let mut verdicts = Verdicts::new(7);
        verdicts.up_to(1, Verdict::Accept);
        verdicts.up_to(2, Verdict::Accept);
        assert_eq!(verdicts.bytes().len(), 32);
        verdicts.up_to(3, Verdict::Drop);
        verdicts.one(9, Verdict::Drop);
        verdicts.up_to(4, Verdict::Drop);
        assert_eq!(verdicts.bytes().len(), 4 * 32);
    }

    proptest! {
        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = parse(&bytes);
            let _ = packet(&bytes);
        }
    }
}
