//! `http-fault`: requests that go wrong.

use super::super::{LowerError, Terms};
use super::proxied::{Connections, proxies};
use crate::act::{Act, HttpSpoil, ProxyWork, SiteRef};
use crate::spec::HttpFault;

pub(in super::super) const NAME: &str = "http-fault";

pub(in super::super) fn lower(
    fault: &HttpFault,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let work = ProxyWork::Http(Box::new(HttpSpoil {
        matching: fault.matching.clone(),
        percent: fault.percent,
        delay: fault.delay,
        jitter: fault.jitter,
        abort: fault.abort,
        answer: fault.answer.clone(),
        request: fault.request.clone(),
        response: fault.response.clone(),
    }));
    let connections = Connections {
        ports: &fault.ports,
        direction: fault.direction,
        peers: &fault.peers,
        except: &fault.except,
        interfaces: &fault.interfaces,
        existing: fault.existing,
    };
    proxies(&connections, &work, site, terms)
}
