//! `network-reordering` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{Correlation, Duration, Percent};
use super::{Direction, Engine, Peers};

/// Packets that overtake others: some are sent at once, all others wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkReordering {
    /// The probability that a packet is sent at once.
    pub percent: Percent,
    /// How much it depends on what happened to the packet before.
    #[serde(default)]
    pub correlation: Correlation,
    /// Only every n-th packet may be sent at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<u32>,
    /// How long all others wait.
    #[serde(default = "NetworkReordering::default_delay")]
    pub delay: Duration,
    /// Which way, seen from the target: what it sends by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only packets to or from these peers; everything by default.
    #[serde(default)]
    pub peers: Peers,
    /// Packets left alone although they match: those that one of these entries describes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Peers>,
    /// Only on these interfaces; by default on every one but `lo`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub interfaces: Vec<String>,
    /// What does it; by default the best that this kernel has, found by trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

impl NetworkReordering {
    const fn default_delay() -> Duration {
        Duration::from_millis(10)
    }
}
