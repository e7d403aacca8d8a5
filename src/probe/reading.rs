//! What one look at the target gave.

use crate::sample::SampleOutcome;

/// What one look at the target gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it came to.
    pub outcome: SampleOutcome,
    /// The number it measured; always finite.
    pub value: Option<f64>,
    /// What was wrong, for anything but `Ok`.
    pub detail: Option<String>,
}

impl Reading {
    /// The answer was as expected.
    #[must_use]
    pub const fn ok() -> Self {
        Self { outcome: SampleOutcome::Ok, value: None, detail: None }
    }

    /// There was an answer, and it was not as expected.
    pub fn violated(detail: impl Into<String>) -> Self {
        Self::bad(SampleOutcome::Violated, detail)
    }

    /// There was no answer.
    pub fn unreachable(detail: impl Into<String>) -> Self {
        Self::bad(SampleOutcome::Unreachable, detail)
    }

    /// The probe itself could not measure.
    pub fn probe_error(detail: impl Into<String>) -> Self {
        Self::bad(SampleOutcome::ProbeError, detail)
    }

    /// The same with a number. One that is not finite cannot be compared with anything: that is a
    /// probe error.
    #[must_use]
    pub fn with_value(self, value: f64) -> Self {
        if value.is_finite() {
            return Self { value: Some(value), ..self };
        }
        Self::probe_error(format!("the value is {value}, which no limit can be compared with"))
    }

    fn bad(outcome: SampleOutcome, detail: impl Into<String>) -> Self {
        Self { outcome, value: None, detail: Some(detail.into()) }
    }
}
