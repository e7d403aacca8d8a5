//! Which way packets go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way packets go, seen from the target.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// What it receives.
    From,
    /// What it sends.
    To,
    /// Both ways.
    Both,
}
