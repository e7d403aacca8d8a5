//! `tcp-proxy` as written: the toxics of Toxiproxy, by their names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{BitRate, Duration, Percent, PortRange, Size};
use super::{Direction, Existing, Peers};

/// TCP connections led through a proxy that spoils them. At least one of `latency`, `bandwidth`,
/// `slicer`, `slow-close`, `limit-data`, `timeout`, `reset-peer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TcpProxy {
    /// The TCP ports that are connected to: the target's for `from`, its peers' for `to`.
    pub ports: Vec<PortRange>,
    /// Data arrives late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LateData>,
    /// Data arrives slowly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// Data arrives in small pieces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slicer: Option<Slicer>,
    /// The end of the data arrives late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_close: Option<SlowClose>,
    /// The connection is closed when so much data has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_data: Option<LimitData>,
    /// No data arrives at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HeldData>,
    /// The connection is reset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_peer: Option<ResetPeer>,
    /// Connections that come in to the target, those it opens, or both: what comes in by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only connections with these peers; everybody by default.
    #[serde(default)]
    pub peers: Peers,
    /// Connections left alone although they match: those that one of these entries describes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Peers>,
    /// Only over these interfaces; by default over every one but `lo`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub interfaces: Vec<String>,
    /// What becomes of connections that were open before.
    #[serde(default)]
    pub existing: Existing,
}

/// Which half of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// What the one who connected sends.
    Upstream,
    /// What the one who was connected to sends.
    #[default]
    Downstream,
    /// Both halves.
    Both,
}

const fn all() -> Percent {
    Percent::HUNDRED
}

/// Data that waits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LateData {
    /// How long data waits.
    pub delay: Duration,
    /// How far that varies, up and down.
    #[serde(default)]
    pub jitter: Duration,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// Data that trickles.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bandwidth {
    /// How much passes in a second, in each connection.
    pub rate: BitRate,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// Data in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Slicer {
    /// How large a piece is on average.
    pub average_size: Size,
    /// How far that varies, up and down.
    #[serde(default)]
    pub size_variation: Size,
    /// How long to wait between two pieces.
    #[serde(default)]
    pub delay: Duration,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// A close that waits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SlowClose {
    /// How long the end of the data waits.
    pub delay: Duration,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// An end after some data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct LimitData {
    /// How much data passes before the connection is closed.
    pub bytes: Size,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// Data that never arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HeldData {
    /// When the connection is closed after it was opened; `0s` for not before the fault ends.
    #[serde(default)]
    pub after: Duration,
    /// Which half of a connection.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}

/// A reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ResetPeer {
    /// How long after the first data; `0s` for at once.
    #[serde(default)]
    pub after: Duration,
    /// Which half of a connection has the first data.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections.
    #[serde(default = "all")]
    pub toxicity: Percent,
}
