//! The expressions of a rule (`linux/netfilter/nf_tables.h`). All of them work on one register.

use super::super::attribute::Attributes;

/// `NFT_REG_VERDICT` and `NFT_REG_1`.
const VERDICT_REGISTER: u32 = 0;
const REGISTER: u32 = 1;
/// `NFTA_LIST_ELEM`.
pub(super) const LIST_ELEMENT: u16 = 1;
/// `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
const NAME: u16 = 1;
const DATA: u16 = 2;
/// `NFTA_DATA_VALUE`, `NFTA_DATA_VERDICT`.
const VALUE: u16 = 1;
const VERDICT: u16 = 2;
/// `NFT_OBJECT_COUNTER`.
pub(super) const COUNTER: u32 = 1;

/// What is known about a packet beside its bytes (`enum nft_meta_keys`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Meta {
    /// The Ethernet protocol.
    Protocol = 1,
    /// The mark.
    Mark = 3,
    /// The name of the interface that it came in by.
    InputName = 6,
    /// The name of the interface that it goes out by.
    OutputName = 7,
    /// The version of IP, as a family of netfilter.
    Family = 15,
    /// The protocol above IP.
    TransportProtocol = 16,
}

/// Where bytes are counted from (`enum nft_payload_bases`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Base {
    /// The IP header.
    Network = 1,
    /// The header of TCP, UDP or ICMP.
    Transport = 2,
}

/// How what is loaded is compared (`enum nft_cmp_ops`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Comparison {
    Equal = 0,
    Unequal = 1,
    Less = 2,
}

/// What becomes of a packet; negative numbers are `nf_tables`' own (`enum nft_verdicts`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// `NF_DROP`.
    Drop,
    /// `NFT_JUMP`: another chain, and back.
    Jump(&'static str),
    /// `NFT_GOTO`: another chain, and back to where this one was jumped to from.
    Goto(&'static str),
    /// `NFT_RETURN`: leaves this chain, and no other chain's decision is touched.
    Return,
}

impl Verdict {
    const fn code(self) -> i32 {
        match self {
            Self::Drop => 0,
            Self::Jump(_) => -3,
            Self::Goto(_) => -4,
            Self::Return => -5,
        }
    }

    fn encode(self) -> Attributes {
        // NFTA_VERDICT_CODE, NFTA_VERDICT_CHAIN.
        let code = Attributes::new().bytes(1, &self.code().to_be_bytes());
        match self {
            Self::Jump(chain) | Self::Goto(chain) => code.text(2, chain),
            Self::Drop | Self::Return => code,
        }
    }
}

/// How a packet is refused (`enum nft_reject_types`, `enum nft_reject_inet_code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refuse {
    /// By a reset of TCP.
    Reset,
    /// By ICMP: no such port.
    Port,
    /// By ICMP: no such host.
    Host,
}

/// What a queue of user space is given by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QueueBy {
    /// The expression of `nf_tables`.
    Expression,
    /// The target `NFQUEUE` of `iptables`, for kernels without the former.
    Target,
}

