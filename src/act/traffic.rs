//! Which packets a network act is about.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::spec::Protocol;
use crate::spec::quantity::{IpNetwork, PortRange};

/// Packets of a network namespace, seen from inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// On the way in, out, or both; never empty.
    pub hooks: Vec<Hook>,
    /// What matches.
    pub flow: Flow,
    /// What is left alone although it matches: what one of these describes.
    pub except: Vec<Flow>,
    /// Only on these interfaces; empty for all but `lo`.
    pub interfaces: Vec<String>,
}

/// A description of packets: an empty list means any, within a list one match is enough, and all
/// lists must match, of which `networks` and `hosts` count as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The other end's addresses.
    pub networks: Vec<IpNetwork>,
    /// The other end's names, which the agent resolves where the target lives.
    pub hosts: Vec<String>,
    /// Ports of TCP, UDP and SCTP of either end.
    pub ports: Vec<PortRange>,
    /// Ports of TCP, UDP and SCTP of this end.
    pub local_ports: Vec<PortRange>,
    /// Ports of TCP, UDP and SCTP of the other end.
    pub remote_ports: Vec<PortRange>,
    /// Protocols above IP.
    pub protocols: Vec<Protocol>,
}

/// What of a packet decides whether it is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which way it goes.
    pub hook: Hook,
    /// The other end's address.
    pub peer: IpAddr,
    /// The protocol above IP; `None` for one that has no name here.
    pub protocol: Option<Protocol>,
    /// This end's and the other end's port, where the protocol has ports.
    pub ports: Option<(u16, u16)>,
}

/// Which way a packet goes, seen from the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Received.
    Ingress,
    /// Sent.
    Egress,
}

impl Flow {
    /// Whether it describes every packet.
    #[must_use]
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it describes what goes between these two ends by TCP. Names count for nothing: they
    /// must have been resolved.
    #[must_use]
    pub fn has_tcp(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        let among = |ports: &[PortRange], end: SocketAddr| {
            ports.iter().any(|range| (range.first..=range.last).contains(&end.port()))
        };
        let address = || self.networks.iter().any(|network| network.contains(remote.ip()));
        (self.networks.is_empty() && self.hosts.is_empty() || address())
            && (self.ports.is_empty() || among(&self.ports, local) || among(&self.ports, remote))
            && (self.local_ports.is_empty() || among(&self.local_ports, local))
            && (self.remote_ports.is_empty() || among(&self.remote_ports, remote))
            && (self.protocols.is_empty() || self.protocols.contains(&Protocol::Tcp))
    }

    /// Whether it describes the packet. Names of hosts count for nothing: what they resolve to is
    /// in `networks`.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        let of = |ranges: &[PortRange], port: u16| {
            ranges.iter().any(|range| (range.first..=range.last).contains(&port))
        };
        let ports = |ranges: &[PortRange], pick: fn((u16, u16)) -> [u16; 2]| {
            ranges.is_empty()
                || packet.ports.is_some_and(|both| pick(both).iter().any(|port| of(ranges, *port)))
        };
        (self.networks.is_empty()
            || self.networks.iter().any(|network| network.contains(packet.peer)))
            && (self.protocols.is_empty()
                || packet.protocol.is_some_and(|protocol| self.protocols.contains(&protocol)))
            && ports(&self.ports, |(local, remote)| [local, remote])
            && ports(&self.local_ports, |(local, _)| [local, local])
            && ports(&self.remote_ports, |(_, remote)| [remote, remote])
    }
}

impl Traffic {
    /// Whether the packet, seen on an interface that counts, is among these.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        self.hooks.contains(&packet.hook)
            && self.flow.matches(packet)
            && !self.except.iter().any(|flow| flow.matches(packet))
    }
}

/// A host of which no address is known: nothing known would mean everything.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no address is known of the peer `{name}`")]
pub struct UnknownHost {
    /// Its name.
    pub name: String,
}

impl Traffic {
    /// No packets, on the same way: what a filter is to match that is about to be taken away, and
    /// whose chains must stay until what it has begun is over.
    #[must_use]
    pub fn nothing(&self) -> Self {
        Self { flow: Flow::default(), except: vec![Flow::default()], ..self.clone() }
    }

