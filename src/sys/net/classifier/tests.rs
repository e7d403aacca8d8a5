//! Programs run by an interpreter of our own against what they should say, and then by the kernel.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::program::compile;
use super::*;
use crate::act::Flow;
use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};

const TEST_MARK: u32 = 0x5d0b_5d01;

/// A packet as a person sees it.
#[derive(Clone, Debug)]
struct Packet {
    v6: bool,
    /// The last bits of the addresses.
    source: u16,
    destination: u16,
    protocol: u8,
    ports: (u16, u16),
    later_fragment: bool,
    /// How many extension headers of IPv6 are before the protocol.
    extensions: usize,
}

impl Packet {
    /// The protocol of the link, and the bytes from the network header on.
    fn bytes(&self) -> (u16, Vec<u8>) {
        let upper = [self.ports.0.to_be_bytes(), self.ports.1.to_be_bytes(), [0; 2], [0; 2]];
        if self.v6 {
            (0x86dd, self.v6_bytes(&upper.concat()))
        } else {
            (0x0800, self.v4_bytes(&upper.concat()))
        }
    }

    fn v4_bytes(&self, upper: &[u8]) -> Vec<u8> {
        let mut bytes =
            vec![0x46, 0, 0, 0, 0, 0, 0, u8::from(self.later_fragment), 64, self.protocol, 0, 0];
        bytes.extend(v4(self.source).octets());
        bytes.extend(v4(self.destination).octets());
        bytes.extend([1, 1, 1, 1]); // Options: the header is longer than usual.
        bytes.extend(upper);
        bytes
    }

    fn v6_bytes(&self, upper: &[u8]) -> Vec<u8> {
        let mut kinds = vec![60; self.extensions];
        if self.later_fragment {
            kinds.push(44);
        }
        kinds.push(self.protocol);
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, kinds[0], 64];
        bytes.extend(v6(self.source).octets());
        bytes.extend(v6(self.destination).octets());
        for pair in kinds.windows(2) {
            if pair[0] == 44 {
                bytes.extend([pair[1], 0, 0, 8, 0, 0, 0, 0]);
            } else {
                bytes.extend([pair[1], 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            }
        }
        bytes.extend(upper);
        bytes
    }

    fn is_discovery(&self) -> bool {
        let kind = (self.ports.0 >> 8) as u8;
        self.v6 && self.protocol == 58 && !self.later_fragment && (133..=137).contains(&kind)
    }

    /// What a person would say.
    fn matches(&self, flow: &Flow, hook: Hook) -> bool {
        let (peer, local, remote) = match hook {
            Hook::Ingress => (self.source, self.ports.1, self.ports.0),
            Hook::Egress => (self.destination, self.ports.0, self.ports.1),
        };
        let peer: std::net::IpAddr = if self.v6 { v6(peer).into() } else { v4(peer).into() };
        let in_network =
            |network: &IpNetwork| super::super::overlap(*network, IpNetwork::host(peer));
        let has_ports = [6, 17].contains(&self.protocol) && !self.later_fragment;
        let within = |ranges: &[PortRange], of: &[u16]| {
            let hit =
                |range: &PortRange| of.iter().any(|port| (range.first..=range.last).contains(port));
            ranges.is_empty() || has_ports && ranges.iter().any(hit)
        };
        let is = |protocol: &Protocol| match protocol {
            Protocol::Tcp => self.protocol == 6,
            Protocol::Udp => self.protocol == 17,
            Protocol::Icmp => self.protocol == if self.v6 { 58 } else { 1 },
            Protocol::Sctp => self.protocol == 132,
        };
        (flow.networks.is_empty() || flow.networks.iter().any(in_network))
            && (flow.protocols.is_empty() || flow.protocols.iter().any(is))
            && within(&flow.ports, &[local, remote])
            && within(&flow.local_ports, &[local])
            && within(&flow.remote_ports, &[remote])
    }
}

fn v4(last: u16) -> Ipv4Addr {
    Ipv4Addr::from(0x0a09_0000 | u32::from(last))
}

fn v6(last: u16) -> Ipv6Addr {
    Ipv6Addr::from(0xfd09 << 112 | u128::from(last) << 60)
}

/// What the kernel would do; `None` where it would refuse the program.
#[expect(clippy::too_many_lines, reason = "one line for each instruction")]
fn interpret(program: &[Instruction], ethertype: u16, packet: &[u8]) -> Option<u32> {
    let (mut a, mut x, mut memory, mut at) = (0u32, 0u32, [None; 16], 0usize);
    let read = |offset: u32, length: usize| -> Option<u32> {
        let start = usize::try_from(offset.wrapping_sub(0xfff0_0000)).ok()?;
        let bytes = packet.get(start..start.checked_add(length)?)?;
        Some(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    };
    loop {
        let Instruction { code, if_true, if_false, operand: k } = *program.get(at)?;
        at += 1;
        let mut branch = |holds: bool| at += usize::from(if holds { if_true } else { if_false });
        let load = |value: Option<u32>, to: &mut u32| match value {
            Some(value) => {
                *to = value;
                false
            }
            None => true,
        };
        let failed = match code {
            0x00 => load(Some(k), &mut a),
            0x28 if k == 0xffff_f000 => load(Some(ethertype.into()), &mut a),
            0x20 => load(read(k, 4), &mut a),
            0x28 => load(read(k, 2), &mut a),
            0x30 => load(read(k, 1), &mut a),
            0x48 => load(read(k.wrapping_add(x), 2), &mut a),
            0x50 => load(read(k.wrapping_add(x), 1), &mut a),
            0x60 => {
                a = memory[k as usize]?;
                false
            }
            0x02 => {
                memory[k as usize] = Some(a);
                false
            }
            0x01 => {
                x = k;
                false
            }
            0xb1 => load(read(k, 1).map(|byte| (byte & 15) * 4), &mut x),
            0x54 => {
                a &= k;
                false
            }
            0x04 => {
                a = a.wrapping_add(k);
                false
            }
            0x64 => {
                a <<= k;
                false
            }
            0x0c => {
                a = a.wrapping_add(x);
                false
            }
            0x07 => {
                x = a;
                false
            }
            0x05 => {
                at += k as usize;
                false
            }
            0x15 => {
                branch(a == k);
                false
            }
            0x25 => {
                branch(a > k);
                false
            }
            0x35 => {
                branch(a >= k);
                false
            }
            0x45 => {
                branch(a & k != 0);
                false
            }
            0x06 => return Some(k),
            _ => return None,
        };
        if failed {
            return Some(0);
        }
    }
}

fn networks() -> impl Strategy<Value = IpNetwork> {
    (any::<bool>(), 0..8u16, 0..40u8).prop_map(|(is_v6, last, shorter)| {
        let host = IpNetwork::host(if is_v6 { v6(last).into() } else { v4(last).into() });
        let shorter = if is_v6 { shorter * 3 } else { shorter };
        IpNetwork { prefix: host.prefix.saturating_sub(shorter), ..host }
    })
}

fn ranges() -> impl Strategy<Value = PortRange> {
    (1..8u16, 0..4u16).prop_map(|(first, more)| PortRange { first, last: first + more })
}

fn flows() -> impl Strategy<Value = Flow> {
    let protocols = select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Sctp]);
    let few = |ranges| vec(ranges, 0..3);
    (vec(networks(), 0..4), few(ranges()), few(ranges()), few(ranges()), vec(protocols, 0..3))
        .prop_map(|(networks, ports, local_ports, remote_ports, protocols)| Flow {
            networks,
            hosts: Vec::new(),
            ports,
            local_ports,
            remote_ports,
            protocols,
        })
}

