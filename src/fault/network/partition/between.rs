//! A partition between nodes, as acts.

use super::super::super::{LowerError, Terms};
use super::super::{Scope, traffic};
use super::holder::holders;
use super::shape::{Cuts, cuts};
use crate::act::{Act, Filter, SiteRef};
use crate::spec::{Between, Direction, Name, NetworkPartition, Peers};

/// Who does not hear whom among these services, and the acts that see to it; `order` as for
/// [`cuts`].
pub fn between(
    partition: &NetworkPartition,
    shape: &Between,
    nodes: &[Name],
    order: &[usize],
    terms: &Terms,
) -> Result<(Cuts, Vec<Act>), LowerError> {
    if terms.duration.is_none() {
        return Err(LowerError::NoDuration { fault: super::NAME });
    }
    let direction = partition.direction.unwrap_or(Direction::Both);
    let cuts = cuts(shape, direction, nodes, order)?;
    let name = |number: &usize| nodes.get(*number).cloned();
    let mut acts = Vec::new();
    for holder in holders(&cuts) {
        let Some(site) = name(&holder.node).map(|name| SiteRef::Service { name }) else { continue };
        let peers =
            Peers { services: holder.peers.iter().filter_map(name).collect(), ..Peers::default() };
        let scope = Scope {
            direction: holder.direction,
            peers: &peers,
            except: &partition.except,
            interfaces: &partition.interfaces,
        };
        let traffic = traffic(&scope, terms)?;
        let engine = terms.engines.choose_for_partition(partition.engine)?;
        acts.push(Act::Filter(Filter { site, traffic, mode: partition.mode, engine }));
    }
    Ok((cuts, acts))
}
