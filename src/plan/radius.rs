//! The blast radius: who else is touched, by joining the acts with the facts about the host.

use std::collections::BTreeSet;

use super::Radius;
use super::chosen::Chosen;
use super::disk;
use super::step::Aimed;
use crate::act::{Act, NamespaceId, ProcessId};
use crate::target::{Neighbour, Process, Surroundings, printable};

/// Something that several processes share and a fault changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shared {
    Network(NamespaceId),
    Pids(NamespaceId),
    Cgroups(Vec<String>),
}

/// Who and what is touched, each named once, in a stable order.
pub(super) fn compute(
    aimed: &[Aimed<'_>],
    around: &Surroundings,
    left_alone: Vec<String>,
) -> Radius {
    let mut shared = BTreeSet::new();
    let mut file_systems = BTreeSet::new();
    for (target, acts) in aimed {
        for act in acts {
            if let Chosen::Process(process) = target {
                shared.extend(changed(act, process, around));
            }
            if let Act::FillDisk(fill) = act {
                let mount = disk::mount(&fill.path, target, around);
                file_systems.extend(mount.map(|mount| mount.point.clone()));
            }
        }
    }
    let targets: BTreeSet<String> = aimed.iter().map(|(target, _)| target.to_string()).collect();
    let (listening, flows) = sockets(aimed, around);
    Radius {
        targets: targets.into_iter().collect(),
        bystanders: bystanders(&shared, aimed, around),
        shared: shared.iter().map(Shared::to_string).collect(),
        file_systems: file_systems.into_iter().collect(),
        listening: listening.into_iter().collect(),
        flows: flows.into_iter().collect(),
        left_alone,
        loopback: aimed.iter().flat_map(|(_, acts)| acts).any(is_on_loopback),
    }
}

/// Whether the act is about `lo`, where both ends of a connection are.
fn is_on_loopback(act: &Act) -> bool {
    act.traffic().is_some_and(|traffic| traffic.interfaces.iter().any(|name| name == "lo"))
}

/// What the act changes beside the process itself.
fn changed(act: &Act, process: &Process, around: &Surroundings) -> Option<Shared> {
    let namespaces = around.namespaces(process.id);
    match act {
        // Of a network that it shares with the host only its own packets are met.
        Act::Filter(_) | Act::Shape(_) | Act::Cut(_) | Act::FailDns(_) | Act::Proxy(_) => {
            namespaces.net.filter(|it| !around.host_networks.contains(it)).map(Shared::Network)
        }
        Act::Stress(_) => Some(Shared::Cgroups(process.cgroups.clone())),
        // The kernel ends every process of a PID namespace with its first.
        Act::Signal(_) if process.is_namespace_init() => namespaces.pid.map(Shared::Pids),
        Act::Signal(_)
        | Act::Pause(_)
        | Act::FillDisk(_)
        | Act::Restart(_)
        | Act::JoinNetwork(_)
        | Act::StartService(_) => None,
    }
}

impl Shared {
    fn has(&self, neighbour: &Neighbour) -> bool {
        match self {
            Self::Network(id) => neighbour.namespaces.net == Some(*id),
            Self::Pids(id) => neighbour.namespaces.pid == Some(*id),
            Self::Cgroups(paths) => neighbour.cgroups == *paths,
        }
    }
}

impl std::fmt::Display for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Network(id) => write!(formatter, "net:[{}]", id.ino),
            Self::Pids(id) => write!(formatter, "pid:[{}]", id.ino),
            Self::Cgroups(paths) if paths.is_empty() => formatter.write_str("cgroup /"),
            Self::Cgroups(paths) => write!(formatter, "cgroup {}", printable(&paths.join(" "))),
        }
    }
}

fn bystanders(
    shared: &BTreeSet<Shared>,
    aimed: &[Aimed<'_>],
    around: &Surroundings,
) -> Vec<String> {
    let targets: BTreeSet<ProcessId> = processes(aimed).map(|process| process.id).collect();
    let stranger = |neighbour: &&Neighbour| {
        !targets.contains(&neighbour.id) && shared.iter().any(|shared| shared.has(neighbour))
    };
    let mut touched: Vec<&Neighbour> = around.neighbours.iter().filter(stranger).collect();
    touched.sort_by_key(|neighbour| (&neighbour.name, neighbour.id.start_time, neighbour.id.pid));
    let name = |it: &&Neighbour| format!("{} (pid {})", printable(&it.name), it.id.pid);
    touched.iter().map(name).collect()
}

/// The ports that targets listen on, and their connections.
fn sockets(aimed: &[Aimed<'_>], around: &Surroundings) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut listening, mut flows) = (BTreeSet::new(), BTreeSet::new());
    for process in processes(aimed) {
        for socket in around.sockets.get(&process.id.pid).into_iter().flatten() {
            let (protocol, local) = (socket.protocol, socket.local);
            if socket.listening {
                listening.insert(format!("{protocol} {local} of {process}"));
            } else {
                flows.insert(format!("{protocol} {local} – {} of {process}", socket.remote));
            }
        }
    }
    (listening, flows)
}

fn processes<'a>(aimed: &'a [Aimed<'a>]) -> impl Iterator<Item = &'a Process> {
    aimed.iter().filter_map(|(target, _)| match target {
        Chosen::Process(process) => Some(*process),
        Chosen::Service { .. } | Chosen::Host => None,
    })
}
