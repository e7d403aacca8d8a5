//! `tcp-proxy`: streams of bytes that are spoilt.

use super::super::{LowerError, Terms};
use super::proxied::{Connections, proxies};
use crate::act::{Act, ProxyWork, SiteRef, Toxics};
use crate::spec::TcpProxy;

pub(in super::super) const NAME: &str = "tcp-proxy";

pub(in super::super) fn lower(
    proxy: &TcpProxy,
    site: &SiteRef,
    terms: &Terms,
) -> Result<Vec<Act>, LowerError> {
    let work = ProxyWork::Tcp(Box::new(Toxics {
        latency: proxy.latency,
        bandwidth: proxy.bandwidth,
        slicer: proxy.slicer,
        slow_close: proxy.slow_close,
        limit_data: proxy.limit_data,
        timeout: proxy.timeout,
        reset_peer: proxy.reset_peer,
    }));
    let connections = Connections {
        ports: &proxy.ports,
        direction: proxy.direction,
        peers: &proxy.peers,
        except: &proxy.except,
        interfaces: &proxy.interfaces,
        existing: proxy.existing,
    };
    proxies(&connections, &work, site, terms)
}
