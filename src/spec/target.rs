//! Whom a step is aimed at.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Name;
use super::quantity::{OneOrMany, Pick};

/// Exactly one of `service`, `process`, `host`. A match of nothing is an error; nothing ever means "all".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Target {
    /// Services of this experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSelector>,
    /// Processes of this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessSelector>,
    /// With `true`: this host itself, for faults of the network that all of its processes share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host: bool,
    /// How many of what matches: `one` (the default; chosen by the seed), `all`, a number, or a share such as `50%`.
    #[serde(default)]
    pub pick: Pick,
    /// Processes that are left out although they match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub except: Option<ProcessSelector>,
}

/// The name of a service, or a list of names.
pub type ServiceSelector = OneOrMany<Name>;

/// Processes that match all of what is given; at least one field is required. This process, its
/// ancestors, its agent, PID 1 and kernel threads never match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessSelector {
    /// The process id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// The exact name, as `ps -o comm` prints it (15 bytes at most).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The exact path of the executable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<PathBuf>,
    /// A word that equals one argument of the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The user it runs as, by name or number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A port it listens on, TCP or UDP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its control group: the exact path, as in `/proc/PID/cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<String>,
    /// Its systemd unit, such as `nginx.service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The process id of its parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<i32>,
}
