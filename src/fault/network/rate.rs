//! `network-rate`: less data passes in a second.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Impairment, Limit, SiteRef};
use crate::spec::{Direction, NetworkRate};

pub(in super::super) const NAME: &str = "network-rate";

pub(in super::super) fn lower(
    rate: &NetworkRate,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment =
        Impairment::Limit(Limit { rate: rate.rate, burst: rate.burst, queue: rate.queue });
    let scope = Scope {
        direction: rate.direction.unwrap_or(Direction::To),
        peers: &rate.peers,
        except: &rate.except,
        interfaces: &rate.interfaces,
    };
    shape(impairment, &scope, rate.engine, site, terms)
}
