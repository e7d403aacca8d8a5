//! `network-duplication`: packets arrive twice.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Chance, Impairment, SiteRef};
use crate::spec::{Direction, NetworkDuplication};

pub(in super::super) const NAME: &str = "network-duplication";

pub(in super::super) fn lower(
    duplication: &NetworkDuplication,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment = Impairment::Duplicate(Chance {
        percent: duplication.percent,
        correlation: duplication.correlation,
    });
    let scope = Scope {
        direction: duplication.direction.unwrap_or(Direction::To),
        peers: &duplication.peers,
        except: &duplication.except,
        interfaces: &duplication.interfaces,
    };
    shape(impairment, &scope, duplication.engine, site, terms)
}
