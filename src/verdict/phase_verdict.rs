//! What the samples of a probe in a phase came to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Figures;
use crate::sample::{Elapsed, Phase};

/// Whether what was claimed held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every limit was kept.
    Held,
    /// A limit was broken.
    Deviated,
    /// Too little was measured to say.
    Unknown,
}

impl Verdict {
    /// The more severe of two: a limit that was really broken outranks a doubtful measurement,
    /// and both outrank `Held`.
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        match (self, other) {
            (Self::Deviated, _) | (_, Self::Deviated) => Self::Deviated,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Held, Self::Held) => Self::Held,
        }
    }
}

/// The samples of one probe in one phase, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PhaseVerdict {
    /// The probe.
    pub probe: String,
    /// The phase.
    pub phase: Phase,
    /// The verdict: the worst of the limits'.
    pub verdict: Verdict,
    /// The figures of the samples.
    pub figures: Figures,
    /// Every limit of the tolerance.
    pub limits: Vec<LimitVerdict>,
    /// Why it is unknown, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One limit against one figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct LimitVerdict {
    /// The limit as written, such as `p99 at-most 300ms`.
    pub limit: String,
    /// The figure that was measured, such as `412ms`; `nothing` if there was none.
    pub measured: String,
    /// By how much it was missed, such as `112ms` or `4.2 points`; none if it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_by: Option<String>,
    /// When the first sample broke it, where a single sample can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_broken: Option<Elapsed>,
    /// The verdict on this limit.
    pub verdict: Verdict,
}
