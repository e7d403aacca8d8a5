//! One measurement, and the moments of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the start of the run, on `CLOCK_BOOTTIME`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Elapsed(pub u64);

impl Elapsed {
    /// As seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "display needs no more than 52 bits")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time from `earlier` to this moment; zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> std::time::Duration {
        std::time::Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The part of a run that a sample belongs to, by the moment it was due.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The steady state before anything is injected.
    Before,
    /// From the first injection to the last undo.
    During,
    /// From the last undo until every probe recovered or its time was up.
    Recovery,
    /// The steady state after that.
    After,
}

/// One measurement of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Sample {
    /// The probe's name.
    pub probe: String,
    /// The phase it was due in.
    pub phase: Phase,
    /// When it was due, which is not when it could be sent.
    pub due: Elapsed,
    /// From the moment it was due to its end, in nanoseconds.
    pub latency_ns: u64,
    /// What it came to.
    pub outcome: SampleOutcome,
    /// The number it measured, if it measures one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What was wrong, for anything but `Ok`; without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What a sample came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SampleOutcome {
    /// The answer was as expected.
    Ok,
    /// There was an answer, and it was not as expected.
    Violated,
    /// There was no answer: refused, reset, timed out. Counts as violated.
    Unreachable,
    /// The probe itself could not measure. Counts for neither side.
    ProbeError,
}
