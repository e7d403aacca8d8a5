//! `pulse` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::Duration;

/// A fault that comes and goes, such as a flapping link: on, off, on, off, until the step ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pulse {
    /// How long the fault is there each time.
    pub on: Duration,
    /// How long it is gone between.
    pub off: Duration,
}
