//! The control path: what every fault on the host's network leaves alone, computed from the facts.

use std::collections::{BTreeMap, BTreeSet};

use super::Refusal;
use crate::act::{Flow, Traffic};
use crate::spec::quantity::{IpNetwork, PortRange};
use crate::spec::{Hypothesis, Protocol};
use crate::target::{Lifeline, Peer, Purpose, metadata};

/// How many exceptions one fault may have; more would slow down every packet.
const MOST: usize = 256;

/// How much of a network a fault reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// All of a network namespace that is not the host's.
    Own,
    /// The packets of some processes in the host's.
    Share,
    /// All of the host's.
    Host,
}

/// What one exception is about: the purpose, the peer, and the port at this end.
type Way<'a> = (Purpose, &'a Peer, Option<u16>);

/// An exception, and what it is in words.
pub(super) type Exception = (String, Flow);

/// The lifelines that such a fault could cut: what is not the author's own choice.
pub(super) fn lifelines(reach: Reach, host: &[Lifeline], hypothesis: &Hypothesis) -> Vec<Lifeline> {
    let mut lifelines = metadata().to_vec();
    if reach != Reach::Own {
        lifelines.extend(host.iter().cloned());
    }
    // What a single process serves is measured through the fault.
    if reach == Reach::Host {
        lifelines.extend(probed(hypothesis));
    }
    lifelines
}

/// What probes ask.
fn probed(hypothesis: &Hypothesis) -> Vec<Lifeline> {
    let places = hypothesis.probes.iter().filter_map(|probe| match (&probe.http, &probe.tcp) {
        (Some(http), _) => Some(http.url.as_str()),
        (_, Some(tcp)) => Some(tcp.address.as_str()),
        _ => None,
    });
    places.filter_map(|place| Lifeline::server(Purpose::Probe, place, None)).collect()
}

/// The exceptions that a fault needs beside its own: lifelines that its packets could belong to and
/// that its author has not named. Those with one peer are one exception.
pub(super) fn exceptions(
    traffic: &Traffic,
    lifelines: &[Lifeline],
) -> Result<Vec<Exception>, Refusal> {
    let mut merged: BTreeMap<Way<'_>, BTreeSet<Option<u16>>> = BTreeMap::new();
    for lifeline in lifelines.iter().filter(|lifeline| is_met(traffic, &lifeline.peer)) {
        let key = (lifeline.purpose, &lifeline.peer, lifeline.local_port);
        merged.entry(key).or_default().insert(lifeline.remote_port);
    }
    if merged.len() > MOST {
        return Err(Refusal::TooManyLifelines { figure: merged.len(), limit: MOST });
    }
    Ok(merged.into_iter().map(|(key, ports)| exception(key, &ports)).collect())
}

fn exception((purpose, peer, local): Way<'_>, remote: &BTreeSet<Option<u16>>) -> Exception {
    let range = |port: u16| PortRange { first: port, last: port };
    // One entry for all ports stands for every other one.
    let all = remote.contains(&None);
    let ports: Vec<u16> = remote.iter().flatten().copied().filter(|_| !all).collect();
    let mut flow = Flow::default();
    match peer {
        Peer::Address(address) => flow.networks.push(IpNetwork::host(*address)),
        Peer::Host(name) => flow.hosts.push(name.clone()),
    }
    let ranges = ports.iter().copied().map(range).collect();
    // A server may be at either end where both are here, on `lo`.
    match local {
        Some(local) => {
            flow.local_ports = vec![range(local)];
            flow.remote_ports = ranges;
        }
        None => flow.ports = ranges,
    }
    if !ports.is_empty() || local.is_some() {
        flow.protocols = vec![Protocol::Tcp];
    }
    let shown = match ports.as_slice() {
        [] => String::new(),
        [port] => format!(":{port}"),
        many => format!(" ({} ports)", many.len()),
    };
    (format!("{purpose} {peer}{shown}"), flow)
}

