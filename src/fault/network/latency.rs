//! `network-latency`: packets wait.

use super::super::{LowerError, Terms};
use super::{Scope, shape};
use crate::act::{Act, Delay, Impairment, SiteRef};
use crate::spec::{Direction, NetworkLatency};

pub(in super::super) const NAME: &str = "network-latency";

pub(in super::super) fn lower(
    latency: &NetworkLatency,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let impairment = Impairment::Delay(Delay {
        mean: latency.delay,
        jitter: latency.jitter,
        correlation: latency.correlation,
        distribution: latency.distribution,
        reorder: latency.reorder,
    });
    let scope = Scope {
        direction: latency.direction.unwrap_or(Direction::To),
        peers: &latency.peers,
        except: &latency.except,
        interfaces: &latency.interfaces,
    };
    shape(impairment, &scope, latency.engine, site, terms)
}
