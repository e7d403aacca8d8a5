//! Whose sockets they are, where several share a network namespace.

use std::collections::BTreeSet;
use std::path::Path;

use super::TcpSocket;

/// Whose sockets are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Everybody's in the namespace.
    Anybody,
    /// Those of some processes, by their inodes.
    Inodes(BTreeSet<u32>),
}

impl Owner {
    /// The sockets that processes hold now. One whose descriptors we may not see holds none.
    #[must_use]
    pub fn processes(pids: &[i32]) -> Self {
        Self::Inodes(pids.iter().flat_map(|pid| inodes(*pid)).collect())
    }

    /// Those of `sockets` that are theirs. What nobody has accepted yet has no inode, and belongs
    /// to whoever listens for it.
    #[must_use]
    pub fn of<'a>(&self, sockets: &'a [TcpSocket]) -> Vec<&'a TcpSocket> {
        let Self::Inodes(inodes) = self else { return sockets.iter().collect() };
        let held = |socket: &TcpSocket| inodes.contains(&socket.inode);
        let doors: Vec<&TcpSocket> =
            sockets.iter().filter(|socket| socket.listening && held(socket)).collect();
        let waits = |socket: &TcpSocket| {
            socket.inode == 0
                && doors.iter().any(|door| {
                    door.local.port() == socket.local.port()
                        && (door.local.ip().is_unspecified()
                            || door.local.ip() == socket.local.ip())
                })
        };
        sockets.iter().filter(|socket| held(socket) || waits(socket)).collect()
    }
}

/// The inodes of the sockets that a process holds (`/proc/PID/fd`, proc(5)).
fn inodes(pid: i32) -> Vec<u32> {
    let folder = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let links = folder.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    links.filter_map(|link| inode(&link)).collect()
}

/// The number in `socket:[NUMBER]`.
fn inode(link: &Path) -> Option<u32> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
