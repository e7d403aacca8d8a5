//! Traffic as a program of classic BPF: one program decides about a packet as a whole, exceptions
//! included, so that a filter is there or not, never half.

use std::net::IpAddr;

use anyhow::{Result, ensure};

use super::assembler::{Assembler, Instruction, Label, Test};
use crate::act::{Flow, Hook, Traffic};
use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};

/// What the program returns for packets of the fault: use the filter's own class.
const MATCH: u32 = u32::MAX;
const NO_MATCH: u32 = 0;
/// Where the program keeps what it has read: the protocol, and the ports.
const PROTOCOL: u32 = 0;
const SOURCE_PORT: u32 = 1;
const DESTINATION_PORT: u32 = 2;
/// No port: of other protocols than TCP and UDP, and of all but the first fragment.
const NO_PORT: u32 = 0x1_0000;
/// How many extension headers of IPv6 are looked behind.
const EXTENSIONS: usize = 4;

const TCP: u32 = 6;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;
/// Neighbour discovery: router and neighbour solicitations and advertisements, redirects.
const DISCOVERY: (u32, u32) = (133, 137);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    const BOTH: [Self; 2] = [Self::V4, Self::V6];

    const fn ethertype(self) -> u32 {
        match self {
            Self::V4 => 0x0800,
            Self::V6 => 0x86dd,
        }
    }

    const fn has(self, network: &IpNetwork) -> bool {
        network.address.is_ipv4() == matches!(self, Self::V4)
    }

    /// The number of a protocol.
    const fn number(self, protocol: Protocol) -> u32 {
        match (protocol, self) {
            (Protocol::Tcp, _) => TCP,
            (Protocol::Udp, _) => UDP,
            (Protocol::Icmp, Self::V4) => 1,
            (Protocol::Icmp, Self::V6) => ICMPV6,
            (Protocol::Sctp, _) => 132,
        }
    }

    /// Where the other end's address is.
    const fn peer(self, hook: Hook) -> u32 {
        match (self, hook) {
            (Self::V4, Hook::Ingress) => 12,
            (Self::V4, Hook::Egress) => 16,
            (Self::V6, Hook::Ingress) => 8,
            (Self::V6, Hook::Egress) => 24,
        }
    }
}

/// The program for packets on their way in or out. It begins with a mark that has no effect, by which
/// the filter is known as ours. Never matched: what is neither IPv4 nor IPv6, such as ARP, and the
/// neighbour discovery of IPv6. The addresses of names must be among the networks.
pub(super) fn compile(traffic: &Traffic, hook: Hook, mark: u32) -> Result<Vec<Instruction>> {
    for flow in traffic.except.iter().chain([&traffic.flow]) {
        // Without their addresses names would mean everybody.
        let resolved = flow.hosts.is_empty() || !flow.networks.is_empty();
        ensure!(resolved, "no address is known of {}", flow.hosts.join(", "));
    }
    let mut code = Assembler::default();
    code.load(mark);
    code.load_ethertype();
    for family in Family::BOTH {
        let other = code.label();
        code.unless(Test::Equal(family.ethertype()), other);
        packets_of(&mut code, family, traffic, hook);
        code.bind(other);
    }
    code.return_value(NO_MATCH);
    Ok(code.finish()?)
}

/// Decides about every packet of a family.
fn packets_of(code: &mut Assembler, family: Family, traffic: &Traffic, hook: Hook) {
    let (matches, differs) = (code.label(), code.label());
    match family {
        Family::V4 => read_v4(code),
        Family::V6 => read_v6(code, differs),
    }
    for flow in &traffic.except {
        let next = code.label();
        test(code, (family, hook), flow, next);
        code.jump(differs);
        code.bind(next);
    }
    test(code, (family, hook), &traffic.flow, differs);
    code.bind(matches);
    code.return_value(MATCH);
    code.bind(differs);
    code.return_value(NO_MATCH);
}

/// Notes the protocol and the ports of an IPv4 packet.
fn read_v4(code: &mut Assembler) {
    let done = code.label();
    without_ports(code);
    code.load_byte(9);
    code.store(PROTOCOL);
    code.load_half(6);
    code.when(Test::AnyOf(0x1fff), done); // Not the first fragment.
    code.index_by_header();
    read_ports(code, done);
    code.bind(done);
}

/// Notes the protocol and the ports of an IPv6 packet; jumps away when it is neighbour discovery.
fn read_v6(code: &mut Assembler, discovery: Label) {
    let (upper, done) = (code.label(), code.label());
    without_ports(code);
    code.load_byte(6);
    code.store(PROTOCOL);
    code.index(40);
    for _ in 0..EXTENSIONS {
        skip_extension(code, upper, done);
    }
    code.bind(upper);
    code.recall(PROTOCOL);
    let ports = code.label();
    code.unless(Test::Equal(ICMPV6), ports);
    code.load_byte_at_index(0);
    let (first, last) = DISCOVERY;
    code.when_within(first, last, discovery);
    code.jump(done);
    code.bind(ports);
    read_ports(code, done);
    code.bind(done);
}

