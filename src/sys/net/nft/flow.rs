//! A description of packets as tests of `nf_tables`.

use super::expression::{Base, Comparison, Expression, Meta};
use super::interval::Set;
use super::table::Family;
use crate::act::{Flow, Hook};
use crate::spec::Protocol;
use crate::spec::quantity::PortRange;

/// Ethernet protocols (`linux/if_ether.h`).
pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// `NFPROTO_IPV4` and `NFPROTO_IPV6`.
pub(super) const FAMILY_IPV4: u8 = 2;
pub(super) const FAMILY_IPV6: u8 = 10;
/// Protocols above IP (linux/in.h).
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;
pub(super) const SCTP: u8 = 132;
/// Those with ports, all of which begin with the source's port and then the destination's.
const WITH_PORTS: [u8; 3] = [TCP, UDP, SCTP];

/// A rule of a chain, in which a lookup stands for its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An expression without a set.
    Plain(Expression),
    /// A test whether what is loaded is in a set.
    In(Set),
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Version {
    /// The test for it.
    pub(super) fn test(self, family: Family) -> [Step; 2] {
        let (ethertype, number) = match self {
            Self::Four => (ETHERTYPE_IPV4, FAMILY_IPV4),
            Self::Six => (ETHERTYPE_IPV6, FAMILY_IPV6),
        };
        match family {
            Family::Netdev => {
                [Expression::Meta(Meta::Protocol), Expression::equal(ethertype.to_be_bytes())]
            }
            Family::Inet => [Expression::Meta(Meta::Family), Expression::equal([number])],
        }
        .map(Step::Plain)
    }

    /// The test that it is a fragment, and not the first.
    fn fragment_test(self) -> Vec<Step> {
        let (load, offset) = match self {
            Self::Four => {
                (Expression::Payload { base: Base::Network, offset: 6, length: 2 }, 0x1fff)
            }
            Self::Six => (Expression::FragmentHeader { offset: 2, length: 2 }, 0xfff8u16),
        };
        let bits = Expression::Bits { keep: offset.to_be_bytes().into(), turn: vec![0; 2] };
        let some = Expression::Compare(Comparison::Unequal, vec![0; 2]);
        [load, bits, some].map(Step::Plain).into()
    }
}

/// Lists of tests, any of which matches what the flow describes at this place. None when nothing
/// can. `only` is a restriction of the protocols above IP; empty for none.
pub(super) fn tests(flow: &Flow, place: (Family, Hook), only: &[u8]) -> Vec<Vec<Step>> {
    versions(flow)
        .iter()
        .flat_map(|version| {
            let start = start(flow, place, *version);
            ends(flow, place.1, *version, only)
                .into_iter()
                .map(move |end| [start.clone(), end].concat())
        })
        .collect()
}

/// The versions to be told apart; `None` for both together.
fn versions(flow: &Flow) -> Vec<Option<Version>> {
    let any = |ipv4: bool| flow.networks.iter().any(|network| network.address.is_ipv4() == ipv4);
    match (flow.networks.is_empty(), flow.protocols.contains(&Protocol::Icmp)) {
        (true, false) => vec![None],
        (true, true) => vec![Some(Version::Four), Some(Version::Six)],
        (false, _) => [(Version::Four, true), (Version::Six, false)]
            .into_iter()
            .filter_map(|(version, ipv4)| any(ipv4).then_some(Some(version)))
            .collect(),
    }
}

/// The tests of the version and of the other end's address.
fn start(flow: &Flow, (family, hook): (Family, Hook), version: Option<Version>) -> Vec<Step> {
    let Some(version) = version else { return Vec::new() };
    let mut steps: Vec<Step> = version.test(family).into();
    let peers = match version {
        Version::Four => Set::ipv4(&flow.networks),
        Version::Six => Set::ipv6(&flow.networks),
    };
    if !peers.is_empty() {
        steps.push(Step::Plain(peer_address(hook, version)));
        steps.push(Step::In(peers));
    }
    steps
}

