//! `network-reordering`: packets overtake others.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Chance, Impairment, Reorder, SiteRef};
use crate::spec::{Direction, NetworkReordering};

pub(in super::super) const NAME: &str = "network-reordering";

pub(in super::super) fn lower(
    reordering: &NetworkReordering,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment = Impairment::Reorder(Reorder {
        chance: Chance { percent: reordering.percent, correlation: reordering.correlation },
        gap: reordering.gap.unwrap_or(1),
        delay: reordering.delay,
    });
    let scope = Scope {
        direction: reordering.direction.unwrap_or(Direction::To),
        peers: &reordering.peers,
        except: &reordering.except,
        interfaces: &reordering.interfaces,
    };
    shape(impairment, &scope, reordering.engine, site, terms)
}
