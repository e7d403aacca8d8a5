//! Rules of `iptables`, typed.

use std::fmt;

use crate::spec::quantity::{IpNetwork, PortRange};

/// A rule: its tests, all of which must match, and what it then does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) tests: Vec<Test>,
    /// `None` only counts.
    pub(super) target: Option<Target>,
}

/// A test.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// Received by this interface.
    Input(String),
    /// Received by any interface but `lo`.
    InputNotLo,
    /// Sent by this interface.
    Output(String),
    /// Sent by any interface but `lo`.
    OutputNotLo,
    Source(IpNetwork),
    Destination(IpNetwork),
    /// The protocol above IP, by the name that `iptables` has for it.
    Protocol(&'static str),
    /// After [`Test::Protocol`].
    SourcePort(PortRange),
    /// After [`Test::Protocol`].
    DestinationPort(PortRange),
    /// A reset of TCP, after [`Test::Protocol`].
    Rst,
    /// A type of ICMP, after [`Test::Protocol`].
    IcmpType(u8),
    /// A type of `ICMPv6`, after [`Test::Protocol`].
    Icmp6Type(u8),
    /// By chance, with this probability.
    Random(f64),
    /// Every n-th.
    Every(u32),
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    Return,
    Drop,
    /// The queue that nobody reads.
    Nobody,
    /// A refusal by ICMP or TCP of this name.
    Reject(&'static str),
    Jump(String),
    Goto(String),
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tests.iter().try_for_each(|test| write!(formatter, " {test}"))?;
        self.target.iter().try_for_each(|target| write!(formatter, " {target}"))
    }
}

impl fmt::Display for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(formatter, "-i {name}"),
            Self::InputNotLo => formatter.write_str("! -i lo"),
            Self::Output(name) => write!(formatter, "-o {name}"),
            Self::OutputNotLo => formatter.write_str("! -o lo"),
            Self::Source(network) => write!(formatter, "-s {network}"),
            Self::Destination(network) => write!(formatter, "-d {network}"),
            Self::Protocol(name) => write!(formatter, "-p {name}"),
            Self::SourcePort(ports) => {
                write!(formatter, "--sport {}:{}", ports.first, ports.last)
            }
            Self::DestinationPort(ports) => {
                write!(formatter, "--dport {}:{}", ports.first, ports.last)
            }
            Self::Rst => formatter.write_str("--tcp-flags RST RST"),
            Self::IcmpType(kind) => write!(formatter, "--icmp-type {kind}"),
            Self::Icmp6Type(kind) => write!(formatter, "--icmpv6-type {kind}"),
            Self::Random(share) => {
                write!(formatter, "-m statistic --mode random --probability {share:.10}")
            }
            Self::Every(n) => {
                let last = n.saturating_sub(1);
                write!(formatter, "-m statistic --mode nth --every {n} --packet {last}")
            }
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Return => formatter.write_str("-j RETURN"),
            Self::Drop => formatter.write_str("-j DROP"),
            Self::Nobody => {
                write!(formatter, "-j NFQUEUE --queue-num {}", super::super::nft::NOBODY)
            }
            Self::Reject(with) => write!(formatter, "-j REJECT --reject-with {with}"),
            Self::Jump(chain) => write!(formatter, "-j {chain}"),
            Self::Goto(chain) => write!(formatter, "-g {chain}"),
        }
    }
}
