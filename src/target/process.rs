//! A process as a plan needs it. Data only.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::printable;
use crate::act::{NamespaceId, ProcessId};

/// A process of this host at the moment it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Process {
    /// Its identity.
    pub id: ProcessId,
    /// Its parent; 0 for none.
    pub parent: i32,
    /// Its name, `comm` of proc(5), 15 bytes at most.
    pub name: String,
    /// Its executable, where we may see it.
    pub exe: Option<PathBuf>,
    /// Its command line.
    pub command: Vec<String>,
    /// The effective user.
    pub uid: u32,
    /// That user's name in `/etc/passwd`; the number where there is none.
    pub user: String,
    /// Its control groups, one path for each hierarchy that it is not at the root of, each once.
    pub cgroups: Vec<String>,
    /// Its systemd unit.
    pub unit: Option<String>,
    /// `State` of proc(5), such as `S`.
    pub state: char,
    /// Who traces it.
    pub tracer: Option<i32>,
    /// Its number in each PID namespace, from ours inwards.
    pub namespace_pids: Vec<i32>,
}

impl Process {
    /// Orders processes the same on every reading: by name, then start, then number.
    #[must_use]
    pub fn order(&self) -> (&str, u64, i32) {
        (&self.name, self.id.start_time, self.id.pid)
    }

    /// Whether it is the first process of a PID namespace that is not ours; its end ends them all.
    #[must_use]
    pub fn is_namespace_init(&self) -> bool {
        self.namespace_pids.len() > 1 && self.namespace_pids.last() == Some(&1)
    }
}

/// Such as `nginx (pid 812)`, safe to print.
impl fmt::Display for Process {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (pid {})", printable(&self.name), self.id.pid)
    }
}

/// The namespaces of a process that faults can reach; `None` where we may not look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// The network.
    pub net: Option<NamespaceId>,
    /// The numbers of processes.
    pub pid: Option<NamespaceId>,
    /// The mounts.
    pub mnt: Option<NamespaceId>,
}
