//! The steady state and the conditions that end a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::Duration;
use super::{CommandProbe, HttpProbe, Name, ProbeKind, ProcessProbe, TcpProbe, Tolerance};

/// The claim under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hypothesis {
    /// The claim as a sentence.
    pub title: String,
    /// How long the steady state is measured before anything is injected.
    #[serde(default = "Hypothesis::default_window")]
    pub before: Duration,
    /// How long it is measured after everything was undone and the probes recovered.
    #[serde(default = "Hypothesis::default_window")]
    pub after: Duration,
    /// What is measured, all along.
    pub probes: Vec<HypothesisProbe>,
}

impl Hypothesis {
    fn default_window() -> Duration {
        Duration::from_secs(2)
    }
}

/// A probe with what is tolerated of it. Exactly one of `http`, `tcp`, `command`, `process`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HypothesisProbe {
    /// What it is called in reports and abort conditions.
    pub name: Name,
    /// An HTTP request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpProbe>,
    /// A TCP connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpProbe>,
    /// A program's exit code and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandProbe>,
    /// A process's life and use of resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessProbe>,
    /// What must hold before and after, and during as well unless `during` says otherwise.
    /// By default every sample succeeds.
    #[serde(default = "HypothesisProbe::default_tolerance")]
    pub tolerance: Tolerance,
    /// What must hold while faults are in effect, instead of `tolerance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub during: Option<Tolerance>,
    /// How soon after the last undo `tolerance` must hold again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
}

impl HypothesisProbe {
    fn default_tolerance() -> Tolerance {
        Tolerance {
            success: Some(super::Bounds {
                at_least: Some(super::quantity::Percent::HUNDRED),
                at_most: None,
                above: None,
                below: None,
                equals: None,
            }),
            ..Tolerance::default()
        }
    }

    /// The probe itself; `None` unless exactly one is given, which `spec::parse` has checked.
    #[must_use]
    pub fn kind(&self) -> Option<ProbeKind> {
        let mut kinds = [
            self.http.clone().map(ProbeKind::Http),
            self.tcp.clone().map(ProbeKind::Tcp),
            self.command.clone().map(ProbeKind::Command),
            self.process.clone().map(ProbeKind::Process),
        ]
        .into_iter()
        .flatten();
        let first = kinds.next()?;
        kinds.next().is_none().then_some(first)
    }
}

/// The service must be back soon, and stay back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Recovery {
    /// The longest time from the proved undo of the last fault to the first of the good samples.
    pub within: Duration,
    /// How long samples must stay good to count as recovered.
    #[serde(default = "Recovery::default_hold")]
    pub hold: Duration,
}

impl Recovery {
    fn default_hold() -> Duration {
        Duration::from_secs(1)
    }
}

/// Ends the run when the condition has been true for a while.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Abort {
    /// The probe of the hypothesis that is watched.
    pub probe: Name,
    /// What must be true of the samples of the last `for`.
    pub when: Tolerance,
    /// The sliding window the condition is judged on.
    #[serde(rename = "for")]
    pub window: Duration,
}
