//! `network-loss`: packets vanish.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Impairment, SiteRef};
use crate::spec::{Direction, NetworkLoss};

pub(in super::super) const NAME: &str = "network-loss";

pub(in super::super) fn lower(
    loss: &NetworkLoss,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment = Impairment::Lose(loss.loss().ok_or(LowerError::NoLoss)?);
    let scope = Scope {
        direction: loss.direction.unwrap_or(Direction::To),
        peers: &loss.peers,
        except: &loss.except,
        interfaces: &loss.interfaces,
    };
    shape(impairment, &scope, loss.engine, site, terms)
}