/// Whether packets of the fault could go to or come from the peer, and its author did not name it.
fn is_met(traffic: &Traffic, peer: &Peer) -> bool {
    let flow = &traffic.flow;
    match peer {
        Peer::Address(address) => {
            let any = flow.networks.is_empty() || !flow.hosts.is_empty();
            let within = flow.networks.iter().any(|network| network.contains(*address));
            let named = flow.networks.contains(&IpNetwork::host(*address));
            // What is on this very host never leaves it.
            let passes = !address.is_loopback() || traffic.interfaces.iter().any(|it| it == "lo");
            (any || within) && !named && passes
        }
        Peer::Host(name) => !flow.hosts.contains(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::act::Hook;

    fn traffic(flow: Flow) -> Traffic {
        let hooks = vec![Hook::Ingress, Hook::Egress];
        Traffic { hooks, flow, except: vec![], interfaces: vec![] }
    }

    fn to(networks: &[&str]) -> Flow {
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        Flow { networks, ..Flow::default() }
    }

    fn session(peer: &str, remote: u16) -> Lifeline {
        Lifeline {
            purpose: Purpose::Session,
            peer: Peer::Address(peer.parse().unwrap()),
            remote_port: Some(remote),
            local_port: Some(22),
        }
    }

    fn hypothesis() -> Hypothesis {
        serde_json::from_value(json!({"title": "it is up", "probes": [
            {"name": "shop", "http": {"url": "http://shop.example/health"}},
            {"name": "db", "tcp": {"address": "10.0.0.7:5432"}},
            {"name": "load", "command": {"run": ["true"]}},
        ]}))
        .unwrap()
    }

    fn words(flow: Flow, reach: Reach) -> Vec<String> {
        let gateway = Lifeline::to(Purpose::Gateway, "10.0.0.1".parse().unwrap());
        let host = [session("203.0.113.9", 52100), session("203.0.113.9", 52101), gateway];
        let lifelines = lifelines(reach, &host, &hypothesis());
        let found = exceptions(&traffic(flow), &lifelines).unwrap();
        found.into_iter().map(|(words, _)| words).collect()
    }

    #[test]
    fn the_wider_the_reach_the_more_is_left_alone() {
        let metadata = ["metadata 169.254.169.254", "metadata [fd00:ec2::254]"];
        assert_eq!(words(Flow::default(), Reach::Own), metadata);
        let share = ["session 203.0.113.9 (2 ports)", "gateway 10.0.0.1"];
        assert_eq!(words(Flow::default(), Reach::Share), [&share[..], &metadata].concat());
        let probes = ["probe 10.0.0.7:5432", "probe shop.example:80"];
        assert_eq!(words(Flow::default(), Reach::Host), [&share[..], &metadata, &probes].concat());
    }

    #[test]
    fn only_what_could_be_met_and_was_not_named_is_an_exception() {
        assert_eq!(
            words(to(&["10.0.0.0/24"]), Reach::Host)[..2],
            ["gateway 10.0.0.1", "probe 10.0.0.7:5432"]
        );
        assert!(words(to(&["169.254.169.254"]), Reach::Own).is_empty());
        assert!(words(to(&["192.0.2.0/24"]), Reach::Share).is_empty());
    }

    #[test]
    fn an_exception_is_as_narrow_as_it_can_be() {
        let lifelines = [session("203.0.113.9", 52101), session("203.0.113.9", 52100)];
        let found = exceptions(&traffic(Flow::default()), &lifelines).unwrap();
        let [(_, flow)] = found.as_slice() else { panic!("{found:?}") };
        let (here, there) = ("10.0.0.2:22".parse().unwrap(), |text: &str| text.parse().unwrap());
        assert!(flow.has_tcp(here, there("203.0.113.9:52100")));
        assert!(!flow.has_tcp(here, there("203.0.113.9:52102")));
        assert!(!flow.has_tcp("10.0.0.2:23".parse().unwrap(), there("203.0.113.9:52100")));
    }

    #[test]
    fn loopback_is_spared_only_where_it_is_disturbed() {
        let on = |interfaces: &[&str]| {
            let interfaces = interfaces.iter().map(|name| (*name).to_owned()).collect();
            let traffic = Traffic { interfaces, ..traffic(Flow::default()) };
            exceptions(&traffic, &[session("127.0.0.1", 52100)]).unwrap().len()
        };
        assert_eq!((on(&[]), on(&["lo"])), (0, 1));
    }

    #[test]
    fn too_many_are_refused_and_those_of_one_peer_are_one() {
        let many = |peers: u32| -> Vec<Lifeline> {
            let peer = |n: u32| std::net::Ipv4Addr::from(0x0a00_0000 + n % peers).to_string();
            (0..5000u32).map(|n| session(&peer(n), 1024 + u16::try_from(n).unwrap())).collect()
        };
        assert_eq!(exceptions(&traffic(Flow::default()), &many(10)).unwrap().len(), 10);
        let refused = exceptions(&traffic(Flow::default()), &many(5000)).unwrap_err();
        insta::assert_snapshot!(refused, @"5000 peers of the control path would have to be left alone, and 256 is the most; name `peers` that leave them out");
    }
}
