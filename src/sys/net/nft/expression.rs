//! The expressions of a rule (`linux/netfilter/nf_tables.h`). All of them work on one register.

use super::super::attribute::Attributes;

/// `NFT_REG_VERDICT` and `NFT_REG_1`.
const VERDICT_REGISTER: u32 = 0;
const REGISTER: u32 = 1;
/// `NFTA_LIST_ELEM`.
pub(super) const LIST_ELEMENT: u16 = 1;
/// `NFTA_EXPR_NAME`, `NFTA_EXPR_DATA`.
pub(super) const NAME: u16 = 1;
pub(super) const DATA: u16 = 2;
/// `NFTA_DATA_VALUE`, `NFTA_DATA_VERDICT`.
pub(super) const VALUE: u16 = 1;
const VERDICT: u16 = 2;

/// What is known about a packet beside its bytes (`enum nft_meta_keys`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Meta {
    /// The Ethernet protocol.
    Protocol = 1,
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

/// What becomes of a packet; negative numbers are `nf_tables`' own (`enum nft_verdicts`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Verdict {
    /// `NF_DROP`.
    Drop = 0,
    /// `NFT_RETURN`: leaves this chain, and no other chain's decision is touched.
    Return = -5,
}

/// One expression. A test that fails ends the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// Loads something known about the packet.
    Meta(Meta),
    /// Loads bytes of the packet.
    Payload { base: Base, offset: u32, length: u32 },
    /// Tests whether what is loaded equals this.
    Equal(Vec<u8>),
    /// Tests whether what is loaded lies between these, both included.
    Between(Vec<u8>, Vec<u8>),
    /// Tests whether what is loaded is in the batch's set of this number.
    In(u32),
    /// Counts packets and bytes.
    Counter,
    /// Decides.
    Decide(Verdict),
}

impl Expression {
    /// The expression as an element of a rule's list.
    pub(super) fn encode(&self) -> Attributes {
        let (name, data) = match self {
            Self::Meta(key) => ("meta", Attributes::new().be32(1, REGISTER).be32(2, *key as u32)),
            Self::Payload { base, offset, length } => (
                "payload",
                Attributes::new()
                    .be32(1, REGISTER)
                    .be32(2, *base as u32)
                    .be32(3, *offset)
                    .be32(4, *length),
            ),
            Self::Equal(value) => (
                "cmp",
                // NFT_CMP_EQ is 0.
                Attributes::new().be32(1, REGISTER).be32(2, 0).nest(3, &data(value)),
            ),
            Self::Between(from, to) => (
                "range",
                // NFT_RANGE_EQ is 0.
                Attributes::new()
                    .be32(1, REGISTER)
                    .be32(2, 0)
                    .nest(3, &data(from))
                    .nest(4, &data(to)),
            ),
            Self::In(set) => {
                ("lookup", Attributes::new().text(1, ANONYMOUS).be32(2, REGISTER).be32(4, *set))
            }
            Self::Counter => ("counter", Attributes::new().bytes(1, &[0; 8]).bytes(2, &[0; 8])),
            Self::Decide(verdict) => {
                let code = Attributes::new().bytes(1, &(*verdict as i32).to_be_bytes());
                let verdict = Attributes::new().nest(VERDICT, &code);
                ("immediate", Attributes::new().be32(1, VERDICT_REGISTER).nest(2, &verdict))
            }
        };
        Attributes::new().text(NAME, name).nest(DATA, &data)
    }
}

/// The name of a set that belongs to one rule; the kernel puts a number in it.
pub(super) const ANONYMOUS: &str = "__set%d";

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
