//! The catalogue of faults, as written in a file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Cores, Correlation, Duration, IpNetwork, Percent, PortRange, Signal, Size};

/// One fault with its parameters. A fault without parameters may be written as its name alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Sends a signal that ends the process. Class X: not undone, a service comes back by its restart policy.
    ProcessKill(ProcessKill),
    /// Stops all threads of the process, as a long garbage collection or a frozen machine would. A process that was stopped before stays stopped after.
    ProcessPause(ProcessPause),
    /// Stops a service of this experiment and starts it again.
    ProcessRestart(ProcessRestart),
    /// Burns processor time in the target's own control group, under its quota and on its processors.
    CpuStress(CpuStress),
    /// Takes free space of the file system that holds a path.
    DiskFill(DiskFill),
    /// Drops the packets of a target that has a network namespace of its own.
    NetworkPartition(NetworkPartition),
    /// Delays the packets that a target with a network namespace of its own sends.
    NetworkLatency(NetworkLatency),
}

impl Fault {
    /// Whether it stays until it is undone, so that a step must say `for` how long.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        match self {
            Self::ProcessKill(kill) => kill.every.is_some(),
            Self::ProcessRestart(_) => false,
            Self::ProcessPause(_)
            | Self::CpuStress(_)
            | Self::DiskFill(_)
            | Self::NetworkPartition(_)
            | Self::NetworkLatency(_) => true,
        }
    }
}

/// Which signal, and how it goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessKill {
    /// The signal.
    #[serde(default = "ProcessKill::default_signal")]
    pub signal: Signal,
    /// Sends SIGKILL to what still lives this long after the signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_after: Option<Duration>,
    /// Repeats as long as the step lasts, against whatever the selector's services run then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Duration>,
}

impl ProcessKill {
    const fn default_signal() -> Signal {
        Signal::KILL
    }
}

impl Default for ProcessKill {
    fn default() -> Self {
        Self { signal: Self::default_signal(), kill_after: None, every: None }
    }
}

/// How the process is held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessPause {
    /// The mechanism; chosen by what the host permits.
    #[serde(default)]
    pub method: PauseMethod,
}

/// How a process is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PauseMethod {
    /// By `ptrace` where it may be traced, else by the freezer.
    #[default]
    Auto,
    /// By `PTRACE_SEIZE`: class K, ends by itself with the agent.
    Ptrace,
    /// By a freezer control group of its own: class G.
    Freezer,
}

/// How the service goes down and comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessRestart {
    /// The signal that asks it to stop.
    #[serde(default = "ProcessRestart::default_signal")]
    pub signal: Signal,
    /// Sends SIGKILL to what still lives this long after the signal.
    #[serde(default = "ProcessRestart::default_kill_after")]
    pub kill_after: Duration,
    /// How long it stays down.
    #[serde(default)]
    pub down: Duration,
}

impl ProcessRestart {
    const fn default_signal() -> Signal {
        Signal::TERM
    }

    const fn default_kill_after() -> Duration {
        Duration::from_secs(5)
    }
}

impl Default for ProcessRestart {
    fn default() -> Self {
        Self {
            signal: Self::default_signal(),
            kill_after: Self::default_kill_after(),
            down: Duration::default(),
        }
    }
}

/// How much processor time is burnt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CpuStress {
    /// How many processors are loaded: a number, or `all` that the target may use (the default).
    #[serde(default)]
    pub cores: Cores,
    /// The load of each of them.
    #[serde(default = "CpuStress::default_load")]
    pub load: Percent,
}

impl CpuStress {
    const fn default_load() -> Percent {
        Percent::HUNDRED
    }
}

/// Where and how much. Exactly one of `size`, `percent`, `leave-free`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DiskFill {
    /// A directory on the file system to fill, as the target sees it.
    pub path: PathBuf,
    /// Takes this much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Fills up to this share of the file system's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// Fills until this much is left for ordinary users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave_free: Option<Size>,
}

/// How much a `disk-fill` takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// This many bytes.
    Size(Size),
    /// Up to this share of the file system's size.
    Percent(Percent),
    /// Until this much is left for ordinary users.
    LeaveFree(Size),
}

impl DiskFill {
    /// The amount; `None` unless exactly one is given, which `spec::parse` has checked.
    #[must_use]
    pub fn amount(&self) -> Option<Amount> {
        match (self.size, self.percent, self.leave_free) {
            (Some(size), None, None) => Some(Amount::Size(size)),
            (None, Some(percent), None) => Some(Amount::Percent(percent)),
            (None, None, Some(free)) => Some(Amount::LeaveFree(free)),
            _ => None,
        }
    }
}

/// Which packets are lost, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkPartition {
    /// What the other side sees.
    #[serde(default)]
    pub mode: PartitionMode,
    /// Which way, seen from the target.
    #[serde(default)]
    pub direction: Direction,
    /// Only packets to or from these peers; everything by default.
    #[serde(default)]
    pub peers: Peers,
}

/// What happens to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionMode {
    /// It vanishes: the peer waits for its time-out.
    #[default]
    Drop,
}

/// Which way packets go, seen from the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// What it receives.
    From,
    /// What it sends.
    To,
    /// Both ways.
    #[default]
    Both,
}

/// The other end of a connection. An empty list means any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peers {
    /// Services of this experiment with a network of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<super::Name>,
    /// Addresses and networks, IPv4 and IPv6.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpNetwork>,
    /// TCP and UDP ports of the peer, or of the target for what it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<PortRange>,
}

/// The delay of `netem`, in its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkLatency {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far the delay varies. Packets keep their order.
    #[serde(default)]
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    #[serde(default)]
    pub correlation: Correlation,
    /// How the variation is distributed.
    #[serde(default)]
    pub distribution: Distribution,
}

/// A distribution of delays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Every delay within the jitter is as likely as any other.
    #[default]
    Uniform,
    /// The normal distribution, the jitter being its standard deviation.
    Normal,
}