/// Steps over one header behind the fixed one (RFC 8200, section 4), or goes to `upper` when there is
/// none; to `done` at a later fragment.
fn skip_extension(code: &mut Assembler, upper: Label, done: Label) {
    let (options, fragment, next) = (code.label(), code.label(), code.label());
    code.recall(PROTOCOL);
    for number in [0, 43, 60] {
        code.when(Test::Equal(number), options);
    }
    code.when(Test::Equal(44), fragment);
    code.jump(upper);
    code.bind(options);
    code.load_byte_at_index(0);
    code.store(PROTOCOL);
    code.load_byte_at_index(1);
    code.add(1);
    code.shift_left(3);
    code.add_index();
    code.index_by_accumulator();
    code.jump(next);
    code.bind(fragment);
    code.load_byte_at_index(0);
    code.store(PROTOCOL);
    code.load_half_at_index(2);
    code.when(Test::AnyOf(0xfff8), done);
    code.load(8);
    code.add_index();
    code.index_by_accumulator();
    code.bind(next);
}

fn without_ports(code: &mut Assembler) {
    code.load(NO_PORT);
    code.store(SOURCE_PORT);
    code.store(DESTINATION_PORT);
}

/// Notes the ports behind the index register, if the protocol has any.
fn read_ports(code: &mut Assembler, done: Label) {
    let has = code.label();
    code.recall(PROTOCOL);
    code.when(Test::Equal(TCP), has);
    code.unless(Test::Equal(UDP), done);
    code.bind(has);
    code.load_half_at_index(0);
    code.store(SOURCE_PORT);
    code.load_half_at_index(2);
    code.store(DESTINATION_PORT);
}

/// Goes on if a flow describes the packet, and jumps away if not.
fn test(code: &mut Assembler, (family, hook): (Family, Hook), flow: &Flow, differs: Label) {
    let (local, remote) = match hook {
        Hook::Ingress => (DESTINATION_PORT, SOURCE_PORT),
        Hook::Egress => (SOURCE_PORT, DESTINATION_PORT),
    };
    test_networks(code, family, family.peer(hook), &flow.networks, differs);
    test_protocols(code, family, &flow.protocols, differs);
    test_ports(code, &[local, remote], &flow.ports, differs);
    test_ports(code, &[local], &flow.local_ports, differs);
    test_ports(code, &[remote], &flow.remote_ports, differs);
}

fn test_networks(
    code: &mut Assembler,
    family: Family,
    offset: u32,
    networks: &[IpNetwork],
    differs: Label,
) {
    if networks.is_empty() {
        return;
    }
    let found = code.label();
    let mut loaded = false;
    for network in networks.iter().filter(|network| family.has(network)) {
        match network.address {
            IpAddr::V4(address) => {
                if !std::mem::replace(&mut loaded, true) {
                    code.load_word(offset);
                }
                let host = u32::MAX.checked_shr(network.prefix.into()).unwrap_or(0);
                let first = u32::from(address) & !host;
                code.when_within(first, first | host, found);
            }
            IpAddr::V6(address) => {
                test_v6(code, offset, (u128::from(address), network.prefix), found);
            }
        }
    }
    code.jump(differs);
    code.bind(found);
}

/// Compares word by word, as far as the prefix goes.
fn test_v6(code: &mut Assembler, offset: u32, (address, prefix): (u128, u8), found: Label) {
    let next = code.label();
    let mut left = u32::from(prefix);
    for (index, shift) in (0..).zip([96, 64, 32, 0]) {
        if left == 0 {
            break;
        }
        let mask = u32::MAX.checked_shr(left).map_or(u32::MAX, |host| !host);
        let value = u32::try_from(address >> shift & u128::from(u32::MAX)).unwrap_or(0);
        code.load_word(offset + 4 * index);
        if mask != u32::MAX {
            code.and(mask);
        }
        code.unless(Test::Equal(value & mask), next);
        left = left.saturating_sub(32);
    }
    code.jump(found);
    code.bind(next);
}

fn test_protocols(code: &mut Assembler, family: Family, protocols: &[Protocol], differs: Label) {
    if protocols.is_empty() {
        return;
    }
    let found = code.label();
    code.recall(PROTOCOL);
    for protocol in protocols {
        code.when(Test::Equal(family.number(*protocol)), found);
    }
    code.jump(differs);
    code.bind(found);
}

fn test_ports(code: &mut Assembler, slots: &[u32], ports: &[PortRange], differs: Label) {
    if ports.is_empty() {
        return;
    }
    let found = code.label();
    for slot in slots {
        code.recall(*slot);
        for range in ports {
            code.when_within(range.first.into(), range.last.into(), found);
        }
    }
    code.jump(differs);
    code.bind(found);
}
