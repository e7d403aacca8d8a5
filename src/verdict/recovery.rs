//! How a probe came back, and how long its failure took to show.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::figures::{outcome_of, value_of};
use super::limit::{Figure, Limit};
use crate::sample::{Elapsed, Sample, SampleOutcome};
use crate::spec::{HypothesisProbe, Recovery, Tolerance};

/// How a probe came back after the last undo, and how long its failure took to show. All moments
/// are those at which samples were due, so figures are as fine as the probe's rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RecoveryVerdict {
    /// The probe.
    pub probe: String,
    /// Whether it recovered within the time the file gives; `Held` if the file gives none.
    pub verdict: Verdict,
    /// From the first injection to the first sample that was not good, in nanoseconds. Good is a
    /// sample that is `Ok`, no slower than the largest latency limit of the tolerance, and with a
    /// value within its limits.
    pub time_to_detect_ns: Option<u64>,
    /// From that first bad sample to the first of the good ones that lasted, in nanoseconds.
    pub outage_ns: Option<u64>,
    /// From the last proved undo to the first of the good samples that lasted, in nanoseconds;
    /// zero if nothing was broken any more. None if it did not recover.
    pub time_to_recover_ns: Option<u64>,
    /// What is asked, such as `within 10s, hold 2s`.
    pub limit: Option<String>,
}

/// The moments of a run that recovery is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// When the first fault was injected.
    pub first_injection: Elapsed,
    /// When the undo of the last fault was proved.
    pub last_undo: Elapsed,
}

/// Judges how a probe recovered; samples of other probes are passed over.
///
/// It recovered with the first good sample after which samples stayed good for the whole `hold`,
/// counted from the last undo at the earliest. Samples that could not be measured neither keep
/// nor break a hold. `Deviated` needs proof: if samples end before the time to recover was over,
/// the verdict is `Unknown`.
pub fn judge_recovery<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    probe: &HypothesisProbe,
    moments: Moments,
) -> RecoveryVerdict {
    let criterion = Criterion::of(&probe.tolerance);
    let mut grades: Vec<(Elapsed, bool)> = samples
        .into_iter()
        .filter(|sample| sample.probe == probe.name && sample.due >= moments.first_injection)
        .filter_map(|sample| Some((sample.due, criterion.is_good(sample)?)))
        .collect();
    grades.sort_unstable();
    let first_bad = grades.iter().find(|(_, good)| !good).map(|(due, _)| *due);
    let hold = probe.recovery.map_or(Duration::ZERO, |recovery| recovery.hold.get());
    let course = Course::follow(&grades, moments.last_undo, hold);
    RecoveryVerdict {
        probe: probe.name.clone(),
        verdict: probe
            .recovery
            .map_or(Verdict::Held, |recovery| course.verdict(recovery, moments.last_undo)),
        time_to_detect_ns: first_bad.map(|bad| between(moments.first_injection, bad)),
        outage_ns: first_bad.zip(course.recovered).map(|(bad, good)| between(bad, good)),
        time_to_recover_ns: course.recovered.map(|good| between(moments.last_undo, good)),
        limit: probe
            .recovery
            .map(|recovery| format!("within {}, hold {}", recovery.within, recovery.hold)),
    }
}

fn between(earlier: Elapsed, later: Elapsed) -> u64 {
    later.0.saturating_sub(earlier.0)
}

/// What samples did after the last undo.
#[derive(Default)]
struct Course {
    /// The first of the good samples that lasted.
    recovered: Option<Elapsed>,
    /// The first of the good samples at the end that have not lasted yet.
    pending: Option<Elapsed>,
    /// The last sample after the undo that could be measured.
    last: Option<Elapsed>,
}

impl Course {
    fn follow(grades: &[(Elapsed, bool)], last_undo: Elapsed, hold: Duration) -> Self {
        let mut course = Self::default();
        for &(due, good) in grades {
            if !good {
                course.pending = None;
            } else if course.pending.is_none() {
                course.pending = Some(due);
            }
            if due < last_undo {
                continue;
            }
            course.last = Some(due);
            if let Some(start) = course.pending
                && due.since(start.max(last_undo)) >= hold
            {
                course.recovered = Some(start);
                break;
            }
        }
        course
    }

    fn verdict(&self, recovery: Recovery, last_undo: Elapsed) -> Verdict {
        let within = |start: Elapsed| start.since(last_undo) <= recovery.within.get();
        match (self.recovered, self.pending, self.last) {
            (Some(start), _, _) if within(start) => Verdict::Held,
            (Some(_), _, _) => Verdict::Deviated,
            (None, Some(start), _) if within(start) => Verdict::Unknown,
            (None, _, Some(last)) if !within(last) => Verdict::Deviated,
            (None, _, _) => Verdict::Unknown,
        }
    }
}

/// What makes a single sample a good one.
#[derive(Clone, Debug)]
pub(super) struct Criterion {
    /// The ceilings on latency, of which the most generous counts.
    latencies: Vec<Limit>,
    values: Vec<Limit>,
}

impl Criterion {
    pub(super) fn of(tolerance: &Tolerance) -> Self {
        let (values, others): (Vec<Limit>, Vec<Limit>) =
            Limit::all_of(tolerance).into_iter().partition(|limit| limit.figure == Figure::Value);
        let latencies = others
            .into_iter()
            .filter(|limit| matches!(limit.figure, Figure::Latency(_)))
            .filter(|limit| limit.comparison.is_ceiling())
            .collect();
        Self { latencies, values }
    }

