//! What crosses the wire: acts, their undos, where they happen. Data only; the agent gives them life.

mod class;
mod cut;
mod dns;
mod effect;
mod proxy;
mod shape;
mod site;
mod traffic;
mod undo;

use std::path::PathBuf;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use class::Class;
pub use cut::CutConnections;
pub use dns::{DnsAnswer, DnsQuestions, FailDns};
pub use effect::{Effect, Observed, Reverted, Strength};
pub use proxy::{HttpSpoil, Proxy, ProxyWork, Toxics};
pub use shape::{Chance, Delay, Impairment, Limit, Reorder, Shape};
pub use site::{NamespaceId, ProcessId, SiteRef};
pub use traffic::{Flow, Hook, Packet, Traffic, UnknownHost};
pub use undo::{Detour, Egress, PauseHold, ShapedInterface, Undo};

use crate::spec::quantity::{Cores, Duration, IpNetwork, Percent, Signal};
use crate::spec::{Allowance, Amount, Engine, PartitionMode, PauseMethod, Restart, Stop};

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
    /// Refuses packets in a network namespace.
    Filter(Filter),
    /// Impairs packets in a network namespace.
    Shape(Shape),
    /// Cuts TCP connections.
    Cut(CutConnections),
    /// Answers questions for names falsely in a network namespace.
    FailDns(FailDns),
    /// Leads connections of a network namespace through a proxy.
    Proxy(Proxy),
}

/// The run's own network: a bridge in a namespace of its own, with one leg on this host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinNetwork {
    /// The addresses of this host in the subnets of the run, one for each version of IP at most,
    /// each with its subnet's prefix, such as `198.18.7.1/24`.
    pub addresses: Vec<IpNetwork>,
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
    /// Its addresses, each with its subnet's prefix, in a network of its own; none when it shares
    /// the host's.
    pub addresses: Vec<IpNetwork>,
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

/// Packets to refuse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Whose network namespace.
    pub site: SiteRef,
    /// Which packets.
    pub traffic: Traffic,
    /// What becomes of them.
    pub mode: PartitionMode,
    /// What does it.
    pub engine: Engine,
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
            | Self::FailDns(_)
            | Self::Proxy(_) => Class::K,
            Self::Filter(filter) => Class::of_engine(filter.engine),
            Self::Pause(pause) => match pause.method {
                PauseMethod::Auto | PauseMethod::Ptrace => Class::K,
                PauseMethod::Freezer => Class::G,
            },
            Self::Shape(shape) => Class::of_engine(shape.engine),
            Self::Restart(_) => Class::G,
            // Only what is refused from now on can be let in again.
            Self::Cut(cut) if cut.refuse => Class::K,
            Self::Cut(_) | Self::Signal(_) => Class::X,
        }
    }

    /// The packets or connections it is about.
    #[must_use]
    pub const fn traffic(&self) -> Option<&Traffic> {
        match self {
            Self::Filter(act) => Some(&act.traffic),
            Self::Shape(act) => Some(&act.traffic),
            Self::Cut(act) => Some(&act.traffic),
            Self::Proxy(act) => Some(&act.traffic),
            Self::JoinNetwork(_)
            | Self::StartService(_)
            | Self::Signal(_)
            | Self::Restart(_)
            | Self::Pause(_)
            | Self::Stress(_)
            | Self::FillDisk(_)
            | Self::FailDns(_) => None,
        }
    }

    /// The same, to leave more of them alone.
    pub const fn traffic_mut(&mut self) -> Option<&mut Traffic> {
        match self {
            Self::Filter(act) => Some(&mut act.traffic),
            Self::Shape(act) => Some(&mut act.traffic),
            Self::Cut(act) => Some(&mut act.traffic),
            Self::Proxy(act) => Some(&mut act.traffic),
            Self::JoinNetwork(_)
            | Self::StartService(_)
            | Self::Signal(_)
            | Self::Restart(_)
            | Self::Pause(_)
            | Self::Stress(_)
            | Self::FillDisk(_)
            | Self::FailDns(_) => None,
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
            Self::Cut(act) => act.site.clone(),
            Self::FailDns(act) => act.site.clone(),
            Self::Proxy(act) => act.site.clone(),
        }
    }
}
