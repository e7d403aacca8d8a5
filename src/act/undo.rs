//! What takes an act back: data that another process can replay after a crash or a reboot.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{NamespaceId, ProcessId};
use crate::spec::Stop;

/// The reverse of an act, complete before the act is performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Undo {
    /// Nothing can or need be taken back.
    Irreversible,
    /// Removes the run's network: this host's leg, and with it the bridge.
    LeaveNetwork {
        /// The name of this host's leg.
        interface: String,
        /// Its hardware address, which tells it from a stranger of the same name.
        mac: [u8; 6],
    },
    /// Stops a service with all its descendants.
    StopService {
        /// The service.
        name: String,
        /// How it is asked.
        stop: Stop,
        /// Its control group, where the host has one for it.
        cgroup: Option<PathBuf>,
    },
    /// Makes a restarted service run again if the restart was cut short.
    EnsureRunning {
        /// The service.
        name: String,
    },
    /// Lets a process run again.
    Resume {
        /// The process.
        process: ProcessId,
        /// How it was held.
        hold: PauseHold,
    },
    /// Ends the workers of a load.
    StopStress {
        /// The target's control groups, where the workers are.
        beside: ProcessId,
    },
    /// Gives disk space back.
    FreeDisk {
        /// The named file, where the file system has no unnamed ones.
        file: Option<PathBuf>,
    },
    /// Deletes a table of our own.
    DropTable {
        /// The network namespace.
        namespace: NamespaceId,
        /// The table, or those of this name in each family.
        table: String,
    },
    /// Lets questions for names reach their name servers again.
    ReleaseDns {
        /// The network namespace.
        namespace: NamespaceId,
        /// Our table of the `inet` family.
        table: String,
    },
    /// Deletes chains of `iptables` of our own.
    RemoveChains {
        /// The network namespace.
        namespace: NamespaceId,
        /// What their names begin with.
        chains: String,
    },
    /// Deletes our own queueing disciplines, with their filters and interfaces; the kernel then puts
    /// its default back.
    Unshape {
        /// The network namespace.
        namespace: NamespaceId,
        /// What is shaped.
        interfaces: Vec<ShapedInterface>,
        /// The major number of our handle.
        handle: u16,
    },
    /// Takes an act back that was restricted to some processes, and moves those back where they
    /// came from.
    Rejoin {
        /// The control group of our own that they are in.
        group: PathBuf,
        /// The one they were in before.
        origin: PathBuf,
        /// What comes first.
        then: Box<Undo>,
    },
    /// Removes a control group of our own.
    RemoveCgroup {
        /// The group.
        path: PathBuf,
    },
}

/// An interface whose packets are impaired, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShapedInterface {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// How many packets its queue holds, which the kernel changes if that is none.
    pub queue_length: u32,
    /// Where what it sends is impaired.
    pub egress: Option<Egress>,
    /// The interface of our own that impairs what it receives.
    pub ingress: Option<Detour>,
}

/// Where packets that an interface sends are impaired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Egress {
    /// At its root.
    Root,
    /// On a cable of our own, from which they return to it.
    Detour(Detour),
}

/// An interface of our own that packets are sent through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Detour {
    /// Its name.
    pub interface: String,
    /// Its hardware address, which tells it from a stranger of the same name.
    pub mac: [u8; 6],
    /// Whether a table of the agent's leads there, which goes with it; else a filter does.
    pub tabled: bool,
}

/// How a process is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PauseHold {
    /// By our `ptrace`: the kernel lets go when the agent is gone.
    Ptrace,
    /// In a freezer group of our own.
    Freezer {
        /// Our group.
        group: PathBuf,
        /// The group it was in before.
        origin: PathBuf,
    },
}

impl Undo {
    /// What it takes back, in words, for lists; `site` is where the act happened, in words.
    #[must_use]
    pub fn describe(&self, site: &str) -> String {
        match self {
            Self::Irreversible => format!("what was done to {site}"),
            Self::LeaveNetwork { interface, .. } => format!("the run's network on {interface}"),
            Self::StopService { name, .. } => format!("service {name}"),
            Self::EnsureRunning { name } => format!("restart of service {name}"),
            Self::Resume { .. } => format!("pause of {site}"),
            Self::StopStress { .. } => format!("processor load beside {site}"),
            Self::FreeDisk { .. } => format!("disk space taken for {site}"),
            Self::DropTable { table, .. } => format!("packet filter {table} of {site}"),
            Self::ReleaseDns { .. } => format!("false answers to name lookups of {site}"),
            Self::Unshape { .. } => format!("packet shaping of {site}"),
            Self::Rejoin { then, .. } => then.describe(site),
            Self::RemoveChains { chains, .. } => format!("chains {chains} of iptables of {site}"),
            Self::RemoveCgroup { path } => format!("control group {}", path.display()),
        }
    }

    /// The undo of the act itself, without the way back of its processes.
    #[must_use]
    pub fn own(&self) -> &Self {
        match self {
            Self::Rejoin { then, .. } => then.own(),
            own => own,
        }
    }

    /// The network namespace from which it takes chains of a packet filter.
    #[must_use]
    pub fn unfiltered(&self) -> Option<NamespaceId> {
        match self.own() {
            Self::DropTable { namespace, .. }
            | Self::ReleaseDns { namespace, .. }
            | Self::RemoveChains { namespace, .. } => Some(*namespace),
            _ => None,
        }
    }

    /// Whether a reboot has already done it.
    #[must_use]
    pub const fn vanishes_with_boot(&self) -> bool {
        match self {
            Self::Irreversible
            | Self::LeaveNetwork { .. }
            | Self::StopService { .. }
            | Self::EnsureRunning { .. }
            | Self::Resume { .. }
            | Self::StopStress { .. }
            | Self::DropTable { .. }
            | Self::ReleaseDns { .. }
            | Self::RemoveChains { .. }
            | Self::Unshape { .. }
            | Self::Rejoin { .. }
            | Self::RemoveCgroup { .. } => true,
            Self::FreeDisk { file } => file.is_none(),
        }
    }
}
