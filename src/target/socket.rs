//! Sockets: who listens, and who is connected with whom.

use std::fmt;
use std::net::SocketAddr;

use procfs::net::{TcpNetEntry, TcpState, UdpNetEntry};
use procfs::process::{self, FDTarget};
use serde::{Deserialize, Serialize};

/// A socket of a network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Socket {
    /// Its protocol.
    pub protocol: Protocol,
    /// This end.
    pub local: SocketAddr,
    /// The other end; port 0 for none.
    pub remote: SocketAddr,
    /// Whether it waits for others, rather than being connected.
    pub listening: bool,
    /// Its inode, which the file descriptors of its owners lead to.
    pub inode: u64,
}

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

/// The sockets in the network namespace of a process that listen or are connected, of
/// `/proc/PID/net/{tcp,tcp6,udp,udp6}`. What cannot be read is left out.
pub(super) fn of_namespace(pid: i32) -> Vec<Socket> {
    let Ok(process) = process::Process::new(pid) else { return Vec::new() };
    let tcp = [process.tcp(), process.tcp6()].into_iter().flatten().flatten();
    let udp = [process.udp(), process.udp6()].into_iter().flatten().flatten();
    tcp.filter_map(|entry| of_tcp(&entry)).chain(udp.map(|entry| of_udp(&entry))).collect()
}

fn of_tcp(entry: &TcpNetEntry) -> Option<Socket> {
    let listening = match entry.state {
        TcpState::Listen => true,
        TcpState::Established => false,
        _ => return None,
    };
    Some(Socket {
        protocol: Protocol::Tcp,
        local: entry.local_address,
        remote: entry.remote_address,
        listening,
        inode: entry.inode,
    })
}

fn of_udp(entry: &UdpNetEntry) -> Socket {
    Socket {
        protocol: Protocol::Udp,
        local: entry.local_address,
        remote: entry.remote_address,
        listening: entry.remote_address.port() == 0,
        inode: entry.inode,
    }
}

/// The inodes of the sockets that a process holds. Empty where we may not look.
pub(super) fn inodes(pid: i32) -> Vec<u64> {
    let descriptors = process::Process::new(pid).and_then(|process| process.fd());
    let Ok(descriptors) = descriptors else { return Vec::new() };
    let inode = |target| if let FDTarget::Socket(inode) = target { Some(inode) } else { None };
    descriptors.flatten().filter_map(|descriptor| inode(descriptor.target)).collect()
}

/// The ports that a process listens on, by the sockets of its namespace.
pub(super) fn listening_ports(sockets: &[Socket], inodes: &[u64]) -> Vec<u16> {
    let own = sockets.iter().filter(|socket| socket.listening && inodes.contains(&socket.inode));
    let mut ports: Vec<u16> = own.map(|socket| socket.local.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_and_its_connection_are_seen() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = std::net::TcpStream::connect(address).unwrap();
        let pid = std::process::id().cast_signed();
        let (sockets, inodes) = (of_namespace(pid), inodes(pid));
        assert!(listening_ports(&sockets, &inodes).contains(&address.port()));
        let connected = sockets.iter().find(|socket| !socket.listening && socket.remote == address);
        assert_eq!(connected.unwrap().local, client.local_addr().unwrap());
        assert!(inodes.contains(&connected.unwrap().inode));
    }
}
