//! What the kernel matches is what the pure function says, for packets of every kind.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use rustix::net::{AddressFamily, Protocol as Number, SendFlags, SocketType, sendto, socket};

use super::super::super::Namespace;
use super::super::super::testbed::{Pair, ip};
use super::super::{Action, OwnedTable};
use super::{NAME, plan, possible};
use crate::act::{Flow, Hook, Packet, Traffic};
use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};

const PORTS: [u16; 3] = [7000, 7001, 7002];

fn networks() -> impl Strategy<Value = Vec<IpNetwork>> {
    let some =
        ["10.9.0.2", "10.9.0.2/31", "10.0.0.0/8", "0.0.0.0/0", "fd09::2", "fd09::/64", "::/0"]
            .map(|text| text.parse().unwrap());
    prop::collection::vec(prop::sample::select(some.to_vec()), 0..3)
}

fn ports() -> impl Strategy<Value = Vec<PortRange>> {
    let range =
        (7000u16..=7002, 0u16..2).prop_map(|(first, more)| PortRange { first, last: first + more });
    prop_oneof![4 => Just(vec![]), 2 => prop::collection::vec(range, 1..3)]
}

fn protocols() -> impl Strategy<Value = Vec<Protocol>> {
    let all = vec![Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Sctp];
    prop_oneof![2 => Just(vec![]), 2 => prop::sample::subsequence(all, 1..=3)]
}

fn flows() -> impl Strategy<Value = Flow> {
    (networks(), ports(), ports(), ports(), protocols()).prop_map(
        |(networks, ports, local_ports, remote_ports, protocols)| Flow {
            networks,
            hosts: vec![],
            ports,
            local_ports,
            remote_ports,
            protocols,
        },
    )
}

fn traffics() -> impl Strategy<Value = Traffic> {
    let hook = prop_oneof![Just(Hook::Ingress), Just(Hook::Egress)];
    (hook, flows(), prop::collection::vec(flows(), 0..3)).prop_map(|(hook, flow, mut except)| {
        except.retain(|flow| !flow.is_any());
        Traffic { hooks: vec![hook], flow, except, interfaces: vec![] }
    })
}

fn packets(hook: Hook) -> Vec<Packet> {
    let with_ports = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    let mut packets = Vec::new();
    for peer in ["10.9.0.2", "10.9.0.3", "fd09::2"].map(ip) {
        for protocol in with_ports.map(Some) {
            for (local, remote) in [(0, 1), (1, 0), (0, 0), (2, 1), (2, 2)] {
                let ports = Some((PORTS[local], PORTS[remote]));
                packets.push(Packet { hook, peer, protocol, ports });
            }
        }
        for protocol in [Some(Protocol::Icmp), None] {
            packets.push(Packet { hook, peer, protocol, ports: None });
        }
    }
    packets
}

/// The number of the protocol above IP; that of GRE for one without a name.
fn number(packet: &Packet) -> u32 {
    match packet.protocol {
        Some(Protocol::Tcp) => 6,
        Some(Protocol::Udp) => 17,
        Some(Protocol::Sctp) => 132,
        Some(Protocol::Icmp) if packet.peer.is_ipv6() => 58,
        Some(Protocol::Icmp) => 1,
        None => 47,
    }
}

fn raw(from: &Namespace, bound: IpAddr, number: u32) -> OwnedFd {
    let family = if bound.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let number = Number::from_raw(number.try_into().unwrap());
    let opened = from.run_in(|| socket(family, SocketType::RAW, Some(number)).unwrap()).unwrap();
    rustix::net::bind(&opened, &std::net::SocketAddr::new(bound, 0)).unwrap();
    opened
}

/// Puts the packet on the wire: from the near end, or from the far end to the near one.
fn send(pair: &Pair, packet: &Packet) {
    let near = ip(if packet.peer.is_ipv4() { "10.9.0.1" } else { "fd09::1" });
    let (from, bound, to) = match packet.hook {
        Hook::Egress => (&pair.near, near, packet.peer),
        Hook::Ingress => (&pair.far, packet.peer, near),
    };
    let mut bytes = [0u8; 40];
    if let Some((local, remote)) = packet.ports {
        let (source, destination) = match packet.hook {
            Hook::Egress => (local, remote),
            Hook::Ingress => (remote, local),
        };
        bytes[..2].copy_from_slice(&source.to_be_bytes());
        bytes[2..4].copy_from_slice(&destination.to_be_bytes());
    } else if packet.protocol.is_some() {
        // An echo reply, which nobody answers.
        bytes[0] = if packet.peer.is_ipv6() { 129 } else { 0 };
    }
    let socket = raw(from, bound, number(packet));
    sendto(&socket, &bytes, SendFlags::empty(), &std::net::SocketAddr::new(to, 0)).unwrap();
}

fn met(pair: &Pair, table: &OwnedTable, packet: &Packet) -> u64 {
    let before = table.counters().unwrap().packets;
    send(pair, packet);
    table.counters().unwrap().packets - before
}

#[test]
fn the_kernel_matches_what_the_pure_function_does() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    // Each knows the other's hardware address from now on.
    for hook in [Hook::Egress, Hook::Ingress] {
        for packet in packets(hook) {
            send(&pair, &packet);
        }
    }
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let check = |traffic: Traffic| {
        let table = OwnedTable::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap();
        for packet in packets(traffic.hooks[0]) {
            let expected = u64::from(traffic.matches(&packet));
            // Now and then the kernel sends something of its own in between.
            let right = (0..3).any(|_| met(&pair, &table, &packet) == expected);
            if !right {
                return Err(TestCaseError::fail(format!("{packet:?} expected {expected}")));
            }
        }
        Ok(())
    };
    TestRunner::new(config).run(&traffics(), check).unwrap();
}

#[test]
fn a_later_fragment_of_an_exception_is_left_alone() {
    if !possible() {
        return;
    }
    let pair = Pair::new();
    let receiver = pair.far.run_in(|| std::net::UdpSocket::bind("[::]:7000").unwrap()).unwrap();
    receiver.set_read_timeout(Some(std::time::Duration::from_secs(1))).unwrap();
    let excepted = Flow {
        remote_ports: vec!["7000".parse().unwrap()],
        protocols: vec![Protocol::Udp],
        ..Flow::default()
    };
    let traffic = Traffic {
        hooks: vec![Hook::Egress],
        flow: Flow::default(),
        except: vec![excepted],
        interfaces: vec![],
    };
    let table = OwnedTable::create(&pair.near, NAME, &plan(&traffic, Action::Drop)).unwrap();
    for (local, to) in [("0.0.0.0:0", "10.9.0.2:7000"), ("[::]:0", "[fd09::2]:7000")] {
        let sender = pair.near.run_in(|| std::net::UdpSocket::bind(local).unwrap()).unwrap();
        sender.send_to(&[7; 5000], to).unwrap();
        assert_eq!(receiver.recv_from(&mut [0; 6000]).map(|(length, _)| length).ok(), Some(5000));
    }
    assert_eq!(table.counters().unwrap().packets, 0);
}