    /// The names of hosts, each once.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let flows = std::iter::once(&self.flow).chain(&self.except);
        let names: BTreeSet<&String> = flows.flat_map(|flow| &flow.hosts).collect();
        names.into_iter().cloned().collect()
    }

    /// The same packets, the addresses of all hosts in place of their names.
    pub fn with_addresses(
        &self,
        known: &BTreeMap<String, BTreeSet<IpAddr>>,
    ) -> Result<Self, UnknownHost> {
        let except = self.except.iter().map(|flow| flow.with_addresses(known));
        Ok(Self {
            flow: self.flow.with_addresses(known)?,
            except: except.collect::<Result<_, _>>()?,
            ..self.clone()
        })
    }
}

impl Flow {
    fn with_addresses(
        &self,
        known: &BTreeMap<String, BTreeSet<IpAddr>>,
    ) -> Result<Self, UnknownHost> {
        let mut flow = self.clone();
        for name in std::mem::take(&mut flow.hosts) {
            let addresses = known.get(&name).filter(|addresses| !addresses.is_empty());
            let addresses = addresses.ok_or(UnknownHost { name })?;
            let fresh = addresses.iter().copied().map(IpNetwork::host);
            let fresh: Vec<IpNetwork> =
                fresh.filter(|network| !flow.networks.contains(network)).collect();
            flow.networks.extend(fresh);
        }
        Ok(flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(hosts: &[&str], except: &[&str]) -> Traffic {
        let flow = |hosts: &[&str]| Flow {
            networks: vec!["10.0.0.1".parse().unwrap()],
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Flow::default()
        };
        let (flow, except) = (flow(hosts), vec![flow(except)]);
        Traffic { hooks: vec![Hook::Egress], flow, except, interfaces: Vec::new() }
    }

    #[test]
    fn the_addresses_of_hosts_are_networks_each_once() {
        let traffic = traffic(&["db", "cache"], &["cache"]);
        assert_eq!(traffic.hosts(), ["cache", "db"]);
        let addresses = |list: &[&str]| list.iter().map(|it| it.parse().unwrap()).collect();
        let known = BTreeMap::from([
            ("db".to_owned(), addresses(&["10.0.0.1", "fd00::1"])),
            ("cache".to_owned(), addresses(&["fd00::1", "10.0.0.2"])),
        ]);
        let filled = traffic.with_addresses(&known).unwrap();
        let shown = |flow: &Flow| -> Vec<String> {
            flow.networks.iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown(&filled.flow), ["10.0.0.1", "fd00::1", "10.0.0.2"]);
        assert_eq!(shown(&filled.except[0]), ["10.0.0.1", "10.0.0.2", "fd00::1"]);
        assert_eq!(filled.hosts(), [""; 0]);
    }

    #[test]
    fn a_host_without_an_address_is_an_error_and_never_everything() {
        for known in [BTreeMap::new(), BTreeMap::from([("db".to_owned(), BTreeSet::new())])] {
            let refused = traffic(&["db"], &[]).with_addresses(&known).unwrap_err();
            assert_eq!(refused.to_string(), "no address is known of the peer `db`");
        }
    }

    #[test]
    fn every_list_must_match_and_one_of_each_is_enough() {
        let end = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (local, remote) = (end("10.0.0.2:6379"), end("10.0.0.9:40000"));
        let port = |text: &str| vec![text.parse::<PortRange>().unwrap()];
        let network = |text: &str| vec![text.parse::<IpNetwork>().unwrap()];
        let all = Flow::default();
        for (flow, has) in [
            (all.clone(), true),
            (Flow { networks: network("10.0.0.8/29"), ..all.clone() }, true),
            (Flow { networks: network("10.0.0.2"), ..all.clone() }, false),
            (Flow { hosts: vec!["db".to_owned()], ..all.clone() }, false),
            (Flow { ports: port("6379"), ..all.clone() }, true),
            (Flow { ports: port("30000-50000"), ..all.clone() }, true),
            (Flow { local_ports: port("40000"), ..all.clone() }, false),
            (Flow { remote_ports: port("40000"), ..all.clone() }, true),
            (Flow { protocols: vec![Protocol::Udp], ..all.clone() }, false),
            (Flow { networks: network("::/0"), ports: port("6379"), ..all }, false),
        ] {
            assert_eq!(flow.has_tcp(local, remote), has, "{flow:?}");
        }
    }
}
