//! Packets as written, lowered to packets as the agent matches them.

use super::super::{LowerError, Terms};
use crate::act::{Flow, Hook, Traffic};
use crate::spec::quantity::IpNetwork;
use crate::spec::{Direction, Peers};

/// Which packets a fault is about, as written.
pub(in super::super) struct Scope<'a> {
    pub(in super::super) direction: Direction,
    pub(in super::super) peers: &'a Peers,
    pub(in super::super) except: &'a [Peers],
    pub(in super::super) interfaces: &'a [String],
}

/// The packets with the addresses of services filled in.
pub(in super::super) fn traffic(scope: &Scope<'_>, terms: &Terms) -> Result<Traffic, LowerError> {
    Ok(Traffic {
        hooks: hooks(scope.direction).to_vec(),
        flow: flow(scope.peers, terms)?,
        except: scope.except.iter().map(|peers| flow(peers, terms)).collect::<Result<_, _>>()?,
        interfaces: scope.interfaces.to_vec(),
    })
}

const fn hooks(direction: Direction) -> &'static [Hook] {
    match direction {
        Direction::From => &[Hook::Ingress],
        Direction::To => &[Hook::Egress],
        Direction::Both => &[Hook::Ingress, Hook::Egress],
    }
}

fn flow(peers: &Peers, terms: &Terms) -> Result<Flow, LowerError> {
    Ok(Flow {
        networks: addresses(peers, terms)?,
        hosts: peers.hosts.clone(),
        ports: peers.ports.clone(),
        local_ports: peers.local_ports.clone(),
        remote_ports: peers.remote_ports.clone(),
        protocols: peers.protocols.clone(),
    })
}

/// Every peer as an address or network; none named means any.
fn addresses(peers: &Peers, terms: &Terms) -> Result<Vec<IpNetwork>, LowerError> {
    let mut networks = Vec::new();
    for name in &peers.services {
        match terms.services.get(name).map(Vec::as_slice) {
            Some([]) => return Err(LowerError::PeerOnHostNetwork { name: name.clone() }),
            Some(own) => networks.extend(own.iter().map(|it| IpNetwork::host(it.address))),
            None => return Err(LowerError::UnknownPeer { name: name.clone() }),
        }
    }
    networks.extend(&peers.addresses);
    Ok(networks)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms() -> Terms {
        let services = [
            ("db".to_owned(), vec!["198.18.0.3/24".parse().unwrap()]),
            ("cache".to_owned(), vec![]),
        ];
        Terms { services: services.into_iter().collect(), ..Terms::default() }
    }

    fn lowered(peers: serde_json::Value, direction: Direction) -> Result<Traffic, LowerError> {
        let peers = serde_json::from_value(peers).unwrap();
        let scope = Scope { direction, peers: &peers, except: &[], interfaces: &[] };
        traffic(&scope, &terms())
    }

    #[test]
    fn peers_are_addresses_of_services_and_networks() {
        let peers = json!({"services": ["db"], "addresses": ["10.0.0.0/8"], "ports": [5432]});
        let flow = lowered(peers, Direction::To).unwrap().flow;
        let networks = vec!["198.18.0.3".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
        let ports = vec!["5432".parse().unwrap()];
        assert_eq!(flow, Flow { networks, ports, ..Flow::default() });
    }

    #[test]
    fn each_direction_has_its_hooks() {
        let of = |direction| lowered(json!({}), direction).unwrap().hooks;
        assert_eq!(of(Direction::From), [Hook::Ingress]);
        assert_eq!(of(Direction::To), [Hook::Egress]);
        assert_eq!(of(Direction::Both), [Hook::Ingress, Hook::Egress]);
    }

    #[test]
    fn a_peer_must_have_an_address() {
        let refused = |name: &str| lowered(json!({"services": [name]}), Direction::To).unwrap_err();
        insta::assert_snapshot!(refused("cache"), @"peer `cache` shares the host's network and has no address of its own; give the service `network: own`, or use `addresses` and `ports`");
        insta::assert_snapshot!(refused("queue"), @"peer `queue` is no service of this experiment");
    }
}
