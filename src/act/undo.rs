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
        /// The table of the `netdev` family.
        table: String,
    },
    /// Deletes our own queueing disciplines; the kernel then puts its default back.
    Unshape {
        /// The network namespace.
        namespace: NamespaceId,
        /// Index and name of each interface.
        interfaces: Vec<(u32, String)>,
        /// The major number of our handle.
        handle: u16,
    },
    /// Removes a control group of our own.
    RemoveCgroup {
        /// The group.
        path: PathBuf,
    },
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
            Self::Irreversible => format!("signal to {site}"),
            Self::LeaveNetwork { interface, .. } => format!("the run's network on {interface}"),
            Self::StopService { name, .. } => format!("service {name}"),
            Self::EnsureRunning { name } => format!("restart of service {name}"),
            Self::Resume { .. } => format!("pause of {site}"),
            Self::StopStress { .. } => format!("processor load beside {site}"),
            Self::FreeDisk { .. } => format!("disk space taken for {site}"),
            Self::DropTable { table, .. } => format!("packet filter {table} of {site}"),
            Self::Unshape { .. } => format!("packet delay of {site}"),
            Self::RemoveCgroup { path } => format!("control group {}", path.display()),
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
            | Self::Unshape { .. }
            | Self::RemoveCgroup { .. } => true,
            Self::FreeDisk { file } => file.is_none(),
        }
    }
}
