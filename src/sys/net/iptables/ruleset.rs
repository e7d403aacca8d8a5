//! What a plan means in `iptables`: for each way a chain that finds what matches, which goes on to
//! one that acts.

use std::net::IpAddr;

use anyhow::{Result, bail, ensure};

use super::program::{Table, Version};
use super::rule::{Rule, Target, Test};
use crate::act::{Flow, Hook};
use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};
use crate::sys::net::nft::{Action, Chance, Plan};

/// How many rules one version of IP may take: each packet is compared with one after another.
pub(super) const MOST_RULES: usize = 4096;
/// Neighbour discovery: router solicitation to redirect (RFC 4861, section 4).
const DISCOVERY: std::ops::RangeInclusive<u8> = 133..=137;

/// The table in which a plan is carried out.
pub(super) fn table(action: Action) -> Result<Table> {
    match action {
        Action::Drop | Action::Lose(_) => Ok(Table::Mangle),
        Action::Reset | Action::Icmp => Ok(Table::Filter),
        Action::Queue { .. }
        | Action::Redirect { .. }
        | Action::Divert { .. }
        | Action::Forward { .. }
        | Action::Return { .. } => {
            bail!("the engine iptables only drops and refuses packets")
        }
    }
}

/// The chains of a way: the one that finds, and the one that acts.
pub(super) fn names(name: &str, hook: Hook) -> [String; 2] {
    match hook {
        Hook::Ingress => [format!("{name}i"), format!("{name}I")],
        Hook::Egress => [format!("{name}e"), format!("{name}E")],
    }
}

/// The commands that put a plan in place, in first position at the hooks.
pub(super) fn commands(plan: &Plan<'_>, name: &str, version: Version) -> Result<Vec<String>> {
    ensure!(plan.cgroup.is_none(), "the engine iptables knows no control groups");
    let table = table(plan.action)?;
    let (mut chains, mut rules, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    for hook in &plan.traffic.hooks {
        let [finding, acting] = names(name, *hook);
        chains.extend([&finding, &acting].map(|chain| format!(":{chain} - [0:0]")));
        for rule in acts(plan.action, *hook, version) {
            rules.push(format!("-A {acting}{rule}"));
        }
        for rule in finds(plan, *hook, version, &acting) {
            rules.push(format!("-A {finding}{rule}"));
        }
        for place in places(table, *hook) {
            for interface in interfaces(&plan.traffic.interfaces, *hook) {
                let target = Some(Target::Jump(finding.clone()));
                entries.push(format!("-I {place} 1{}", Rule { tests: vec![interface], target }));
            }
        }
    }
    ensure!(
        rules.len() <= MOST_RULES,
        "{} rules are more than the {MOST_RULES} the engine iptables may take; name fewer networks \
         or ports",
        rules.len()
    );
    Ok([chains, rules, entries].concat())
}

/// The kernel's chains that lead to ours.
const fn places(table: Table, hook: Hook) -> &'static [&'static str] {
    match (table, hook) {
        (Table::Mangle, Hook::Ingress) => &["PREROUTING"],
        (Table::Mangle, Hook::Egress) => &["POSTROUTING"],
        (Table::Filter, Hook::Ingress) => &["INPUT", "FORWARD"],
        (Table::Filter, Hook::Egress) => &["OUTPUT", "FORWARD"],
    }
}

fn interfaces(named: &[String], hook: Hook) -> Vec<Test> {
    match (named, hook) {
        ([], Hook::Ingress) => vec![Test::InputNotLo],
        ([], Hook::Egress) => vec![Test::OutputNotLo],
        (named, Hook::Ingress) => named.iter().cloned().map(Test::Input).collect(),
        (named, Hook::Egress) => named.iter().cloned().map(Test::Output).collect(),
    }
}

/// What is done to what was found. The first rule counts all of it where only some is met.
fn acts(action: Action, hook: Hook, version: Version) -> Vec<Rule> {
    let vanish = Some(match hook {
        Hook::Ingress => Target::Drop,
        // Dropped here, the sender's own call would fail with EPERM.
        Hook::Egress => Target::Nobody,
    });
    let reject = |with| Some(Target::Reject(with));
    let (port, host) = match version {
        Version::Four => ("icmp-port-unreachable", "icmp-host-unreachable"),
        Version::Six => ("icmp6-port-unreachable", "icmp6-addr-unreachable"),
    };
    let rule = |tests, target| Rule { tests, target };
    match action {
        Action::Lose(chance) => {
            let test = match chance {
                Chance::Random(percent) => Test::Random(percent.fraction()),
                Chance::Every(n) => Test::Every(n.max(1)),
            };
            vec![rule(vec![], None), rule(vec![test], vanish)]
        }
        Action::Reset => {
            vec![rule(vec![Test::Protocol("tcp")], reject("tcp-reset")), rule(vec![], reject(port))]
        }
        Action::Icmp => vec![rule(vec![], reject(host))],
        _ => vec![rule(vec![], vanish)],
    }
}

