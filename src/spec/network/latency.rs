//! `network-latency` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{Correlation, Duration};
use super::{Direction, Engine, Peers};

/// The delay of `netem`, in its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkLatency {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far the delay varies.
    #[serde(default)]
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    #[serde(default)]
    pub correlation: Correlation,
    /// How the variation is distributed.
    #[serde(default)]
    pub distribution: Distribution,
    /// Whether a packet with a short delay may overtake one with a long delay.
    #[serde(default)]
    pub reorder: bool,
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

/// A distribution of delays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Every delay within the jitter is as likely as any other.
    #[default]
    Uniform,
    /// The normal distribution, the jitter being its standard deviation.
    Normal,
    /// A Pareto distribution: many short delays, a long tail.
    Pareto,
    /// A quarter normal and three quarters Pareto.
    Paretonormal,
}
