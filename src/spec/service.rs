//! Programs that an experiment brings along.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Duration, IpNetwork, OneOrMany, Signal};
use super::{CommandProbe, HttpProbe, TcpProbe};

/// A program started before the first measurement and stopped, with all its children, at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Service {
    /// The program and its arguments, started without a shell. `${shakedown}` is this binary and
    /// `${run.dir}` the run's own folder.
    pub command: Vec<String>,
    /// Variables of its environment, beside `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`; nothing else is inherited.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, String>,
    /// Its working directory; by default a folder of its own below the run's folder, removed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// How to tell that it is ready; without it, a process that runs is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<Ready>,
    /// What to do when it exits by itself or is killed by a fault.
    #[serde(default)]
    pub restart: Restart,
    /// How long to wait before such a restart.
    #[serde(default = "Service::default_restart_delay")]
    pub restart_delay: Duration,
    /// How it is asked to stop.
    #[serde(default)]
    pub stop: Stop,
    /// Whether it shares the host's network or has one of its own, which network faults need, and
    /// its address there.
    #[serde(default)]
    pub network: Network,
}

impl Service {
    fn default_restart_delay() -> Duration {
        Duration::from_millis(200)
    }
}

/// When a service counts as ready: exactly one check, repeated until it passes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ready {
    /// This request is answered as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// This address accepts connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpProbe>,
    /// This command exits as expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandProbe>,
    /// A service that is not ready by then ends the run before anything is injected.
    #[serde(default = "Ready::default_within")]
    pub within: Duration,
}

impl Ready {
    fn default_within() -> Duration {
        Duration::from_secs(10)
    }
}

/// When a service that exited is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Never: it stays down.
    #[default]
    Never,
    /// After a signal or an exit code other than 0.
    OnFailure,
    /// After every exit.
    Always,
}

/// How a service is stopped: the signal, and SIGKILL for what is left after the grace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stop {
    /// The signal that asks it to stop.
    #[serde(default = "Stop::default_signal")]
    pub signal: Signal,
    /// How long it may take before SIGKILL.
    #[serde(default = "Stop::default_grace")]
    pub grace: Duration,
}

impl Stop {
    fn default_signal() -> Signal {
        Signal::TERM
    }

    fn default_grace() -> Duration {
        Duration::from_secs(5)
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { signal: Self::default_signal(), grace: Self::default_grace() }
    }
}

/// The network a service lives in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// The network namespace of whoever runs the experiment.
    #[default]
    Host,
    /// A network namespace of its own, joined to the run's other services and to this host by a
    /// bridge that vanishes with the run. Its address is `${service.NAME.address}`, and that of
    /// IPv6 `${service.NAME.address6}`. Needs root.
    Own,
    /// The same with an address of your choice, IPv4, IPv6 or one of each, with the prefix of the
    /// subnet or without (24 bits, 64 of IPv6). All services of a run share one subnet, which must
    /// be free on this host.
    Address(OneOrMany<IpNetwork>),
}

impl Network {
    /// Whether it is a namespace of its own.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Own | Self::Address(_))
    }
}
