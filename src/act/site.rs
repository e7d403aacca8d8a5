//! Where an act happens: identities that survive a crash, never names alone.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the agent must find and hold on its host.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SiteRef {
    /// The host itself.
    Host,
    /// A process.
    Process(ProcessId),
    /// The process that a service of the run has at the moment of the act.
    Service {
        /// The service's name in the experiment.
        name: String,
    },
}

/// A process, told apart from a later one with the same number.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct ProcessId {
    /// The number in the agent's PID namespace.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat` (proc(5)): clock ticks from boot to its start.
    pub start_time: u64,
}

/// A namespace, told apart by the inode behind `/proc/PID/ns/*`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct NamespaceId {
    /// The device of nsfs.
    pub dev: u64,
    /// The inode.
    pub ino: u64,
}

impl fmt::Display for SiteRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => formatter.write_str("this host"),
            Self::Process(process) => write!(formatter, "process {process}"),
            Self::Service { name } => write!(formatter, "service {name}"),
        }
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.pid)
    }
}

impl fmt::Display for NamespaceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "net:[{}]", self.ino)
    }
}
