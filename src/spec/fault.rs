//! The catalogue of faults, as written in a file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::network::{
    ConnectionReset, DnsFailure, HttpFault, NetworkCorruption, NetworkDuplication, NetworkLatency,
    NetworkLoss, NetworkPartition, NetworkRate, NetworkReordering, TcpProxy,
};
use super::quantity::{Cores, Duration, Percent, Signal, Size};

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
    /// Cuts a target off from its peers.
    NetworkPartition(NetworkPartition),
    /// Delays packets.
    NetworkLatency(NetworkLatency),
    /// Drops packets at random, or every n-th, or in bursts.
    NetworkLoss(NetworkLoss),
    /// Sends packets twice.
    NetworkDuplication(NetworkDuplication),
    /// Changes a bit of packets.
    NetworkCorruption(NetworkCorruption),
    /// Lets packets overtake others.
    NetworkReordering(NetworkReordering),
    /// Lets less data pass in a second.
    NetworkRate(NetworkRate),
    /// Cuts TCP connections, and refuses new ones if asked. Class X: whoever lost a connection opens it again; class K while new ones are refused.
    ConnectionReset(ConnectionReset),
    /// Answers questions for names falsely, late or not at all; all others reach their name server.
    DnsFailure(DnsFailure),
    /// Delays, aborts, answers, changes, truncates or corrupts HTTP requests and their answers, by a proxy that nobody has to be told of.
    HttpFault(Box<HttpFault>),
    /// Leads TCP connections through a proxy that delays, slows, slices, holds, cuts or resets them.
    TcpProxy(Box<TcpProxy>),
}

impl Fault {
    /// Whether it changes a network.
    #[must_use]
    pub const fn is_network(&self) -> bool {
        matches!(
            self,
            Self::NetworkPartition(_)
                | Self::NetworkLatency(_)
                | Self::NetworkLoss(_)
                | Self::NetworkDuplication(_)
                | Self::NetworkCorruption(_)
                | Self::NetworkReordering(_)
                | Self::NetworkRate(_)
                | Self::ConnectionReset(_)
                | Self::DnsFailure(_)
                | Self::HttpFault(_)
                | Self::TcpProxy(_)
        )
    }

    /// Whether it stays until it is undone, so that a step must say `for` how long.
    #[must_use]
    pub const fn lasts(&self) -> bool {
        match self {
            Self::ProcessKill(_) => self.every().is_some(),
            Self::ConnectionReset(reset) => reset.lasts(),
            Self::ProcessRestart(_) => false,
            _ => true,
        }
    }

    /// How often it is done again, of a fault that is over at once.
    #[must_use]
    pub const fn every(&self) -> Option<Duration> {
        match self {
            Self::ProcessKill(kill) => kill.every,
            Self::ConnectionReset(reset) => reset.every,
            _ => None,
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
