//! The figures of a set of samples.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sample::{Elapsed, Sample, SampleOutcome};

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    /// All samples that were due in the phase.
    pub samples: u64,
    /// Those as expected.
    pub ok: u64,
    /// Those with a wrong answer.
    pub violated: u64,
    /// Those without an answer.
    pub unreachable: u64,
    /// Those that could not be measured.
    pub probe_errors: u64,
    /// The share that was as expected, of those that could be measured, in percent.
    pub success_percent: Option<f64>,
    /// Latencies in nanoseconds, of samples with an answer or a time-out.
    pub latency: Option<LatencyFigures>,
    /// The values measured.
    pub value: Option<ValueFigures>,
}

/// Percentiles of latency, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyFigures {
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 95th percentile.
    pub p95: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The longest.
    pub max: u64,
}

/// The range of the values measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ValueFigures {
    /// The least.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest.
    pub max: f64,
    /// The last.
    pub last: f64,
}

/// What a sample counts as: one whose value is no finite number could not be measured, whatever
/// its probe said.
pub(super) fn outcome_of(sample: &Sample) -> SampleOutcome {
    match sample.value {
        Some(value) if !value.is_finite() => SampleOutcome::ProbeError,
        _ => sample.outcome,
    }
}

/// The latency a sample contributes, in nanoseconds: that of its answer, or of its time-out. A
/// refusal comes in no time and would make the percentiles look better than an answer does, and a
/// probe error says nothing about the target: neither contributes.
pub(super) fn latency_of(sample: &Sample, timeout_ns: u64) -> Option<u64> {
    let counts = match outcome_of(sample) {
        SampleOutcome::Ok | SampleOutcome::Violated => true,
        SampleOutcome::Unreachable => sample.latency_ns >= timeout_ns,
        SampleOutcome::ProbeError => false,
    };
    counts.then_some(sample.latency_ns)
}

/// The value a sample contributes.
pub(super) fn value_of(sample: &Sample) -> Option<f64> {
    sample.value.filter(|_| outcome_of(sample) != SampleOutcome::ProbeError)
}

/// The rank, from 1, of a percentile among `count` sorted figures: the nearest-rank method, so
/// that a percentile is always a latency that was really measured and a limit of `300ms` is kept
/// by one of exactly 300 ms (a histogram's buckets would round it up).
pub(super) fn rank(percent: u64, count: u64) -> u64 {
    (count.saturating_mul(percent)).div_ceil(100).max(1)
}

/// What is measured of a set of samples, before it is compared with anything.
#[derive(Default)]
pub(super) struct Measured {
    pub(super) figures: Figures,
    /// Sorted by length: the latency in nanoseconds.
    pub(super) latencies: Vec<u64>,
    /// In the order due.
    pub(super) values: Vec<(Elapsed, f64)>,
    /// The first sample that was measured and not `Ok`.
    pub(super) first_failed: Option<Elapsed>,
}

impl Measured {
    /// Measures samples that are sorted by the moment they were due.
    pub(super) fn of(samples: &[&Sample], timeout_ns: u64) -> Self {
        let mut measured = Self::default();
        for sample in samples {
            measured.count(sample);
            measured.latencies.extend(latency_of(sample, timeout_ns));
            measured.values.extend(value_of(sample).map(|value| (sample.due, value)));
        }
        measured.latencies.sort_unstable();
        measured.figures.success_percent =
            share(measured.figures.ok, measured.figures.measurable());
        measured.figures.latency = measured.latency_figures();
        measured.figures.value = value_figures(&measured.values);
        measured
    }

    fn count(&mut self, sample: &Sample) {
        let figures = &mut self.figures;
        figures.samples += 1;
        let outcome = outcome_of(sample);
        *match outcome {
            SampleOutcome::Ok => &mut figures.ok,
            SampleOutcome::Violated => &mut figures.violated,
            SampleOutcome::Unreachable => &mut figures.unreachable,
            SampleOutcome::ProbeError => &mut figures.probe_errors,
        } += 1;
        if matches!(outcome, SampleOutcome::Violated | SampleOutcome::Unreachable) {
            self.first_failed.get_or_insert(sample.due);
        }
    }

    /// The latency at a percentile from 1 to 100, in nanoseconds.
    pub(super) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = rank(percent, self.latencies.len() as u64);
        self.latencies.get(usize::try_from(rank).ok()?.checked_sub(1)?).copied()
    }

    fn latency_figures(&self) -> Option<LatencyFigures> {
        Some(LatencyFigures {
            p50: self.percentile(50)?,
            p90: self.percentile(90)?,
            p95: self.percentile(95)?,
            p99: self.percentile(99)?,
            max: self.percentile(100)?,
        })
    }
}

impl Figures {
    /// Samples that say something about the target: all but the probe errors.
    #[must_use]
    pub const fn measurable(&self) -> u64 {
        self.ok + self.violated + self.unreachable
    }
}

/// A share in percent, rounded once, so that 999 of 1000 equals `99.9%` as written; none of
/// nothing.
#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^46")]
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^52")]
fn value_figures(values: &[(Elapsed, f64)]) -> Option<ValueFigures> {
    let (_, last) = values.last()?;
    let numbers = || values.iter().map(|(_, value)| *value);
    Some(ValueFigures {
        min: numbers().fold(f64::INFINITY, f64::min),
        mean: numbers().sum::<f64>() / values.len() as f64,
        max: numbers().fold(f64::NEG_INFINITY, f64::max),
        last: *last,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{millis, ok, refused, timed_out, violated};
    use super::*;

    const TIMEOUT: u64 = 1_000_000_000;

    fn measure(samples: &[Sample]) -> Figures {
        Measured::of(&samples.iter().collect::<Vec<_>>(), TIMEOUT).figures
    }

    #[test]
    fn a_refusal_has_no_latency_and_a_time_out_has() {
        let refusals: Vec<Sample> = (0..99).map(refused).collect();
        let figures = measure(&[refusals, vec![ok(99, 80), timed_out(100)]].concat());
        let latency = figures.latency.expect("two samples have one");
        assert_eq!((latency.p50, latency.max), (millis(80), TIMEOUT));
    }

    #[test]
    fn percentiles_are_latencies_that_were_measured() {
        let samples: Vec<Sample> = (1..=100).map(|n| ok(n, n)).collect();
        let latency = measure(&samples).latency.expect("all have one");
        assert_eq!(latency.p50, millis(50));
        assert_eq!(latency.p99, millis(99));
        assert_eq!(latency.max, millis(100));
    }

    #[test]
    fn nothing_measured_has_no_figures() {
        let figures = measure(&[]);
        assert_eq!(figures, Figures::default());
    }

    #[test]
    fn values_that_are_no_number_are_probe_errors() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let figures = measure(&[Sample { value: Some(value), ..ok(0, 1) }]);
            assert_eq!((figures.probe_errors, figures.ok, figures.value), (1, 0, None));
        }
    }

    #[test]
    fn success_counts_what_could_be_measured() {
        let figures = measure(&[ok(0, 1), ok(1, 1), violated(2), refused(3)]);
        assert_eq!(figures.success_percent, Some(50.0));
    }
}
