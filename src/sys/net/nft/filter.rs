//! What a filter rule means in `nf_tables`.

use super::expression::{Base, Expression, Meta, Verdict};
use super::interval::Set;
use crate::act::{FilterRule, Hook};

/// Ethernet protocols (`linux/if_ether.h`) and protocols above IP (linux/in.h).
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Neighbour discovery: router solicitation to redirect (RFC 4861, section 4).
const DISCOVERY: (u8, u8) = (133, 137);

/// A rule of a chain, in which a lookup stands for its set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// An expression without a set.
    Plain(Expression),
    /// A test whether what is loaded is in a set.
    In(Set),
}

/// The rule that lets IPv6 neighbour discovery alone. ARP needs none: only IP is ever dropped.
pub(super) fn discovery() -> Vec<Step> {
    let (first, last) = DISCOVERY;
    [
        Expression::Meta(Meta::Protocol),
        Expression::Equal(ETHERTYPE_IPV6.to_be_bytes().into()),
        Expression::Meta(Meta::TransportProtocol),
        Expression::Equal(vec![ICMPV6]),
        Expression::Payload { base: Base::Transport, offset: 0, length: 1 },
        Expression::Between(vec![first], vec![last]),
        Expression::Decide(Verdict::Return),
    ]
    .map(Step::Plain)
    .into()
}

/// The rules of `nf_tables` that drop what a filter rule names: one for each IP version and end
/// that can match.
pub(super) fn drops(rule: &FilterRule) -> Vec<Vec<Step>> {
    let mut rules = Vec::new();
    for ipv6 in [false, true] {
        let peers = if ipv6 { Set::ipv6(&rule.peers) } else { Set::ipv4(&rule.peers) };
        if peers.is_empty() && !rule.peers.is_empty() {
            continue;
        }
        let mut start = version(ipv6);
        if !peers.is_empty() {
            start.push(Step::Plain(peer_address(rule.hook, ipv6)));
            start.push(Step::In(peers));
        }
        for end in port_tests(rule) {
            rules.push([start.clone(), end, verdict()].concat());
        }
    }
    rules
}

fn version(ipv6: bool) -> Vec<Step> {
    let protocol = if ipv6 { ETHERTYPE_IPV6 } else { ETHERTYPE_IPV4 };
    vec![
        Step::Plain(Expression::Meta(Meta::Protocol)),
        Step::Plain(Expression::Equal(protocol.to_be_bytes().into())),
    ]
}

/// The other end's address: the source of what comes in, the destination of what goes out.
const fn peer_address(hook: Hook, ipv6: bool) -> Expression {
    let (offset, length) = match (hook, ipv6) {
        (Hook::Ingress, false) => (12, 4),
        (Hook::Egress, false) => (16, 4),
        (Hook::Ingress, true) => (8, 16),
        (Hook::Egress, true) => (24, 16),
    };
    Expression::Payload { base: Base::Network, offset, length }
}

/// The tests of the source's and the destination's port, either of which is enough; one test of
/// nothing when any port will do.
fn port_tests(rule: &FilterRule) -> Vec<Vec<Step>> {
    if rule.ports.is_empty() {
        return vec![Vec::new()];
    }
    // TCP and UDP both begin with the source's port and then the destination's.
    [0, 2]
        .into_iter()
        .map(|offset| {
            vec![
                Step::Plain(Expression::Meta(Meta::TransportProtocol)),
                Step::In(Set::protocols(&[TCP, UDP])),
                Step::Plain(Expression::Payload { base: Base::Transport, offset, length: 2 }),
                Step::In(Set::ports(&rule.ports)),
            ]
        })
        .collect()
}

fn verdict() -> Vec<Step> {
    vec![Step::Plain(Expression::Counter), Step::Plain(Expression::Decide(Verdict::Drop))]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(peers: &[&str], ports: &[&str]) -> FilterRule {
        FilterRule {
            hook: Hook::Egress,
            peers: peers.iter().map(|text| text.parse().unwrap()).collect(),
            ports: ports.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_rule_for_each_version_and_end() {
        for (peers, ports, expected) in [
            (&[][..], &[][..], 2),
            (&["10.0.0.1"], &[], 1),
            (&["10.0.0.1", "fd00::/8"], &[], 2),
            (&[], &["80"], 4),
            (&["fd00::1"], &["80", "90-99"], 2),
        ] {
            assert_eq!(drops(&rule(peers, ports)).len(), expected, "{peers:?} {ports:?}");
        }
    }

    #[test]
    fn every_rule_drops_and_counts() {
        for steps in drops(&rule(&["10.0.0.1", "fd00::1"], &["80"])) {
            assert!(steps.ends_with(&verdict()));
        }
    }
}