/// One expression. A test that fails ends the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// Loads something known about the packet.
    Meta(Meta),
    /// Loads bytes of the packet.
    Payload { base: Base, offset: u32, length: u32 },
    /// Loads bytes of IPv6's fragment header; fails where there is none.
    FragmentHeader { offset: u32, length: u32 },
    /// Loads the number of the socket's control group of this level.
    SocketGroup(u32),
    /// Loads a random number below this one, in the host's order.
    Random(u32),
    /// Loads the next number below this one, in the host's order.
    Sequence(u32),
    /// Loads a value.
    Load(Vec<u8>),
    /// Turns the 32 bits that are loaded into network order.
    NetworkOrder,
    /// Keeps these bits of what is loaded and turns those around.
    Bits { keep: Vec<u8>, turn: Vec<u8> },
    /// Sets the packet's mark to what is loaded.
    SetMark,
    /// Sets the zone of connection tracking, for the packets of the side that began, to what is
    /// loaded.
    SetZone,
    /// Compares what is loaded, byte by byte.
    Compare(Comparison, Vec<u8>),
    /// Tests whether what is loaded lies between these, both included.
    Between(Vec<u8>, Vec<u8>),
    /// Tests whether what is loaded is in the batch's set of this number.
    In(u32),
    /// Tests whether what is loaded is in the set of this name.
    InNamed(&'static str),
    /// Counts packets and bytes in the counter of this name.
    Count(&'static str),
    /// Answers and drops.
    Refuse(Refuse),
    /// Hands the packet to user space. When nobody listens it passes, or vanishes without `bypass`.
    Queue { by: QueueBy, first: u16, count: u16, bypass: bool },
    /// Sends the connection to the port that is loaded.
    Redirect,
    /// Sends the packet out of the interface whose index is loaded.
    Forward,
    /// Decides.
    Decide(Verdict),
}

impl Expression {
    /// Tests whether what is loaded equals this.
    pub(super) fn equal(value: impl Into<Vec<u8>>) -> Self {
        Self::Compare(Comparison::Equal, value.into())
    }

    /// The expression as an element of a rule's list.
    pub(super) fn encode(&self) -> Attributes {
        let (name, data) = match self {
            Self::Meta(_)
            | Self::Payload { .. }
            | Self::FragmentHeader { .. }
            | Self::SocketGroup(_)
            | Self::Random(_)
            | Self::Sequence(_)
            | Self::Load(_) => self.encode_load(),
            Self::NetworkOrder
            | Self::Bits { .. }
            | Self::SetMark
            | Self::SetZone
            | Self::Count(_) => self.encode_change(),
            Self::Compare(..) | Self::Between(..) | Self::In(_) | Self::InNamed(_) => {
                self.encode_test()
            }
            Self::Refuse(_)
            | Self::Queue { .. }
            | Self::Redirect
            | Self::Forward
            | Self::Decide(_) => self.encode_decision(),
        };
        Attributes::new().text(NAME, name).nest(DATA, &data)
    }

    fn encode_load(&self) -> (&'static str, Attributes) {
        let to = Attributes::new().be32(1, REGISTER);
        match self {
            Self::Meta(key) => ("meta", to.be32(2, *key as u32)),
            Self::Payload { base, offset, length } => {
                ("payload", to.be32(2, *base as u32).be32(3, *offset).be32(4, *length))
            }
            // IPPROTO_FRAGMENT is 44.
            Self::FragmentHeader { offset, length } => {
                ("exthdr", to.bytes(2, &[44]).be32(3, *offset).be32(4, *length))
            }
            // NFT_SOCKET_CGROUPV2 is 3; NFTA_SOCKET_KEY, _DREG, _LEVEL.
            Self::SocketGroup(level) => {
                ("socket", Attributes::new().be32(1, 3).be32(2, REGISTER).be32(3, *level))
            }
            // NFT_NG_RANDOM and NFT_NG_INCREMENTAL.
            Self::Random(below) => ("numgen", to.be32(2, *below).be32(3, 1)),
            Self::Sequence(below) => ("numgen", to.be32(2, *below).be32(3, 0)),
            Self::Load(value) => ("immediate", to.nest(2, &data(value))),
            _ => ("", to),
        }
    }

    fn encode_change(&self) -> (&'static str, Attributes) {
        let within = Attributes::new().be32(1, REGISTER).be32(2, REGISTER);
        match self {
            // NFT_BYTEORDER_HTON is 1.
            Self::NetworkOrder => ("byteorder", within.be32(3, 1).be32(4, 4).be32(5, 4)),
            Self::Bits { keep, turn } => {
                let length = u32::try_from(keep.len()).unwrap_or(u32::MAX);
                ("bitwise", within.be32(3, length).nest(4, &data(keep)).nest(5, &data(turn)))
            }
            // NFTA_META_KEY, NFTA_META_SREG.
            Self::SetMark => {
                ("meta", Attributes::new().be32(2, Meta::Mark as u32).be32(3, REGISTER))
            }
            // NFT_CT_ZONE in NFTA_CT_KEY, IP_CT_DIR_ORIGINAL in _DIRECTION, NFTA_CT_SREG.
            Self::SetZone => ("ct", Attributes::new().be32(2, 17).bytes(3, &[0]).be32(4, REGISTER)),
            Self::Count(counter) => ("objref", Attributes::new().be32(1, COUNTER).text(2, counter)),
            _ => ("", within),
        }
    }

    fn encode_test(&self) -> (&'static str, Attributes) {
        let of = Attributes::new().be32(1, REGISTER);
        match self {
            Self::Compare(how, value) => ("cmp", of.be32(2, *how as u32).nest(3, &data(value))),
            // NFT_RANGE_EQ is 0.
            Self::Between(from, to) => {
                ("range", of.be32(2, 0).nest(3, &data(from)).nest(4, &data(to)))
            }
            Self::In(set) => ("lookup", lookup(ANONYMOUS).be32(4, *set)),
            Self::InNamed(set) => ("lookup", lookup(set)),
            _ => ("", of),
        }
    }

    fn encode_decision(&self) -> (&'static str, Attributes) {
        match self {
            // NFT_REJECT_TCP_RST; NFT_REJECT_ICMPX_UNREACH with its codes.
            Self::Refuse(Refuse::Reset) => ("reject", Attributes::new().be32(1, 1)),
            Self::Refuse(Refuse::Port) => ("reject", Attributes::new().be32(1, 2).bytes(2, &[1])),
            Self::Refuse(Refuse::Host) => ("reject", Attributes::new().be32(1, 2).bytes(2, &[2])),
            Self::Queue { by: QueueBy::Expression, first, count, bypass } => {
                // NFTA_QUEUE_NUM, _TOTAL, and NFT_QUEUE_FLAG_BYPASS in _FLAGS.
                let [first, count, flags] =
                    [*first, *count, u16::from(*bypass)].map(u16::to_be_bytes);
                ("queue", Attributes::new().bytes(1, &first).bytes(2, &count).bytes(3, &flags))
            }
            Self::Queue { by: QueueBy::Target, first, count, bypass } => {
                // struct xt_NFQ_info_v3 with NFQ_FLAG_BYPASS, aligned to eight bytes.
                let info = [*first, *count, u16::from(*bypass), 0].map(u16::to_ne_bytes).concat();
                ("target", Attributes::new().text(1, "NFQUEUE").be32(2, 3).bytes(3, &info))
            }
            // NFTA_REDIR_REG_PROTO_MIN.
            Self::Redirect => ("redir", Attributes::new().be32(1, REGISTER)),
            // NFTA_FWD_SREG_DEV.
            Self::Forward => ("fwd", Attributes::new().be32(1, REGISTER)),
            Self::Decide(verdict) => {
                let verdict = Attributes::new().nest(VERDICT, &verdict.encode());
                ("immediate", Attributes::new().be32(1, VERDICT_REGISTER).nest(2, &verdict))
            }
            _ => ("", Attributes::new()),
        }
    }
}

/// The name of a set that belongs to one rule; the kernel puts a number in it.
pub(super) const ANONYMOUS: &str = "__set%d";

/// `NFTA_LOOKUP_SET`, `NFTA_LOOKUP_SREG`.
fn lookup(set: &str) -> Attributes {
    Attributes::new().text(1, set).be32(2, REGISTER)
}

/// A value as `NFTA_DATA_VALUE`.
pub(super) fn data(value: &[u8]) -> Attributes {
    Attributes::new().bytes(VALUE, value)
}

/// The value of the attribute `NFTA_RULE_EXPRESSIONS`.
pub(super) fn list(expressions: &[Expression]) -> Attributes {
    expressions
        .iter()
        .fold(Attributes::new(), |list, expression| list.nest(LIST_ELEMENT, &expression.encode()))
}
