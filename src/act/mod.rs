//! What crosses the wire: acts, their undos, where they happen. Data only; the agent gives them life.

mod class;
mod effect;
mod site;
mod undo;

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use class::Class;
pub use effect::{Effect, Observed, Reverted, Strength};
pub use site::{NamespaceId, ProcessId, SiteRef};
pub use undo::{PauseHold, Undo};

use crate::spec::quantity::{Cores, Correlation, Duration, IpNetwork, Percent, PortRange, Signal};
use crate::spec::{Allowance, Amount, Distribution, Network, PauseMethod, Restart, Stop};

/// The number of an act within its run, in the order performed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct ActId(pub u32);

impl std::fmt::Display for ActId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// One change to a host. A closed set: the compiler names every place to extend.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Makes the bridge that joins the run's services with a network of their own to this host.
    JoinNetwork(JoinNetwork),
    /// Starts a service and keeps it as its restart policy says.
    StartService(StartService),
    /// Sends a signal, and SIGKILL later to what still lives.
    Signal(SendSignal),
    /// Stops a service and starts it again.
    Restart(RestartService),
    /// Stops all threads of a process.
    Pause(Pause),
    /// Burns processor time in the target's control group.
    Stress(Stress),
    /// Takes free disk space.
    FillDisk(FillDisk),
    /// Drops packets in a network namespace.
    Filter(Filter),
    /// Delays packets in a network namespace.
    Shape(Shape),
}

/// The run's own network: a bridge in a namespace of its own, with one leg on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinNetwork {
    /// The subnet of the run, such as `198.18.7.0/24`; this host gets its first address.
    pub subnet: IpNetwork,
}

/// A service to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartService {
    /// Its name in the experiment.
    pub name: String,
    /// The program and its arguments; `${run.dir}` is the run's folder.
    pub command: Vec<String>,
    /// Variables of its environment; values may hold `${secret.name}`, which the agent resolves
    /// from what the controller told it, at the start only.
    pub environment: IndexMap<String, String>,
    /// Its working directory; by default one of its own below the run's folder.
    pub directory: Option<PathBuf>,
    /// When it is started again.
    pub restart: Restart,
    /// How long to wait before that.
    pub restart_delay: Duration,
    /// How it is stopped.
    pub stop: Stop,
    /// Its network.
    pub network: Network,
    /// Its address with the length of the subnet's prefix, when the network is its own.
    pub address: Option<IpNetwork>,
}

/// A signal to a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendSignal {
    /// Whose process.
    pub site: SiteRef,
    /// The signal.
    pub signal: Signal,
    /// Sends SIGKILL to what still lives after this long.
    pub kill_after: Option<Duration>,
}

/// A service to restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestartService {
    /// The service.
    pub service: String,
    /// The signal that stops it.
    pub signal: Signal,
    /// Sends SIGKILL to what still lives after this long.
    pub kill_after: Duration,
    /// How long it stays down.
    pub down: Duration,
}

/// A process to pause.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// Whose process.
    pub site: SiteRef,
    /// How.
    pub method: PauseMethod,
}

/// A load on processors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stress {
    /// Beside whom.
    pub site: SiteRef,
    /// On how many processors.
    pub cores: Cores,
    /// How much of each.
    pub load: Percent,
    /// How long at most, the workers' own deadline.
    pub duration: Duration,
}

/// Disk space to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FillDisk {
    /// Whose view of the path.
    pub site: SiteRef,
    /// A directory on the file system.
    pub path: PathBuf,
    /// How much.
    pub amount: Amount,
    /// What the author allowed by name.
    pub allow: Vec<Allowance>,
}

/// Packets to drop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Whose network namespace.
    pub site: SiteRef,
    /// What is dropped: a packet that matches any of these.
    pub rules: Vec<FilterRule>,
}

/// One kind of packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilterRule {
    /// On the way in or out of the namespace.
    pub hook: Hook,
    /// The other end's addresses; empty for any.
    pub peers: Vec<IpNetwork>,
    /// TCP and UDP ports of either end; empty for any packet.
    pub ports: Vec<PortRange>,
}

/// Which way a packet goes, seen from the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// Received.
    Ingress,
    /// Sent.
    Egress,
}

/// Packets to delay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Whose network namespace; every interface but `lo` is shaped, on the way out.
    pub site: SiteRef,
    /// The mean delay.
    pub delay: Duration,
    /// Its variation.
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    pub correlation: Correlation,
    /// How the variation is distributed.
    pub distribution: Distribution,
}

impl Act {
    /// How long the fault can outlive its holders.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::JoinNetwork(_)
            | Self::StartService(_)
            | Self::Stress(_)
            | Self::FillDisk(_)
            | Self::Filter(_) => Class::K,
            Self::Pause(pause) => match pause.method {
                PauseMethod::Auto | PauseMethod::Ptrace => Class::K,
                PauseMethod::Freezer => Class::G,
            },
            Self::Shape(_) | Self::Restart(_) => Class::G,
            Self::Signal(_) => Class::X,
        }
    }

    /// Where it happens.
    #[must_use]
    pub fn site(&self) -> SiteRef {
        match self {
            Self::JoinNetwork(_) => SiteRef::Host,
            Self::StartService(start) => SiteRef::Service { name: start.name.clone() },
            Self::Signal(act) => act.site.clone(),
            Self::Restart(act) => SiteRef::Service { name: act.service.clone() },
            Self::Pause(act) => act.site.clone(),
            Self::Stress(act) => act.site.clone(),
            Self::FillDisk(act) => act.site.clone(),
            Self::Filter(act) => act.site.clone(),
            Self::Shape(act) => act.site.clone(),
        }
    }
}
