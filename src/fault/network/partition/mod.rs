//! `network-partition`: packets that never arrive.

mod between;
mod holder;
mod shape;

pub use between::between;
pub use shape::{Cuts, NoShape};

use super::super::{LowerError, Terms};
use super::{Scope, traffic};
use crate::act::{Act, Filter, SiteRef};
use crate::spec::{Direction, Engine, NetworkPartition};

pub(in super::super) const NAME: &str = "network-partition";

pub(in super::super) fn lower(
    partition: &NetworkPartition,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    if partition.between.is_some() {
        return Err(LowerError::NodesNeeded);
    }
    let scope = Scope {
        direction: partition.direction.unwrap_or(Direction::Both),
        peers: &partition.peers,
        except: &partition.except,
        interfaces: &partition.interfaces,
    };
    let traffic = traffic(&scope, terms)?;
    let engine = terms.engines.choose_for_partition(partition.engine)?;
    Ok(vec![Act::Filter(Filter { site: site.clone(), traffic, mode: partition.mode, engine })])
}

pub(in super::super) fn undo_in_words(engine: Engine) -> String {
    match engine {
        Engine::Iptables => "our chains of iptables deleted".to_owned(),
        _ => "our nft table deleted; the kernel does so when the agent ends".to_owned(),
    }
}
