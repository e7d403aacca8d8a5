//! What is around the candidates of a step: the facts behind the computed blast radius.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Lifeline, Mount, Namespaces, Process, ProcessTable, Socket, control, mount, read, socket,
};
use crate::act::{NamespaceId, ProcessId};
use crate::error::Result;

/// Facts about this host, as far as the method needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Surroundings {
    /// The network namespaces that count as the host's: that of this process and that of PID 1.
    pub host_networks: Vec<NamespaceId>,
    /// Every process, candidates included, with what it may share.
    pub neighbours: Vec<Neighbour>,
    /// The sockets of candidates, by process.
    pub sockets: BTreeMap<i32, Vec<Socket>>,
    /// The file systems as this process sees them, and so do services.
    pub mounts: Vec<Mount>,
    /// The file systems as candidates see them, by process.
    pub mounts_of: BTreeMap<i32, Vec<Mount>>,
    /// The file system that holds the journal.
    pub journal: Option<Mount>,
    /// What must stay reachable while the host's network is disturbed.
    pub lifelines: Vec<Lifeline>,
}

/// A process that may share something with a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Neighbour {
    /// The process.
    pub id: ProcessId,
    /// Its name.
    pub name: String,
    /// Its namespaces.
    pub namespaces: Namespaces,
    /// Its control groups.
    pub cgroups: Vec<String>,
}

/// Which facts the method needs; none but the sockets of candidates are read unasked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Who shares something with a candidate.
    pub neighbours: bool,
    /// Which file systems there are.
    pub mounts: bool,
    /// What must stay reachable.
    pub lifelines: bool,
    /// The folder of the journal.
    pub journal: Option<&'a Path>,
}

impl Surroundings {
    /// Reads what is around the candidates.
    pub fn read(candidates: &[&Process], asked: Asked<'_>) -> Result<Self> {
        let pids: BTreeSet<i32> = candidates.iter().map(|process| process.id.pid).collect();
        let mut surroundings = Self { sockets: sockets(&pids), ..Self::default() };
        if asked.neighbours {
            let host = [read::namespaces("self").net, read::namespaces(1).net];
            surroundings.host_networks = host.into_iter().flatten().collect();
            surroundings.neighbours = neighbours()?;
        }
        if asked.lifelines {
            surroundings.lifelines = control::read();
        }
        if asked.mounts {
            surroundings.mounts = mount::read("self");
            surroundings.mounts_of = pids.iter().map(|pid| (*pid, mount::read(pid))).collect();
            let journal = asked.journal.and_then(|it| Mount::of(it, &surroundings.mounts));
            surroundings.journal = journal.cloned();
        }
        Ok(surroundings)
    }

    /// The namespaces of a process.
    #[must_use]
    pub fn namespaces(&self, id: ProcessId) -> Namespaces {
        let found = self.neighbours.iter().find(|neighbour| neighbour.id == id);
        found.map(|neighbour| neighbour.namespaces).unwrap_or_default()
    }
}

/// The sockets of each process; the tables of each network namespace are read once.
fn sockets(pids: &BTreeSet<i32>) -> BTreeMap<i32, Vec<Socket>> {
    let mut tables: BTreeMap<NamespaceId, Vec<Socket>> = BTreeMap::new();
    let mut sockets = BTreeMap::new();
    for pid in pids {
        let inodes = socket::inodes(*pid);
        let network = read::namespaces(pid).net.filter(|_| !inodes.is_empty());
        if let Some(network) = network {
            let table = tables.entry(network).or_insert_with(|| socket::of_namespace(*pid));
            let own = table.iter().filter(|socket| inodes.contains(&socket.inode));
            sockets.insert(*pid, own.copied().collect());
        }
    }
    sockets
}

/// Every process but the kernel's own threads.
fn neighbours() -> Result<Vec<Neighbour>> {
    let table = ProcessTable::read()?;
    let people = table.rows().iter().filter(|row| !row.kernel_thread);
    let neighbour = |row: &super::Row| Neighbour {
        id: row.id,
        name: row.name.clone(),
        namespaces: read::namespaces(row.id.pid),
        cgroups: read::cgroups(row.id.pid),
    };
    Ok(people.map(neighbour).collect())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::*;
    use crate::target::user::Users;
    use crate::target::{Row, read};

    fn process(pid: u32) -> Process {
        let row = Row::read(pid.cast_signed()).unwrap().unwrap();
        read::process(&row, &Users::default()).unwrap()
    }

    #[test]
    fn what_is_around_this_process_is_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let pid = std::process::id().cast_signed();
        let process = process(std::process::id());
        let journal = Some(Path::new("/proc/1"));
        let asked = Asked { neighbours: true, mounts: true, lifelines: true, journal };
        let around = Surroundings::read(&[&process], asked).unwrap();
        let network = around.namespaces(process.id).net.unwrap();
        assert!(around.host_networks.contains(&network));
        let port = listener.local_addr().unwrap().port();
        let sockets = &around.sockets[&pid];
        assert!(sockets.iter().any(|socket| socket.listening && socket.local.port() == port));
        assert!(around.journal.unwrap().is_virtual());
        assert!(!around.mounts_of[&pid].is_empty());
    }

    #[test]
    fn nothing_is_read_unasked() {
        let around = Surroundings::read(&[], Asked::default()).unwrap();
        assert_eq!(around, Surroundings::default());
    }

    #[test]
    fn a_network_of_its_own_is_told_apart() {
        let mut command = Command::new("unshare");
        command.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut cat = command.stderr(Stdio::null()).spawn().unwrap();
        // Its answer shows that it is in the new namespace.
        let _ = cat.stdin.as_mut().unwrap().write_all(b"!");
        if cat.stdout.as_mut().unwrap().read_exact(&mut [0]).is_ok() {
            let process = process(cat.id());
            let asked = Asked { neighbours: true, ..Asked::default() };
            let around = Surroundings::read(&[&process], asked).unwrap();
            let network = around.namespaces(process.id).net.unwrap();
            assert!(!around.host_networks.contains(&network));
        } else {
            println!("skipped: no permission to make a network namespace");
        }
        drop(cat.stdin.take());
        cat.wait().unwrap();
    }
}
