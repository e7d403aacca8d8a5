//! Connections that a packet filter would meet, had it been there when they were opened.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};

use super::super::{Namespace, RouteSocket, addresses, links};
use super::{SocketDiag, TcpSocket};
use crate::act::{Hook, Traffic};

/// The connections of a namespace that match, that go over the interfaces meant, and that were
/// opened in the direction meant: from outside to a socket that listens here, or from here.
pub fn passing(namespace: &Namespace, traffic: &Traffic) -> Result<Vec<TcpSocket>> {
    let sockets = SocketDiag::open(namespace)?.tcp()?;
    let reach = Reach::of(namespace, traffic)?;
    let doors: BTreeSet<u16> =
        sockets.iter().filter(|it| it.listening).map(|it| it.local.port()).collect();
    let came_in = |socket: &TcpSocket| doors.contains(&socket.local.port());
    let meant = |socket: &TcpSocket| {
        let hook = if came_in(socket) { Hook::Ingress } else { Hook::Egress };
        !socket.listening
            && traffic.hooks.contains(&hook)
            && socket.fits(&traffic.flow)
            && !traffic.except.iter().any(|flow| socket.fits(flow))
            && reach.has(socket.local, socket.remote)
    };
    Ok(sockets.iter().filter(|socket| meant(socket)).cloned().collect())
}

/// Resets connections; how many of them were still there.
pub fn reset(namespace: &Namespace, connections: &[TcpSocket]) -> Result<usize> {
    let diagnosis = SocketDiag::open(namespace)?;
    let mut count = 0;
    for socket in connections {
        let there = diagnosis.destroy(socket).with_context(|| {
            format!("cannot reset the connection {} – {}", socket.local, socket.remote)
        })?;
        count += usize::from(there);
        crate::failpoint::hit("mid-apply");
    }
    Ok(count)
}

/// Which connections go over the interfaces that are meant.
struct Reach {
    /// The addresses of the namespace: what goes from one of them to another goes over `lo`.
    own: BTreeSet<IpAddr>,
    /// Those of the interfaces that are meant.
    meant: BTreeSet<IpAddr>,
    loopback: bool,
}

impl Reach {
    fn of(namespace: &Namespace, traffic: &Traffic) -> Result<Self> {
        let socket = RouteSocket::open(namespace)?;
        let links = links(&socket)?;
        let named = &traffic.interfaces;
        let mut reach = Self { own: BTreeSet::new(), meant: BTreeSet::new(), loopback: false };
        for address in addresses(&socket)? {
            let ip = address.network.address;
            let link = links.iter().find(|link| link.index == address.interface);
            let Some(link) = link else { continue };
            reach.own.insert(ip);
            if named.contains(&link.name) || named.is_empty() && !link.loopback {
                reach.meant.insert(ip);
            }
            reach.loopback |= link.loopback && named.contains(&link.name);
        }
        Ok(reach)
    }

    fn has(&self, local: SocketAddr, remote: SocketAddr) -> bool {
        let inside = local.ip().is_loopback() || self.own.contains(&remote.ip());
        if inside { self.loopback } else { self.meant.contains(&local.ip()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_within_goes_over_lo() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let all = BTreeSet::from(["127.0.0.1", "10.0.0.2", "10.1.0.2"].map(ip));
        let has = |loopback, local: &str, remote: &str| {
            let meant = BTreeSet::from([ip("10.0.0.2")]);
            let reach = Reach { own: all.clone(), meant, loopback };
            reach.has(SocketAddr::new(ip(local), 1), SocketAddr::new(ip(remote), 2))
        };
        assert!(has(false, "10.0.0.2", "10.0.0.9"));
        assert!(!has(false, "10.1.0.2", "10.1.0.9"), "another interface");
        assert!(!has(false, "127.0.0.1", "127.0.0.1"));
        assert!(!has(false, "10.0.0.2", "10.0.0.2"));
        assert!(has(true, "10.0.0.2", "10.0.0.2"));
    }
}