/// The other end's address: the source of what comes in, the destination of what goes out.
const fn peer_address(hook: Hook, version: Version) -> Expression {
    let (offset, length) = match (hook, version) {
        (Hook::Ingress, Version::Four) => (12, 4),
        (Hook::Egress, Version::Four) => (16, 4),
        (Hook::Ingress, Version::Six) => (8, 16),
        (Hook::Egress, Version::Six) => (24, 16),
    };
    Expression::Payload { base: Base::Network, offset, length }
}

/// The tests of protocol and ports; one list of nothing when any packet will do.
fn ends(flow: &Flow, hook: Hook, version: Option<Version>, only: &[u8]) -> Vec<Vec<Step>> {
    let Some(protocols) = protocols(flow, version, only) else { return Vec::new() };
    let mut steps = protocol_test(&protocols);
    let (local, remote) = match hook {
        Hook::Ingress => (Port::Destination, Port::Source),
        Hook::Egress => (Port::Source, Port::Destination),
    };
    steps.extend(port_test(local, &flow.local_ports));
    steps.extend(port_test(remote, &flow.remote_ports));
    if flow.ports.is_empty() {
        return vec![steps];
    }
    [Port::Source, Port::Destination]
        .map(|port| [steps.clone(), port_test(port, &flow.ports)].concat())
        .into()
}

/// The protocols above IP that can match, none for any; `None` if no protocol can.
fn protocols(flow: &Flow, version: Option<Version>, only: &[u8]) -> Option<Vec<u8>> {
    let named = flow.protocols.iter().map(|protocol| number(*protocol, version)).collect();
    let with_ports = if has_ports(flow) { WITH_PORTS.into() } else { Vec::new() };
    let lists: [Vec<u8>; 3] = [named, with_ports, only.into()];
    let mut restrictions = lists.into_iter().filter(|list| !list.is_empty());
    let Some(first) = restrictions.next() else { return Some(Vec::new()) };
    let common = restrictions.fold(first, |mut common, list| {
        common.retain(|protocol| list.contains(protocol));
        common
    });
    (!common.is_empty()).then_some(common)
}

fn has_ports(flow: &Flow) -> bool {
    [&flow.ports, &flow.local_ports, &flow.remote_ports].iter().any(|list| !list.is_empty())
}

/// The tests for the later fragments of what a flow with ports describes, as far as they show: only
/// the first fragment has the ports. None for a flow without ports, whose own tests match them.
pub(super) fn later_fragments(flow: &Flow, place: (Family, Hook)) -> Vec<Vec<Step>> {
    if !has_ports(flow) {
        return Vec::new();
    }
    let versions = versions(flow).into_iter().flat_map(|version| match version {
        Some(version) => vec![version],
        None => vec![Version::Four, Version::Six],
    });
    versions
        .filter_map(|version| {
            let protocols = protocols(flow, Some(version), &[])?;
            let start = start(flow, place, Some(version));
            Some([start, protocol_test(&protocols), version.fragment_test()].concat())
        })
        .collect()
}

const fn number(protocol: Protocol, version: Option<Version>) -> u8 {
    match (protocol, version) {
        (Protocol::Tcp, _) => TCP,
        (Protocol::Udp, _) => UDP,
        (Protocol::Sctp, _) => SCTP,
        (Protocol::Icmp, Some(Version::Six)) => ICMPV6,
        (Protocol::Icmp, _) => ICMP,
    }
}

fn protocol_test(protocols: &[u8]) -> Vec<Step> {
    let load = Step::Plain(Expression::Meta(Meta::TransportProtocol));
    match protocols {
        [] => Vec::new(),
        [one] => vec![load, Step::Plain(Expression::equal([*one]))],
        several => vec![load, Step::In(Set::protocols(several))],
    }
}

/// Where a port is.
#[derive(Clone, Copy)]
enum Port {
    Source = 0,
    Destination = 2,
}

fn port_test(port: Port, ranges: &[PortRange]) -> Vec<Step> {
    if ranges.is_empty() {
        return Vec::new();
    }
    let load = Expression::Payload { base: Base::Transport, offset: port as u32, length: 2 };
    vec![Step::Plain(load), Step::In(Set::ports(ranges))]
}
