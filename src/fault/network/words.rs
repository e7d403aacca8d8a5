//! Network acts in words: which packets, by what, and how exactly.

use std::fmt::Display;

use super::super::dns_failure;
use crate::act::{Act, Flow, Hook, Traffic};
use crate::spec::{Engine, Protocol};

/// What carries a network act out; `None` for other acts.
#[must_use]
pub const fn engine(act: &Act) -> Option<Engine> {
    match act {
        Act::Filter(_) => Some(Engine::Nft),
        Act::Shape(shape) => Some(shape.engine),
        _ => None,
    }
}

/// The packets that a network act is about, in one line; `None` for other acts.
#[must_use]
pub fn packets(act: &Act) -> Option<String> {
    match act {
        Act::Filter(filter) => Some(traffic(&filter.traffic)),
        Act::Shape(shape) => Some(traffic(&shape.traffic)),
        Act::Proxy(proxy) => Some(traffic(&proxy.traffic)),
        Act::FailDns(fault) => Some(dns_failure::in_words(fault)),
        _ => None,
    }
}

/// How exactly an engine does what it is asked for.
#[must_use]
pub const fn bounds(engine: Engine) -> &'static str {
    match engine {
        Engine::Netem => "in the kernel; its timers are late by about 0.1 ms",
        Engine::Queue => {
            "in the agent; delays are late by 0.3 ms at most in the median at 1,000 packets/s; \
             carries up to 60,000 packets/s"
        }
        Engine::Nft | Engine::Iptables => "in the kernel; exact, packet by packet",
        Engine::Tbf => "in the kernel; the rate is exact beyond the first burst",
    }
}

fn traffic(traffic: &Traffic) -> String {
    let way = match traffic.hooks.as_slice() {
        [Hook::Ingress] => "it receives",
        [Hook::Egress] => "it sends",
        _ => "it sends and receives",
    };
    let mut parts = vec![flow(&traffic.flow, way)];
    parts.extend(traffic.except.iter().map(|except| format!("except {}", flow(except, ""))));
    if !traffic.interfaces.is_empty() {
        parts.push(format!("only on {}", listed(&traffic.interfaces)));
    }
    parts.join("; ")
}

/// Such as `tcp it sends with 10.0.0.0/8, port 6379 at either end`.
fn flow(flow: &Flow, way: &str) -> String {
    let what = match flow.protocols.as_slice() {
        [] if flow.is_any() => "everything".to_owned(),
        [] if way.is_empty() => "packets".to_owned(),
        [] => "what".to_owned(),
        some => listed(&some.iter().copied().map(word).collect::<Vec<_>>()),
    };
    let peers = flow.networks.iter().map(ToString::to_string).chain(flow.hosts.iter().cloned());
    let peers: Vec<String> = peers.collect();
    let with = (!peers.is_empty()).then(|| format!("with {}", listed(&peers)));
    let first = [Some(what), Some(way.to_owned()).filter(|way| !way.is_empty()), with];
    let first = first.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let ports = [
        ("", &flow.ports, " at either end"),
        ("its own ", &flow.local_ports, ""),
        ("the peer's ", &flow.remote_ports, ""),
    ];
    let given = ports.iter().filter(|(_, ports, _)| !ports.is_empty());
    let ports = given.map(|(whose, ports, end)| format!("{whose}port {}{end}", listed(ports)));
    std::iter::once(first).chain(ports).collect::<Vec<_>>().join(", ")
}

const fn word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::Sctp => "sctp",
    }
}

/// One is enough.
fn listed(items: &[impl Display]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::act::SiteRef;
    use crate::fault::{Terms, lower};
    use crate::spec::quantity::Duration;

    fn words(fault: &str, scope: &Value) -> String {
        let fault = serde_json::from_value(json!({ fault: scope })).unwrap();
        let terms = Terms { duration: Some(Duration::from_secs(1)), ..Terms::default() };
        let acts = lower(&fault, &SiteRef::Service { name: "web".to_owned() }, &terms).unwrap();
        acts.iter().filter_map(packets).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn packets_are_told_in_one_line() {
        insta::assert_snapshot!(words("network-partition", &json!({})), @"everything it sends and receives");
        insta::assert_snapshot!(words("network-latency", &json!({"delay": "1ms"})), @"everything it sends");
        insta::assert_snapshot!(words("network-partition", &json!({
            "direction": "from",
            "peers": {
                "addresses": ["10.0.0.0/8", "fd00::1"], "hosts": ["db.example"],
                "ports": [6379, "8000-8080"], "protocols": ["tcp", "udp"],
            },
        })), @"tcp or udp it receives with 10.0.0.0/8 or fd00::1 or db.example, port 6379 or 8000-8080 at either end");
        insta::assert_snapshot!(words("network-loss", &json!({
            "percent": "5%",
            "peers": {"local-ports": [80], "remote-ports": [443]},
            "except": [{"addresses": ["10.0.0.1"], "ports": [22]}, {"protocols": ["icmp"]}],
            "interfaces": ["eth0", "eth1"],
        })), @"what it sends, its own port 80, the peer's port 443; except packets with 10.0.0.1, port 22 at either end; except icmp; only on eth0 or eth1");
    }
}
