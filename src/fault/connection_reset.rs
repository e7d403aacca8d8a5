//! `connection-reset`: TCP connections that end.

use super::network::{Scope, traffic};
use super::{LowerError, Terms};
use crate::act::{Act, CutConnections, SiteRef};
use crate::spec::{ConnectionReset, Direction, NewConnections, Protocol};

pub(super) const NAME: &str = "connection-reset";

pub(super) fn lower(
    reset: &ConnectionReset,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let scope = Scope {
        direction: Direction::Both,
        peers: &reset.peers,
        except: &reset.except,
        interfaces: &reset.interfaces,
    };
    let mut traffic = traffic(&scope, terms)?;
    traffic.flow.protocols = vec![Protocol::Tcp];
    let refuse = reset.new == NewConnections::Refuse;
    Ok(vec![Act::Cut(CutConnections { site: site.clone(), traffic, refuse })])
}

pub(super) fn undo_in_words(cut: &CutConnections) -> String {
    if cut.refuse {
        "connections can be opened again: our nft table deleted; the kernel does so when the agent \
         ends"
            .to_owned()
    } else {
        "none; whoever lost a connection opens it again".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::act::Class;

    #[test]
    fn only_a_refusal_has_something_to_undo() {
        let site = SiteRef::Service { name: "db".to_owned() };
        for (new, class) in [("allow", Class::X), ("refuse", Class::K)] {
            let reset = json!({"new": new, "peers": {"local-ports": [5432]}});
            let acts = lower(&serde_json::from_value(reset).unwrap(), &site, &Terms::default());
            let [act @ Act::Cut(cut)] = &acts.unwrap()[..] else { panic!("one cut") };
            assert_eq!(act.class(), class);
            assert_eq!(cut.traffic.flow.protocols, [Protocol::Tcp]);
            assert_eq!(cut.traffic.flow.local_ports, ["5432".parse().unwrap()]);
        }
    }
}
