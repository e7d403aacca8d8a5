//! The blast radius: how much may be touched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Duration, Percent};

/// Limits that are checked before anything is touched; what exceeds them is refused, exit code 4.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BlastRadius {
    /// How many targets one step may have.
    #[serde(default = "BlastRadius::default_max_targets")]
    pub max_targets: u32,
    /// The largest share of what a selector matches that one step may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_share: Option<Percent>,
    /// The longest a single fault may last: 60 s by default, never more than 15 min unless `long-duration` is allowed.
    #[serde(default = "BlastRadius::default_max_duration")]
    pub max_duration: Duration,
    /// What is refused unless it is named here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<Allowance>,
}

impl BlastRadius {
    const fn default_max_targets() -> u32 {
        1
    }

    const fn default_max_duration() -> Duration {
        Duration::from_secs(60)
    }

    /// Whether the file allows this by name.
    #[must_use]
    pub fn allows(&self, allowance: Allowance) -> bool {
        self.allow.contains(&allowance)
    }
}

impl Default for BlastRadius {
    fn default() -> Self {
        Self {
            max_targets: Self::default_max_targets(),
            max_share: None,
            max_duration: Self::default_max_duration(),
            allow: Vec::new(),
        }
    }
}

/// Something dangerous that a file must name.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Allowance {
    /// Faults on what the whole host shares: its network namespace, its clock.
    Host,
    /// Faults that cannot be undone (class X) on processes that are not services of the experiment.
    Irreversible,
    /// Filling the file system of `/`.
    RootFs,
    /// Filling the file system that holds the journal.
    JournalFs,
    /// Filling a file system that lives in memory.
    MemoryFs,
    /// Faults that touch the way this tool, the operator or the probes take.
    ControlPath,
    /// A `max-duration` above 15 minutes.
    LongDuration,
}
