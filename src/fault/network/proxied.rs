//! Which connections a proxy is about.

use super::super::{LowerError, Terms};
use super::{Scope, traffic};
use crate::act::{Act, Flow, Hook, Proxy, ProxyWork, SiteRef, Traffic};
use crate::spec::quantity::PortRange;
use crate::spec::{Direction, Existing, Peers, Protocol};

/// Which connections, as written.
pub(super) struct Connections<'a> {
    pub(super) ports: &'a [PortRange],
    pub(super) direction: Option<Direction>,
    pub(super) peers: &'a Peers,
    pub(super) except: &'a [Peers],
    pub(super) interfaces: &'a [String],
    pub(super) existing: Existing,
}

/// One proxy for each way, for the port belongs to the target on the one, to its peers on the other.
pub(super) fn proxies(
    connections: &Connections<'_>,
    work: &ProxyWork,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let scope = Scope {
        direction: connections.direction.unwrap_or(Direction::From),
        peers: connections.peers,
        except: connections.except,
        interfaces: connections.interfaces,
    };
    let both = traffic(&scope, terms)?;
    let proxy = |hook: &Hook| {
        Act::Proxy(Proxy {
            site: site.clone(),
            traffic: one_way(&both, *hook, connections.ports),
            work: work.clone(),
            existing: connections.existing,
            seed: terms.seed,
        })
    };
    Ok(both.hooks.iter().map(proxy).collect())
}

fn one_way(both: &Traffic, hook: Hook, ports: &[PortRange]) -> Traffic {
    let mut flow = Flow { protocols: vec![Protocol::Tcp], ..both.flow.clone() };
    match hook {
        Hook::Ingress => flow.local_ports = ports.to_vec(),
        Hook::Egress => flow.remote_ports = ports.to_vec(),
    }
    Traffic { hooks: vec![hook], flow, ..both.clone() }
}

pub(in super::super) fn undo_in_words() -> String {
    "our nft table deleted, the proxy and its connections closed; the kernel does so when the agent ends"
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::quantity::Duration;

    /// Hook, ports of the target and ports of its peers, of each proxy.
    fn lowered(direction: &str) -> Vec<(Hook, Vec<PortRange>, Vec<PortRange>)> {
        let fault = json!({"tcp-proxy": {"ports": [6379], "direction": direction, "timeout": {}}});
        let fault = serde_json::from_value(fault).unwrap();
        let terms = Terms { duration: Some(Duration::from_secs(1)), ..Terms::default() };
        let site = SiteRef::Service { name: "db".to_owned() };
        let acts = super::super::super::lower(&fault, &site, &terms).unwrap();
        let ends = |act| match act {
            Act::Proxy(Proxy { traffic: Traffic { hooks, flow, .. }, .. }) => {
                assert_eq!(flow.protocols, [Protocol::Tcp]);
                (hooks[0], flow.local_ports, flow.remote_ports)
            }
            other => panic!("{other:?}"),
        };
        acts.into_iter().map(ends).collect()
    }

    #[test]
    fn the_port_is_the_targets_on_the_way_in_and_its_peers_on_the_way_out() {
        let ports = vec!["6379".parse().unwrap()];
        let way_in = (Hook::Ingress, ports.clone(), vec![]);
        let way_out = (Hook::Egress, vec![], ports);
        assert_eq!(lowered("from"), std::slice::from_ref(&way_in));
        assert_eq!(lowered("to"), std::slice::from_ref(&way_out));
        assert_eq!(lowered("both"), [way_in, way_out]);
    }
}
