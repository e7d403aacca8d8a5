//! What is tolerated, of samples taken in one phase.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{Duration, Number, Percent};

/// All of what is given must hold. Too few samples is neither kept nor broken: the run is
/// inconclusive.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tolerance {
    /// The share of samples that were `Ok`. Samples that could not be judged (`ProbeError`) count
    /// for neither side, and more than a tenth of them makes the phase inconclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Bounds<Percent>>,
    /// The median latency of samples with an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p50: Option<Bounds<Duration>>,
    /// The 90th percentile of latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90: Option<Bounds<Duration>>,
    /// The 95th percentile of latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Bounds<Duration>>,
    /// The 99th percentile of latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p99: Option<Bounds<Duration>>,
    /// The longest latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bounds<Duration>>,
    /// Every value, of probes that measure one (`command` with `number`, `process`, JSON numbers).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Bounds<Number>>,
    /// How many samples are enough to judge; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_samples: Option<u32>,
}

/// Limits of one figure; all of what is given must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bounds<T> {
    /// ≥
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<T>,
    /// ≤
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<T>,
    /// >
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<T>,
    /// <
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<T>,
    /// =
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equals: Option<T>,
}
