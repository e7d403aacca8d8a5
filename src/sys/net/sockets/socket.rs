//! One TCP socket as `inet_diag` tells it (`linux/inet_diag.h`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::super::attribute::find;
use crate::act::Flow;

/// The length of `struct inet_diag_sockid`.
pub(super) const IDENTITY: usize = 48;
/// Where the inode stands in `struct inet_diag_msg`, and the length of that.
const INODE_AT: usize = 68;
const MESSAGE: usize = 72;
/// The attribute with the socket's control group of version 2, where the kernel knows groups.
const INET_DIAG_CGROUP_ID: u16 = 21;
/// `TCP_LISTEN` (`net/tcp_states.h`).
const LISTEN: u8 = 10;

/// A TCP socket of a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpSocket {
    /// `AF_INET` or `AF_INET6`, as the kernel files it.
    pub(super) family: u8,
    /// `struct inet_diag_sockid`: what the kernel knows it by, its cookie included.
    pub(super) identity: [u8; IDENTITY],
    /// This end; an IPv4 address also where the socket is one of IPv6.
    pub local: SocketAddr,
    /// The other end; port 0 for none.
    pub remote: SocketAddr,
    /// Whether it waits for others.
    pub listening: bool,
    /// Its inode, which its owners' descriptors lead to; 0 before it is accepted and after it is closed.
    pub inode: u32,
    /// The control group of version 2 it was opened in, by the inode of its folder.
    pub group: Option<u64>,
}

impl TcpSocket {
    /// Reads `struct inet_diag_msg` and what follows; `None` for what is none.
    pub(super) fn read(message: &[u8]) -> Option<Self> {
        let (&[family, state, ..], rest) = message.split_first_chunk::<4>()?;
        let identity = *rest.first_chunk::<IDENTITY>()?;
        let inode = message.get(INODE_AT..MESSAGE)?.first_chunk::<4>()?;
        let group = find(message.get(MESSAGE..)?, INET_DIAG_CGROUP_ID);
        let port = |at: usize| Some(u16::from_be_bytes(*identity.get(at..)?.first_chunk()?));
        let address = |at: usize| read_address(family, identity.get(at..)?);
        Some(Self {
            family,
            identity,
            local: SocketAddr::new(address(4)?, port(0)?),
            remote: SocketAddr::new(address(20)?, port(2)?),
            listening: state == LISTEN,
            inode: u32::from_ne_bytes(*inode),
            group: group.and_then(|id| Some(u64::from_ne_bytes(id.try_into().ok()?))),
        })
    }

    /// Whether a description of packets fits its own, seen from its end.
    #[must_use]
    pub fn fits(&self, flow: &Flow) -> bool {
        flow.has_tcp(self.local, self.remote)
    }

    /// Whether both are the same socket, and not a later one with the same ends.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// The connection, whichever of its ends this is.
    pub(super) fn connection(&self) -> (SocketAddr, SocketAddr) {
        (self.local.min(self.remote), self.local.max(self.remote))
    }
}

fn read_address(family: u8, bytes: &[u8]) -> Option<IpAddr> {
    if i32::from(family) == libc::AF_INET {
        Some(IpAddr::V4(Ipv4Addr::from(*bytes.first_chunk::<4>()?)))
    } else {
        Some(IpAddr::V6(Ipv6Addr::from(*bytes.first_chunk::<16>()?)).to_canonical())
    }
}
