//! What is measured.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Duration, Rate};
use super::target::{ProcessSelector, ServiceSelector};
use super::{BodyExpectation, ExitExpectation, JsonExpectation, StatusExpectation};

/// One of the probes a file can hold, without the name and the tolerance around it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// An HTTP request.
    Http(HttpProbe),
    /// A TCP connection.
    Tcp(TcpProbe),
    /// A program's exit code and output.
    Command(CommandProbe),
    /// A process's life and use of resources.
    Process(ProcessProbe),
}

impl ProbeKind {
    /// What it does, in a few words.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Http(probe) => format!("http {} {}", probe.method, probe.url),
            Self::Tcp(probe) => format!("tcp {}", probe.address),
            Self::Command(probe) => match &probe.shell {
                Some(line) => format!("shell {line}"),
                None => format!("command {}", probe.run.join(" ")),
            },
            Self::Process(probe) => match &probe.service {
                Some(services) => format!("process of {}", services.as_slice().join(", ")),
                None => "process".to_owned(),
            },
        }
    }

    /// Whether its samples carry a value.
    #[must_use]
    pub fn measures_value(&self) -> bool {
        match self {
            Self::Http(probe) => probe.expect.json.is_some(),
            Self::Tcp(_) => false,
            Self::Command(probe) => probe.expect.reads_number(),
            Self::Process(_) => true,
        }
    }

    /// How often it is sampled.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        match self {
            Self::Http(probe) => probe.rate,
            Self::Tcp(probe) => probe.rate,
            Self::Command(probe) => probe.rate,
            Self::Process(probe) => probe.rate,
        }
    }

    /// After how long a sample without an answer is `Unreachable`.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        match self {
            Self::Http(probe) => probe.timeout,
            Self::Tcp(probe) => probe.timeout,
            Self::Command(probe) => probe.timeout,
            Self::Process(_) => Duration::from_secs(1),
        }
    }
}

/// Requests sent at a fixed rate whether or not earlier ones were answered; each sample's latency
/// counts from the moment it was due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpProbe {
    /// `http://` or `https://`.
    pub url: String,
    /// The method; GET by default.
    #[serde(default = "HttpProbe::default_method")]
    pub method: String,
    /// Headers to send; their values may hold `${secret.name}`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// The body to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Samples per second or minute.
    #[serde(default)]
    pub rate: Rate,
    /// After this long a sample is `Unreachable`.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// What a good answer looks like; by default any status from 200 to 399.
    #[serde(default)]
    pub expect: HttpExpectation,
}

impl HttpProbe {
    fn default_method() -> String {
        "GET".to_owned()
    }
}

/// What a good answer looks like; all of what is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HttpExpectation {
    /// The status.
    #[serde(default)]
    pub status: StatusExpectation,
    /// The body as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyExpectation>,
    /// The body as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<JsonExpectation>,
}

/// Connections opened at a fixed rate and closed at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TcpProbe {
    /// `host:port`.
    pub address: String,
    /// Samples per second or minute.
    #[serde(default)]
    pub rate: Rate,
    /// After this long a sample is `Unreachable`.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
}

/// A program run at a fixed rate; its exit code and output are the sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandProbe {
    /// The program and its arguments, without a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run: Vec<String>,
    /// A line for `/bin/sh -c`, instead of `run`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<String>,
    /// Variables of its environment, beside `PATH`, `HOME`, `LANG`, `TZ` and `TMPDIR`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub environment: IndexMap<String, String>,
    /// Samples per second or minute.
    #[serde(default)]
    pub rate: Rate,
    /// After this long the program is killed and the sample is `Unreachable`.
    #[serde(default = "default_timeout")]
    pub timeout: Duration,
    /// What a good end looks like; by default exit code 0.
    #[serde(default)]
    pub expect: CommandExpectation,
}

/// What a good end of a command looks like; all of what is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CommandExpectation {
    /// The exit code.
    #[serde(default)]
    pub exit: ExitExpectation,
    /// The standard output as text, without white space at its ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<BodyExpectation>,
    /// Reads the output as one number, which becomes the sample's `value`; output that is no
    /// number is a probe error.
    #[serde(default)]
    pub number: bool,
    /// The same for a number that only grows: the sample's `value` is how much it has grown since
    /// the first sample of the run. Where it falls it began again at zero.
    #[serde(default)]
    pub counter: bool,
}

impl CommandExpectation {
    /// Whether the output is a number, and the sample has a value.
    #[must_use]
    pub const fn reads_number(&self) -> bool {
        self.number || self.counter
    }
}

/// A process looked at at a fixed rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProcessProbe {
    /// A service of this experiment (by name), instead of `select`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSelector>,
    /// Processes of this host; the sample is `Ok` when at least one matches and lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<ProcessSelector>,
    /// The number that becomes the sample's `value` (a sum when several match).
    #[serde(default)]
    pub metric: ProcessMetric,
    /// Samples per second or minute.
    #[serde(default)]
    pub rate: Rate,
}

/// What of a process is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessMetric {
    /// How many live: neither zombies nor stopped.
    #[default]
    Alive,
    /// Resident memory in bytes.
    Rss,
    /// Use of processors since the sample before, in percent of one processor.
    Cpu,
    /// Open file descriptors.
    OpenFiles,
}

const fn default_timeout() -> Duration {
    Duration::from_secs(1)
}
