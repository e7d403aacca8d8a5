//! `network-rate` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{BitRate, Duration, Size};
use super::{Direction, Engine, Peers};

/// A link with less bandwidth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkRate {
    /// How much data passes in a second.
    pub rate: BitRate,
    /// How much may pass at once after a pause; by default what 10 ms carry, and at least one full frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<Size>,
    /// How long a packet waits at most before it is dropped, as in a router's queue.
    #[serde(default = "NetworkRate::default_queue")]
    pub queue: Duration,
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

impl NetworkRate {
    const fn default_queue() -> Duration {
        Duration::from_millis(200)
    }
}
