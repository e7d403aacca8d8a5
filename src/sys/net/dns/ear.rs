//! The sockets that redirected questions arrive at.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;

use anyhow::{Context, Result, bail};
use nix::sys::socket::{setsockopt, sockopt};

use super::server::OUR_MARK;

/// How often a port that is free for one protocol may be taken for another.
const ATTEMPTS: usize = 32;

/// Sockets at one port of the loopback interface, where redirected packets of this machine go.
#[derive(Debug)]
pub(super) struct Ears {
    pub(super) port: u16,
    pub(super) four: Ear,
    /// `None` where there is no IPv6.
    pub(super) six: Option<Ear>,
}

/// Sockets at one address.
#[derive(Debug)]
pub(super) struct Ear {
    pub(super) udp: UdpSocket,
    pub(super) tcp: TcpListener,
}

impl Ears {
    /// Opens them in the namespace of the calling thread.
    pub(super) fn open() -> Result<Self> {
        for _ in 0..ATTEMPTS {
            match Self::at_some_port() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                ears => {
                    return ears.context(
                        "cannot listen on the loopback interface of the target's network; is `lo` up?",
                    );
                }
            }
        }
        bail!("no port of the target's network is free for both UDP and TCP")
    }

    fn at_some_port() -> io::Result<Self> {
        let four = Ear::at(Ipv4Addr::LOCALHOST.into(), 0)?;
        let port = four.udp.local_addr()?.port();
        let six = match Ear::at(Ipv6Addr::LOCALHOST.into(), port) {
            Err(error) if lacks_ipv6(&error) => None,
            ear => Some(ear?),
        };
        Ok(Self { port, four, six })
    }
}

impl Ear {
    fn at(address: IpAddr, port: u16) -> io::Result<Self> {
        let udp = UdpSocket::bind(SocketAddr::new(address, port))?;
        let tcp = TcpListener::bind(udp.local_addr()?)?;
        udp.set_nonblocking(true)?;
        tcp.set_nonblocking(true)?;
        mark(&udp)?;
        mark(&tcp)?;
        Ok(Self { udp, tcp })
    }
}

/// Marks what a socket sends, so that it is not redirected to us again.
pub(super) fn mark(socket: &impl AsFd) -> io::Result<()> {
    Ok(setsockopt(socket, sockopt::Mark, &OUR_MARK)?)
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL | libc::EAFNOSUPPORT))
}