    /// Whether a sample is good; none if it could not be measured.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
    pub(super) fn is_good(&self, sample: &Sample) -> Option<bool> {
        match outcome_of(sample) {
            SampleOutcome::ProbeError => return None,
            SampleOutcome::Violated | SampleOutcome::Unreachable => return Some(false),
            SampleOutcome::Ok => {}
        }
        let latency = sample.latency_ns as f64;
        let fast =
            self.latencies.is_empty() || self.latencies.iter().any(|limit| limit.holds(latency));
        let within =
            value_of(sample).is_none_or(|value| self.values.iter().all(|limit| limit.holds(value)));
        Some(fast && within)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{due, millis, ok, probe, probe_error, refused, valued};
    use super::*;

    /// Injected at 1 s, undone at 3 s.
    const MOMENTS: Moments = Moments { first_injection: due(10), last_undo: due(30) };
    const ASKED: &str = "recovery: { within: 2s, hold: 1s }";

    fn recovery(yaml: &str, of: impl Fn(u64) -> Sample, slots: u64) -> RecoveryVerdict {
        let samples: Vec<Sample> = (0..slots).map(of).collect();
        judge_recovery(&samples, &probe(yaml), MOMENTS)
    }

    fn bad_between(from: u64, until: u64) -> impl Fn(u64) -> Sample {
        move |slot| if (from..until).contains(&slot) { refused(slot) } else { ok(slot, 3) }
    }

    #[test]
    fn figures_of_a_plain_outage() {
        let verdict = recovery(ASKED, bad_between(12, 35), 80);
        assert_eq!(verdict.verdict, Verdict::Held);
        assert_eq!(verdict.time_to_detect_ns, Some(millis(200)));
        assert_eq!(verdict.outage_ns, Some(millis(2300)));
        assert_eq!(verdict.time_to_recover_ns, Some(millis(500)));
        assert_eq!(verdict.limit.as_deref(), Some("within 2s, hold 1s"));
    }

    #[test]
    fn nothing_broken_recovers_in_no_time() {
        let verdict = recovery(ASKED, |slot| ok(slot, 3), 80);
        assert_eq!(verdict.time_to_detect_ns, None);
        assert_eq!(verdict.outage_ns, None);
        assert_eq!(verdict.time_to_recover_ns, Some(0));
        assert_eq!(verdict.verdict, Verdict::Held);
    }

    #[test]
    fn back_before_the_undo_recovers_in_no_time() {
        let verdict = recovery(ASKED, bad_between(12, 20), 80);
        assert_eq!(verdict.time_to_recover_ns, Some(0));
        assert_eq!(verdict.outage_ns, Some(millis(800)));
    }

    #[test]
    fn good_for_less_than_the_hold_is_not_recovered() {
        let flapping = |slot| match slot {
            12..35 | 40 => refused(slot),
            _ => ok(slot, 3),
        };
        let verdict = recovery(ASKED, flapping, 80);
        assert_eq!(verdict.time_to_recover_ns, Some(millis(1100)));
        assert_eq!(verdict.verdict, Verdict::Held);
    }

    #[test]
    fn too_late_is_deviated() {
        let verdict = recovery(ASKED, bad_between(12, 51), 80);
        assert_eq!(verdict.time_to_recover_ns, Some(millis(2100)));
        assert_eq!(verdict.verdict, Verdict::Deviated);
        let never = recovery(ASKED, bad_between(12, 80), 80);
        assert_eq!((never.time_to_recover_ns, never.outage_ns), (None, None));
        assert_eq!(never.verdict, Verdict::Deviated);
    }

    #[test]
    fn samples_that_end_too_soon_say_nothing() {
        assert_eq!(recovery(ASKED, bad_between(12, 35), 40).verdict, Verdict::Unknown);
        assert_eq!(recovery(ASKED, bad_between(12, 35), 33).verdict, Verdict::Unknown);
        assert_eq!(recovery(ASKED, bad_between(12, 35), 0).verdict, Verdict::Unknown);
    }

    #[test]
    fn samples_that_could_not_be_measured_prove_no_recovery() {
        let blind = |slot| if slot < 30 { ok(slot, 3) } else { probe_error(slot) };
        assert_eq!(recovery(ASKED, blind, 80).verdict, Verdict::Unknown);
    }

    #[test]
    fn slow_is_not_good_and_neither_is_a_value_out_of_its_limits() {
        let slow = |slot| ok(slot, if (12..35).contains(&slot) { 400 } else { 3 });
        let asked =
            format!("{ASKED}\ntolerance: {{ p50: {{ at-most: 9ms }}, p99: {{ at-most: 300ms }} }}");
        assert_eq!(recovery(&asked, slow, 80).time_to_recover_ns, Some(millis(500)));
        let large = |slot| valued(slot, if (12..35).contains(&slot) { 9.0 } else { 1.0 });
        let asked = format!("{ASKED}\ntolerance: {{ value: {{ at-most: 5 }} }}");
        assert_eq!(recovery(&asked, large, 80).time_to_recover_ns, Some(millis(500)));
    }

    #[test]
    fn without_a_time_to_keep_figures_are_computed_all_the_same() {
        let verdict = recovery("", bad_between(12, 35), 80);
        assert_eq!((verdict.verdict, verdict.limit), (Verdict::Held, None));
        assert_eq!(verdict.time_to_recover_ns, Some(millis(500)));
    }
}
