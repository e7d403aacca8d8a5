//! Connections that are led through a proxy.

use serde::{Deserialize, Serialize};

use super::{SiteRef, Traffic};
use crate::spec::quantity::{Duration, Percent, PortRange};
use crate::spec::{
    Bandwidth, Existing, HeldData, HttpAbort, HttpAnswer, HttpMatch, LateData, LimitData,
    RequestChange, ResetPeer, ResponseChange, Slicer, SlowClose,
};

/// Connections to lead through a proxy in the target's network namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// Whose network namespace.
    pub site: SiteRef,
    /// Which connections: on the way in those that others open to the target, on the way out those
    /// that it opens.
    pub traffic: Traffic,
    /// What becomes of them.
    pub work: ProxyWork,
    /// What becomes of those that were open before.
    pub existing: Existing,
    /// What every choice follows from.
    pub seed: u64,
}

impl Proxy {
    /// Whether a connection may be among both, as far as hooks, ports and addresses tell: whatever
    /// leads it to one proxy keeps it from the other.
    #[must_use]
    pub fn may_meet(&self, other: &Traffic) -> bool {
        let mine = &self.traffic;
        mine.hooks.iter().any(|hook| other.hooks.contains(hook))
            && any_or(&mine.flow.local_ports, &other.flow.local_ports, |one, two| {
                overlap(*one, *two)
            })
            && any_or(&mine.flow.remote_ports, &other.flow.remote_ports, |one, two| {
                overlap(*one, *two)
            })
            && (!mine.flow.hosts.is_empty()
                || !other.flow.hosts.is_empty()
                || any_or(&mine.flow.networks, &other.flow.networks, |one, two| {
                    one.contains(two.address) || two.contains(one.address)
                }))
    }
}

/// Whether two of these meet, of which an empty list means any.
fn any_or<T>(ours: &[T], theirs: &[T], meet: impl Fn(&T, &T) -> bool) -> bool {
    let met = || ours.iter().any(|one| theirs.iter().any(|two| meet(one, two)));
    ours.is_empty() || theirs.is_empty() || met()
}

const fn overlap(one: PortRange, two: PortRange) -> bool {
    one.first <= two.last && two.first <= one.last
}

/// What a proxy does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyWork {
    /// It spoils streams of bytes.
    Tcp(Box<Toxics>),
    /// It spoils requests and their answers.
    Http(Box<HttpSpoil>),
}

/// What is done to streams of bytes; not all are `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Toxics {
    /// Data arrives late.
    pub latency: Option<LateData>,
    /// Data arrives slowly.
    pub bandwidth: Option<Bandwidth>,
    /// Data arrives in pieces.
    pub slicer: Option<Slicer>,
    /// The end arrives late.
    pub slow_close: Option<SlowClose>,
    /// The end comes after some data.
    pub limit_data: Option<LimitData>,
    /// No data arrives.
    pub timeout: Option<HeldData>,
    /// The connection is reset.
    pub reset_peer: Option<ResetPeer>,
}

/// What is done to requests and their answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpSpoil {
    /// Which requests.
    pub matching: HttpMatch,
    /// How many of them.
    pub percent: Percent,
    /// How long a request waits.
    pub delay: Duration,
    /// How far that varies.
    pub jitter: Duration,
    /// Whether it then ends without an answer.
    pub abort: Option<HttpAbort>,
    /// The answer in the server's place.
    pub answer: Option<HttpAnswer>,
    /// What is changed in the request.
    pub request: Option<RequestChange>,
    /// What is changed in the server's answer.
    pub response: Option<ResponseChange>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::{Flow, Hook};

    #[test]
    fn two_meet_on_the_same_way_at_the_same_ports_and_peers() {
        let traffic = |hook, ports: &str, peers: &[&str]| Traffic {
            hooks: vec![hook],
            flow: Flow {
                local_ports: vec![ports.parse().unwrap()],
                networks: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
                ..Flow::default()
            },
            except: Vec::new(),
            interfaces: Vec::new(),
        };
        let proxy = Proxy {
            site: SiteRef::Host,
            traffic: traffic(Hook::Ingress, "8000-8080", &["10.0.0.0/8"]),
            work: ProxyWork::Tcp(Box::default()),
            existing: Existing::Reset,
            seed: 1,
        };
        for (other, meets) in [
            (traffic(Hook::Ingress, "8080", &[]), true),
            (traffic(Hook::Ingress, "8080", &["10.1.0.0/16"]), true),
            (traffic(Hook::Ingress, "8080", &["192.0.2.0/24"]), false),
            (traffic(Hook::Ingress, "8081", &[]), false),
            (traffic(Hook::Egress, "8080", &[]), false),
        ] {
            assert_eq!(proxy.may_meet(&other), meets, "{other:?}");
        }
    }
}
