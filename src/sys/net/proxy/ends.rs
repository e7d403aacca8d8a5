//! The sockets of a proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;
/// How often another port is tried if one is free in one family only.
const ATTEMPTS: usize = 16;

/// Listening sockets on one port of both families, as many as there are.
pub(super) struct Listeners {
    pub(super) sockets: Vec<TcpListener>,
    pub(super) port: u16,
}

impl Listeners {
    /// On a port that is free.
    pub(super) fn bind() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..ATTEMPTS {
            let four = listen(Ipv4Addr::UNSPECIFIED.into(), 0)?;
            let port = four.local_addr()?.port();
            match listen(Ipv6Addr::UNSPECIFIED.into(), port) {
                Ok(six) => return Ok(Self { sockets: vec![four, six], port }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                // A kernel without IPv6 has nothing that could come over it.
                Err(_) => return Ok(Self { sockets: vec![four], port }),
            }
        }
        Err(last)
    }
}

fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    let socket = match address {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => {
            let socket = TcpSocket::new_v6()?;
            rustix::net::sockopt::set_ipv6_v6only(&socket, true)?;
            socket
        }
    };
    socket.bind(SocketAddr::new(address, port))?;
    socket.listen(BACKLOG)
}

/// Where a redirected connection was to go (`SO_ORIGINAL_DST`, `linux/netfilter_ipv4.h`, and its like
/// for IPv6). One that was not redirected, which somebody opened to the proxy itself, is an error.
pub(super) fn destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    let here = stream.local_addr()?;
    let there: SocketAddr = match here {
        SocketAddr::V4(_) => rustix::net::sockopt::ip_original_dst(stream)?.into(),
        SocketAddr::V6(_) => rustix::net::sockopt::ipv6_original_dst(stream)?.into(),
    };
    if there == here {
        return Err(io::Error::other("it was not redirected"));
    }
    Ok(there)
}

/// Connects to where the connection was to go, marked so that it is not redirected again.
pub(super) async fn connect(destination: SocketAddr, mark: u32) -> io::Result<TcpStream> {
    let socket = match destination {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    setsockopt(&socket, sockopt::Mark, &mark)?;
    let stream = socket.connect(destination).await?;
    prepare(&stream)?;
    Ok(stream)
}

/// Sends data at once; and a close that nobody asked for, such as that of a killed agent, is a reset,
/// so that half of an answer is never taken for all of it.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    reset_on_close(stream)
}

fn reset_on_close(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?)
}

/// What was sent still arrives, and then the end.
pub(super) fn close_in_order(stream: &TcpStream) {
    // It fails if the connection is gone.
    let _ = rustix::net::sockopt::set_socket_linger(stream, None);
}
