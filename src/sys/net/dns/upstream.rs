//! True name servers.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::ear::mark;

/// How long an answer is waited for. The kernel forgets whom it is for after 30 s, and no client
/// waits longer than a few.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest datagram.
const LARGEST: usize = 65_535;

/// Sends a datagram as it is, and returns the answer as it is; `None` if none comes.
pub(super) async fn ask(message: &[u8], server: SocketAddr) -> io::Result<Option<Vec<u8>>> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    mark(&socket)?;
    socket.connect(server).await?;
    socket.send(message).await?;
    let mut answer = vec![0; LARGEST];
    match timeout(PATIENCE, socket.recv(&mut answer)).await {
        Ok(length) => {
            answer.truncate(length?);
            Ok(Some(answer))
        }
        Err(_) => Ok(None),
    }
}

/// Connects.
pub(super) async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    mark(&socket)?;
    socket.connect(server).await
}
