//! Asking the kernel about its sockets (`NETLINK_SOCK_DIAG`).

use std::io;

use anyhow::{Context, Result};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use super::super::Namespace;
use super::super::netlink::{Frame, Netlink, NetlinkError};
use super::socket::{IDENTITY, TcpSocket};

/// Message types (`linux/sock_diag.h`).
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const SOCK_DESTROY: u16 = 21;
/// The length of `struct nlmsghdr` and of `struct inet_diag_req_v2`.
const HEADER: usize = 16;
const REQUEST: usize = 8 + IDENTITY;
/// The states of a connection that can still carry something, as bits (`net/tcp_states.h`):
/// established, being opened, half closed. Not those that only wait for their time to pass.
const ALIVE: u32 = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 8);
/// Sockets that listen.
const LISTENING: u32 = 1 << 10;
/// How often a dump is begun anew because something changed meanwhile.
const ATTEMPTS: usize = 20;

/// A socket to ask about the sockets of one network namespace; closed on exec.
#[derive(Debug)]
pub struct SocketDiag {
    netlink: Netlink,
}

impl SocketDiag {
    /// Opens one that stays bound to the namespace.
    pub fn open(namespace: &Namespace) -> Result<Self> {
        namespace
            .run_in(|| Netlink::open(NETLINK_SOCK_DIAG))?
            .map(|netlink| Self { netlink })
            .with_context(|| format!("cannot ask about the sockets of {}", namespace.id()))
    }

    /// Every TCP connection that can still carry something, and every socket that listens, of both
    /// families.
    pub fn tcp(&self) -> Result<Vec<TcpSocket>> {
        let mut sockets = Vec::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            let request = request(u8::try_from(family)?, ALIVE | LISTENING, &[0; IDENTITY]);
            let frames = self.dump(&request).context("cannot list TCP connections")?;
            sockets.extend(frames.iter().filter_map(|frame| TcpSocket::read(&frame.payload)));
        }
        Ok(sockets)
    }

    fn dump(&self, request: &[u8; REQUEST]) -> Result<Vec<Frame>, NetlinkError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let flags = NLM_F_REQUEST | NLM_F_DUMP;
            match self.exchange(SOCK_DIAG_BY_FAMILY, flags, request) {
                Err(NetlinkError::Socket(error))
                    if error.kind() == io::ErrorKind::Interrupted && attempt < ATTEMPTS => {}
                answer => return answer,
            }
        }
    }

    /// Aborts a connection as `tcp_abort` of the kernel does: the peer gets a reset, whoever holds
    /// this end gets `ECONNABORTED`. `false` if it was gone already.
    pub(super) fn destroy(&self, socket: &TcpSocket) -> Result<bool, NetlinkError> {
        let request = request(socket.family, ALIVE, &socket.identity);
        match self.exchange(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, &request) {
            Ok(_) => Ok(true),
            Err(error) if error.errno() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn exchange(
        &self,
        kind: u16,
        flags: u16,
        request: &[u8; REQUEST],
    ) -> Result<Vec<Frame>, NetlinkError> {
        let sequence = self.netlink.next_sequence();
        let mut datagram = Vec::with_capacity(HEADER + REQUEST);
        let length = u32::try_from(HEADER + REQUEST).unwrap_or(u32::MAX);
        datagram.extend(length.to_ne_bytes());
        datagram.extend(kind.to_ne_bytes());
        datagram.extend(flags.to_ne_bytes());
        datagram.extend(sequence.to_ne_bytes());
        datagram.extend(0u32.to_ne_bytes());
        datagram.extend(request);
        self.netlink.send(&datagram)?;
        self.netlink.answer(sequence, sequence)
    }
}

/// `struct inet_diag_req_v2` for TCP.
fn request(family: u8, states: u32, identity: &[u8; IDENTITY]) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    let protocol = u8::try_from(libc::IPPROTO_TCP).unwrap_or_default();
    let head = [family, protocol, 0, 0].into_iter().chain(states.to_ne_bytes());
    for (place, byte) in request.iter_mut().zip(head.chain(*identity)) {
        *place = byte;
    }
    request
}
