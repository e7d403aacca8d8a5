//! Sending packets a second time, out of a network namespace.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::{
    AddressFamily, MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketFlags, SocketType,
    ipproto, netdevice, sendmmsg, socket_with, sockopt as options,
};

use super::message::Packet;
use super::parcel::label;

/// How many sockets are kept: one for each interface and source address.
const SOCKETS: usize = 256;
/// The buffer of each, in bytes.
const BUFFER: usize = 16 << 20;
/// `NF_INET_LOCAL_OUT`.
const LOCAL_OUT: u8 = 3;
/// How long a full buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A copy of a packet, ready to be sent.
#[derive(Debug)]
pub(super) struct Parcel {
    socket: usize,
    to: SocketAddr,
    bytes: Box<[u8]>,
}

/// What decides on a packet's way beside its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    device: u32,
    source: IpAddr,
}

#[derive(Debug)]
struct Outlet {
    socket: OwnedFd,
    /// The longest packet that the interface takes, in bytes.
    longest: usize,
}

/// Raw sockets (raw(7), `IP_HDRINCL`) in the namespace of the thread that uses them. What they send
/// goes the way that the original went, by its interface and source address. A bit of the mark tells
/// it from what others send.
#[derive(Debug)]
pub(super) struct Injector {
    bit: u32,
    ways: BTreeMap<Way, usize>,
    outlets: Vec<Outlet>,
}

/// What became of packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// Not sent because the namespace's own filter or routes refuse, as they would have later.
    pub(super) refused: u64,
    /// Not sent for another reason.
    pub(super) failed: u64,
    /// The errno of the last failure.
    pub(super) errno: i32,
}

impl Injector {
    /// With a bit of the mark.
    pub(super) const fn new(bit: u32) -> Self {
        Self { bit, ways: BTreeMap::new(), outlets: Vec::new() }
    }

    /// A copy of a packet; `None` where only the original will do: what is passed on and not sent
    /// here, the first packet of a TCP connection, on which the namespace's own rules may decide by
    /// its owner (redirection to a proxy, for one), what is routed by a mark, multicast, and what
    /// has yet to be cut into fragments.
    pub(super) fn copy(&mut self, packet: &Packet<'_>) -> Option<Parcel> {
        let label = label(packet.payload)?;
        let ordinary = packet.hook == LOCAL_OUT
            && packet.mark == 0
            && !label.opens
            && !label.destination.is_multicast()
            && !label.source.is_unspecified()
            && packet.device != 0
            && packet.payload.len() == packet.length;
        if !ordinary {
            return None;
        }
        let way = Way { device: packet.device, source: label.source };
        let socket = self.socket(way)?;
        let longest = self.outlets.get(socket)?.longest;
        (packet.length <= longest).then(|| Parcel {
            socket,
            to: address(label.destination, packet.device),
            bytes: packet.payload.into(),
        })
    }

    fn socket(&mut self, way: Way) -> Option<usize> {
        if let Some(socket) = self.ways.get(&way) {
            return Some(*socket);
        }
        if self.outlets.len() >= SOCKETS {
            return None;
        }
        // Where there can be no socket, the original has to do.
        self.outlets.push(Outlet::open(way, self.bit).ok()?);
        let socket = self.outlets.len() - 1;
        self.ways.insert(way, socket);
        Some(socket)
    }

    /// Sends copies in their order.
    pub(super) fn send(&self, parcels: &[Parcel]) -> Sent {
        let mut sent = Sent::default();
        for alike in parcels.chunk_by(|one, next| one.socket == next.socket) {
            let outlet = alike.first().and_then(|parcel| self.outlets.get(parcel.socket));
            if let Some(outlet) = outlet {
                outlet.send(alike, &mut sent);
            }
        }
        sent
    }
}

impl Outlet {
    fn open(way: Way, bit: u32) -> Result<Self> {
        let ipv4 = way.source.is_ipv4();
        let family = if ipv4 { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::RAW, flags, Some(ipproto::RAW))
            .context("cannot open a raw socket")?;
        let name = netdevice::index_to_name(&socket, way.device)?;
        setsockopt(&socket, sockopt::BindToDevice, &name.clone().into())?;
        setsockopt(&socket, sockopt::Mark, &bit)?;
        if setsockopt(&socket, sockopt::SndBufForce, &BUFFER).is_err() {
            setsockopt(&socket, sockopt::SndBuf, &BUFFER)?;
        }
        options::set_socket_timeout(&socket, options::Timeout::Send, Some(PATIENCE))?;
        options::set_socket_broadcast(&socket, true)?;
        if ipv4 {
            options::set_ip_freebind(&socket, true)?;
        } else {
            options::set_ipv6_freebind(&socket, true)?;
        }
        rustix::net::bind(&socket, &address(way.source, way.device))?;
        let longest = std::fs::read_to_string(format!("/sys/class/net/{name}/mtu"));
        let longest = longest.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1500);
        Ok(Self { socket, longest })
    }

    fn send(&self, parcels: &[Parcel], sent: &mut Sent) {
        let addresses: Vec<SocketAddrAny> =
            parcels.iter().map(|parcel| SocketAddrAny::from(parcel.to)).collect();
        let slices: Vec<[IoSlice<'_>; 1]> =
            parcels.iter().map(|parcel| [IoSlice::new(&parcel.bytes)]).collect();
        let mut control: Vec<SendAncillaryBuffer<'_, '_, '_>> =
            parcels.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut messages: Vec<MMsgHdr<'_>> = addresses
            .iter()
            .zip(&slices)
            .zip(&mut control)
            .map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control))
            .collect();
        let mut rest = messages.as_mut_slice();
        while !rest.is_empty() {
            let done = match sendmmsg(&self.socket, rest, SendFlags::empty()) {
                Ok(count) => count.max(1),
                Err(rustix::io::Errno::INTR) => 0,
                Err(error) => {
                    sent.note(&error.into());
                    1
                }
            };
            rest = rest.get_mut(done..).unwrap_or_default();
        }
    }
}

impl Sent {
    fn note(&mut self, error: &io::Error) {
        use io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable, PermissionDenied};
        match error.kind() {
            PermissionDenied | NetworkDown | NetworkUnreachable | HostUnreachable => {
                self.refused += 1;
            }
            _ => {
                self.failed += 1;
                self.errno = error.raw_os_error().unwrap_or_default();
            }
        }
    }
}

/// An address, within the scope of an interface where it is a link-local one.
fn address(ip: IpAddr, device: u32) -> SocketAddr {
    match ip {
        IpAddr::V6(ip) if ip.is_unicast_link_local() => {
            SocketAddr::V6(SocketAddrV6::new(ip, 0, 0, device))
        }
        ip => SocketAddr::new(ip, 0),
    }
}