fn finds(plan: &Plan<'_>, hook: Hook, version: Version, acting: &str) -> Vec<Rule> {
    let mut tests: Vec<Vec<Test>> = Vec::new();
    if version == Version::Six {
        tests.extend(DISCOVERY.map(|kind| vec![Test::Protocol("icmpv6"), Test::Icmp6Type(kind)]));
    }
    tests.extend(answers(plan.action, version));
    tests.extend(plan.traffic.except.iter().flat_map(|flow| alternatives(flow, hook, version)));
    let leave = tests.into_iter().map(|tests| Rule { tests, target: Some(Target::Return) });
    let found = alternatives(&plan.traffic.flow, hook, version).into_iter();
    let act = found.map(|tests| Rule { tests, target: Some(Target::Goto(acting.to_owned())) });
    leave.chain(act).collect()
}

/// What a refusal itself makes the kernel send must pass, or nobody would learn of it.
fn answers(action: Action, version: Version) -> Vec<Vec<Test>> {
    if !matches!(action, Action::Reset | Action::Icmp) {
        return Vec::new();
    }
    let unreachable = match version {
        Version::Four => vec![Test::Protocol("icmp"), Test::IcmpType(3)],
        Version::Six => vec![Test::Protocol("icmpv6"), Test::Icmp6Type(1)],
    };
    vec![unreachable, vec![Test::Protocol("tcp"), Test::Rst]]
}

/// Lists of tests, any of which matches what the flow describes: one for each combination, since a
/// rule has room for one value of each.
fn alternatives(flow: &Flow, hook: Hook, version: Version) -> Vec<Vec<Test>> {
    let of_version = |network: &&IpNetwork| {
        matches!(network.address, IpAddr::V4(_)) == (version == Version::Four)
    };
    let peer = |network: IpNetwork| match hook {
        Hook::Ingress => Test::Source(network),
        Hook::Egress => Test::Destination(network),
    };
    let port = |range: &PortRange, local: bool| match (hook, local) {
        (Hook::Ingress, true) | (Hook::Egress, false) => Test::DestinationPort(*range),
        (Hook::Ingress, false) | (Hook::Egress, true) => Test::SourcePort(*range),
    };
    let (local, remote) = (&flow.local_ports, &flow.remote_ports);
    let networks = flow.networks.iter().filter(of_version).map(|network| peer(*network));
    let either = |range: &PortRange| [Test::SourcePort(*range), Test::DestinationPort(*range)];
    let dimensions: [(bool, Vec<Test>); 5] = [
        (flow.networks.is_empty(), networks.collect()),
        protocols(flow, version),
        (local.is_empty(), local.iter().map(|range| port(range, true)).collect()),
        (remote.is_empty(), remote.iter().map(|range| port(range, false)).collect()),
        (flow.ports.is_empty(), flow.ports.iter().flat_map(either).collect()),
    ];
    dimensions.into_iter().fold(vec![Vec::new()], |lists, (any, values)| {
        if any {
            return lists;
        }
        let longer = |list: &Vec<Test>, value: &Test| {
            [list.as_slice(), std::slice::from_ref(value)].concat()
        };
        lists.iter().flat_map(|list| values.iter().map(move |value| longer(list, value))).collect()
    })
}

/// Whether any protocol will do, and those that will. Ports are those of TCP and UDP, and of SCTP
/// where that is named.
fn protocols(flow: &Flow, version: Version) -> (bool, Vec<Test>) {
    let with_ports =
        [&flow.ports, &flow.local_ports, &flow.remote_ports].iter().any(|list| !list.is_empty());
    let named = match (flow.protocols.as_slice(), with_ports) {
        ([], false) => return (true, Vec::new()),
        ([], true) => &[Protocol::Tcp, Protocol::Udp],
        (named, _) => named,
    };
    let able = named.iter().filter(|protocol| !with_ports || **protocol != Protocol::Icmp);
    let name = |protocol: &Protocol| match (protocol, version) {
        (Protocol::Tcp, _) => "tcp",
        (Protocol::Udp, _) => "udp",
        (Protocol::Sctp, _) => "sctp",
        (Protocol::Icmp, Version::Four) => "icmp",
        (Protocol::Icmp, Version::Six) => "icmpv6",
    };
    (false, able.map(|protocol| Test::Protocol(name(protocol))).collect())
}
