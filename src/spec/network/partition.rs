//! `network-partition` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Between, Direction, Engine, Peers};

/// Which packets are lost, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkPartition {
    /// What the other side sees.
    #[serde(default)]
    pub mode: PartitionMode,
    /// Which way, seen from the target, or, of a partition between nodes, from the first of each
    /// two: both by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Which of the targets do not hear which others; excludes `peers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Between>,
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

/// What happens to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PartitionMode {
    /// It vanishes: the peer waits for its time-out.
    #[default]
    Drop,
    /// TCP is answered with a reset, everything else with `ICMP port unreachable`.
    Reset,
    /// It is answered with `ICMP host unreachable`.
    Icmp,
}
