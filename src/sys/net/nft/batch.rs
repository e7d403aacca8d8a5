//! Messages of `nf_tables` (linux/netfilter/nfnetlink.h, `linux/netfilter/nf_tables.h`), and batches of
//! them, which the kernel carries out whole or not at all.

use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};

use super::super::attribute::Attributes;
use super::super::netlink::{Frame, Netlink, NetlinkError};
use super::table::Family;

/// Every family.
pub(super) const ANY_FAMILY: u8 = 0;

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
/// The length of `struct nlmsghdr` and `struct nfgenmsg` together.
pub(super) const HEADERS: usize = 20;
/// The length of `struct nfgenmsg`.
pub(super) const GENERAL: usize = 4;

/// What a message is about (`enum nf_tables_msg_types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Kind {
    NewTable = 0,
    GetTable = 1,
    DeleteTable = 2,
    NewChain = 3,
    GetChain = 4,
    DeleteChain = 5,
    NewRule = 6,
    DeleteRule = 8,
    NewSet = 9,
    NewSetElements = 12,
    DeleteSetElements = 14,
    NewObject = 18,
    GetObject = 19,
}

impl Kind {
    pub(super) const fn number(self) -> u16 {
        (SUBSYSTEM << 8) | self as u16
    }
}

/// A batch being written.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    netlink: &'a Netlink,
    bytes: Vec<u8>,
    first: u32,
    /// Where the last message begins.
    last_at: usize,
    last: u32,
}

impl<'a> Batch<'a> {
    pub(super) fn new(netlink: &'a Netlink) -> Self {
        let first = netlink.next_sequence();
        let bytes = edge(BATCH_BEGIN, first);
        Self { netlink, last_at: bytes.len(), bytes, first, last: first }
    }

    /// Adds a message about something of a family.
    pub(super) fn push(&mut self, family: Family, kind: Kind, flags: u16, attributes: &Attributes) {
        self.last = self.netlink.next_sequence();
        self.last_at = self.bytes.len();
        let header = Header {
            kind: kind.number(),
            flags: NLM_F_REQUEST | flags,
            sequence: self.last,
            family: family as u8,
            resource: 0,
        };
        self.bytes.extend(header.with(attributes));
    }

    /// Has the kernel carry it out; the first refusal ends it and nothing is changed.
    pub(super) fn commit(mut self) -> Result<(), NetlinkError> {
        // One acknowledgement, that of the last message, stands for all.
        let flags_at = self.last_at + 6;
        let flags = (flags_at..flags_at + 2).zip((NLM_F_REQUEST | NLM_F_ACK).to_ne_bytes());
        for (at, byte) in flags {
            if let Some(place) = self.bytes.get_mut(at) {
                *place |= byte;
            }
        }
        let end = self.netlink.next_sequence();
        self.bytes.extend(edge(BATCH_END, end));
        self.netlink.send(&self.bytes)?;
        self.netlink.answer(self.first, self.last).map(drop)
    }
}

/// Asks for all objects of a kind.
pub(super) fn dump(
    netlink: &Netlink,
    kind: Kind,
    family: u8,
    attributes: &Attributes,
) -> Result<Vec<Frame>, NetlinkError> {
    let sequence = netlink.next_sequence();
    let flags = NLM_F_REQUEST | NLM_F_DUMP;
    let header = Header { kind: kind.number(), flags, sequence, family, resource: 0 };
    netlink.send(&header.with(attributes))?;
    netlink.answer(sequence, sequence)
}

/// The headers of a message.
struct Header {
    kind: u16,
    flags: u16,
    sequence: u32,
    family: u8,
    resource: u16,
}

impl Header {
    fn with(&self, attributes: &Attributes) -> Vec<u8> {
        let length = u32::try_from(HEADERS + attributes.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(HEADERS + attributes.len());
        bytes.extend(length.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend(self.sequence.to_ne_bytes());
        bytes.extend(0u32.to_ne_bytes());
        // struct nfgenmsg: family, version (NFNETLINK_V0), resource.
        bytes.extend([self.family, 0]);
        bytes.extend(self.resource.to_be_bytes());
        bytes.extend(attributes.as_bytes());
        bytes
    }
}

/// The first or the last message of a batch.
fn edge(kind: u16, sequence: u32) -> Vec<u8> {
    Header { kind, flags: NLM_F_REQUEST, sequence, family: 0, resource: SUBSYSTEM }
        .with(&Attributes::new())
}
