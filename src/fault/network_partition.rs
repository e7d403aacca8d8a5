//! `network-partition`: packets that never arrive.

use super::{LowerError, Terms};
use crate::act::{Act, Filter, FilterRule, Hook, SiteRef};
use crate::spec::quantity::IpNetwork;
use crate::spec::{Direction, NetworkPartition, PartitionMode, Peers};

pub(super) const NAME: &str = "network-partition";

pub(super) fn lower(
    partition: &NetworkPartition,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let PartitionMode::Drop = partition.mode;
    let peers = addresses(&partition.peers, terms)?;
    let rules = hooks(partition.direction)
        .iter()
        .map(|hook| FilterRule {
            hook: *hook,
            peers: peers.clone(),
            ports: partition.peers.ports.clone(),
        })
        .collect();
    Ok(vec![Act::Filter(Filter { site: site.clone(), rules })])
}

const fn hooks(direction: Direction) -> &'static [Hook] {
    match direction {
        Direction::From => &[Hook::Ingress],
        Direction::To => &[Hook::Egress],
        Direction::Both => &[Hook::Ingress, Hook::Egress],
    }
}

/// Every peer as an address or network; none named means any.
fn addresses(peers: &Peers, terms: &Terms) -> Result<Vec<IpNetwork>, LowerError> {
    let of_services = peers.services.iter().map(|name| match terms.services.get(name) {
        Some(Some(address)) => Ok(IpNetwork::host(address.address)),
        Some(None) => Err(LowerError::PeerOnHostNetwork { name: name.clone() }),
        None => Err(LowerError::UnknownPeer { name: name.clone() }),
    });
    of_services.chain(peers.addresses.iter().copied().map(Ok)).collect()
}

pub(super) fn undo_in_words() -> String {
    "our nft table deleted; the kernel does so when the agent ends".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn terms() -> Terms {
        let services =
            [("db".to_owned(), Some("198.18.0.3/24".parse().unwrap())), ("cache".to_owned(), None)];
        Terms { services: services.into_iter().collect(), ..Terms::default() }
    }

    fn rules(value: serde_json::Value) -> Result<Vec<FilterRule>, LowerError> {
        let partition = serde_json::from_value(value).unwrap();
        let site = SiteRef::Service { name: "web".to_owned() };
        let acts = lower(&partition, &site, &terms())?;
        let [Act::Filter(filter)] = acts.as_slice() else { panic!("{acts:?}") };
        Ok(filter.rules.clone())
    }

    #[test]
    fn peers_are_addresses_of_services_and_networks() {
        let rules = rules(json!({
            "direction": "to",
            "peers": {"services": ["db"], "addresses": ["10.0.0.0/8"], "ports": [5432]},
        }));
        let expected = FilterRule {
            hook: Hook::Egress,
            peers: vec!["198.18.0.3".parse().unwrap(), "10.0.0.0/8".parse().unwrap()],
            ports: vec!["5432".parse().unwrap()],
        };
        assert_eq!(rules.unwrap(), [expected]);
    }

    #[test]
    fn each_direction_has_its_hooks() {
        let of = |direction: &str| {
            let rules = rules(json!({ "direction": direction })).unwrap();
            rules.iter().map(|rule| rule.hook).collect::<Vec<_>>()
        };
        assert_eq!(of("from"), [Hook::Ingress]);
        assert_eq!(of("to"), [Hook::Egress]);
        assert_eq!(of("both"), [Hook::Ingress, Hook::Egress]);
    }

    #[test]
    fn a_peer_must_have_an_address() {
        let refused = |name: &str| rules(json!({"peers": {"services": [name]}})).unwrap_err();
        insta::assert_snapshot!(refused("cache"), @"peer `cache` shares the host's network and has no address of its own; give the service `network: own`, or use `addresses` and `ports`");
        insta::assert_snapshot!(refused("queue"), @"peer `queue` is no service of this experiment");
    }
}
