//! What is done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Duration, Percent};
use super::{Fault, Name, Pulse, Ramp, Target};

/// One entry of the method: a step, steps side by side, or a wait.
/// Exactly one of `fault` (with `target`), `parallel`, `wait`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MethodStep {
    /// What the step is called in the plan and in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What it is done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// How long the fault stays; required for faults that last.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// How long to wait before the step begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// Puts the fault and takes it away in turn while the step lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<Pulse>,
    /// Lets the fault grow, or fade, step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// How likely it is that the fault happens, for each target and each pulse on its own; decided by
    /// the seed before anything is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Percent>,
    /// Steps that begin together; the entry ends when the last of them has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parallel: Vec<Step>,
    /// Waits, while the probes go on, and does nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Duration>,
}

/// A step of a parallel group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// What the step is called in the plan and in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// What it is done to.
    pub target: Target,
    /// What is done.
    pub fault: Fault,
    /// How long the fault stays; required for faults that last.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// How long to wait before the step begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// Puts the fault and takes it away in turn while the step lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulse: Option<Pulse>,
    /// Lets the fault grow, or fade, step by step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<Ramp>,
    /// How likely it is that the fault happens, for each target and each pulse on its own; decided by
    /// the seed before anything is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<Percent>,
}

impl MethodStep {
    /// The step that the entry itself is, if it is one.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        Some(Step {
            name: self.name.clone(),
            target: self.target.clone()?,
            fault: self.fault.clone()?,
            duration: self.duration,
            delay: self.delay,
            pulse: self.pulse,
            ramp: self.ramp,
            probability: self.probability,
        })
    }

    /// The entry's steps, as if all of it were a parallel group; empty for a wait.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        self.step().map_or_else(|| self.parallel.clone(), |step| vec![step])
    }
}