fn packets() -> impl Strategy<Value = Packet> {
    let protocol = select(vec![1u8, 6, 17, 58, 132, 47]);
    let port = || prop_oneof![0..10u16, select(vec![133 << 8, 136 << 8, 128 << 8])];
    (any::<bool>(), 0..8u16, 0..8u16, protocol, (port(), port()), any::<bool>(), 0..3usize)
        .prop_map(|(v6, source, destination, protocol, ports, later_fragment, extensions)| Packet {
            v6,
            source,
            destination,
            protocol,
            ports,
            later_fragment,
            extensions,
        })
}

fn traffic(flow: Flow, except: Vec<Flow>) -> Traffic {
    Traffic { hooks: vec![Hook::Egress], flow, except, interfaces: Vec::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_program_says_what_a_person_would(
        flow in flows(), except in vec(flows(), 0..3), packet in packets(), out: bool
    ) {
        let hook = if out { Hook::Egress } else { Hook::Ingress };
        let wanted = packet.matches(&flow, hook)
            && !except.iter().any(|flow| packet.matches(flow, hook))
            && !packet.is_discovery();
        let program = compile(&traffic(flow, except), hook, TEST_MARK).unwrap();
        let (ethertype, bytes) = packet.bytes();
        let said = interpret(&program, ethertype, &bytes);
        prop_assert_eq!(said, Some(if wanted { u32::MAX } else { 0 }));
    }

    #[test]
    fn torn_packets_and_other_protocols_match_nothing(
        ethertype in select(vec![0x0806u16, 0x8100, 0x0800, 0x86dd]), bytes in vec(any::<u8>(), 0..8)
    ) {
        let flow = Flow { ports: vec![PortRange { first: 1, last: 65535 }], ..Flow::default() };
        let program = compile(&traffic(flow, vec![]), Hook::Egress, TEST_MARK).unwrap();
        prop_assert_eq!(interpret(&program, ethertype, &bytes), Some(0));
    }
}

#[test]
fn address_resolution_is_never_matched() {
    let program = compile(&traffic(Flow::default(), vec![]), Hook::Egress, TEST_MARK).unwrap();
    assert_eq!(interpret(&program, 0x0806, &[0; 28]), Some(0));
}

#[test]
fn too_much_for_the_kernel_is_refused_before_it_is_asked() {
    let many = |count: u16| {
        let hosts = (0..count).map(|last| IpNetwork::host(v4(last).into())).collect();
        check(&traffic(Flow { networks: hosts, ..Flow::default() }, vec![]), Hook::Egress)
    };
    assert!(many(1900).is_ok());
    insta::assert_snapshot!(many(5000).unwrap_err(), @"the peers, ports and exceptions make a filter of 10159 instructions, and the kernel takes 4096: name networks rather than single addresses, and ranges rather than single ports");
}

#[test]
fn names_must_have_been_resolved() {
    let flow = Flow { hosts: vec!["db.example".into()], ..Flow::default() };
    let error = check(&traffic(Flow::default(), vec![flow]), Hook::Egress).unwrap_err();
    insta::assert_snapshot!(error, @"no address is known of db.example");
}
