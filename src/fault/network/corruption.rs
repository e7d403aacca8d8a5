//! `network-corruption`: packets arrive with one bit changed.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Chance, Impairment, SiteRef};
use crate::spec::{Direction, NetworkCorruption};

pub(in super::super) const NAME: &str = "network-corruption";

pub(in super::super) fn lower(
    corruption: &NetworkCorruption,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment = Impairment::Corrupt(Chance {
        percent: corruption.percent,
        correlation: corruption.correlation,
    });
    let scope = Scope {
        direction: corruption.direction.unwrap_or(Direction::To),
        peers: &corruption.peers,
        except: &corruption.except,
        interfaces: &corruption.interfaces,
    };
    shape(impairment, &scope, corruption.engine, site, terms)
}
