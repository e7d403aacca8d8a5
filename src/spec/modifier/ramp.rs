//! `ramp` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Fault;
use super::super::quantity::{Duration, Level};

/// A fault whose main parameter changes step by step, then stays until the step ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ramp {
    /// The parameter's value when the step begins.
    pub from: Level,
    /// Its value in the end; by default the one that the fault itself says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Level>,
    /// How long it takes to get there.
    pub over: Duration,
    /// In how many equal steps.
    #[serde(default = "Ramp::default_steps")]
    pub steps: u32,
}

impl Ramp {
    const fn default_steps() -> u32 {
        10
    }

    /// Where it ends, for this fault; `None` if the fault has nothing that could change.
    #[must_use]
    pub fn end(&self, fault: &Fault) -> Option<Level> {
        let (_, own) = fault.level()?;
        Some(self.to.unwrap_or(own))
    }

    /// The fault at each of its levels, from the first to the last; empty if it has no such level.
    #[must_use]
    pub fn faults(&self, fault: &Fault) -> Vec<Fault> {
        let Some(end) = self.end(fault) else { return Vec::new() };
        let level = |part| self.from.towards(end, part, self.steps);
        (0..=self.steps).filter_map(|part| fault.at_level(level(part)?)).collect()
    }

    /// How long each level but the last lasts.
    #[must_use]
    pub fn pace(&self) -> std::time::Duration {
        self.over.get() / self.steps.max(1)
    }
}
