//! Abort conditions: a sliding window over the last samples of a probe.

use std::collections::VecDeque;

use super::figures::{latency_of, outcome_of, rank, share, value_of};
use super::limit::{Comparison, Figure, Limit};
use crate::sample::{Elapsed, Sample, SampleOutcome};
use crate::spec::Abort;
use crate::spec::quantity::Duration;

/// Watches one abort condition. A sample costs a constant amount of work: only counts are kept.
///
/// The window ends with the newest moment any sample was due, and nothing triggers before it was
/// observed for its whole length. Samples that could not be measured count for neither side: a
/// window without a measurable sample triggers nothing.
#[derive(Debug)]
pub struct AbortWatch {
    probe: String,
    written: Duration,
    timeout_ns: u64,
    enough: u64,
    limits: Vec<(Limit, Tally)>,
    /// In the order due.
    window: VecDeque<Sighting>,
    first: Option<Elapsed>,
}

/// What is kept of a sample.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    due: Elapsed,
    outcome: SampleOutcome,
    latency_ns: Option<u64>,
    value: Option<f64>,
}

/// How the figures of the window lie to a limit's bound.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    below: u64,
    equal: u64,
    above: u64,
}

impl Tally {
    const fn count(self) -> u64 {
        self.below + self.equal + self.above
    }
}

impl AbortWatch {
    /// A watch for a condition on a probe with this time-out.
    #[must_use]
    pub fn new(abort: &Abort, timeout: Duration) -> Self {
        let limits = Limit::all_of(&abort.when);
        Self {
            probe: abort.probe.clone(),
            written: abort.window,
            timeout_ns: timeout.as_nanos(),
            enough: u64::from(abort.when.min_samples.unwrap_or(1).max(1)),
            limits: limits.into_iter().map(|limit| (limit, Tally::default())).collect(),
            window: VecDeque::new(),
            first: None,
        }
    }

    /// Takes a sample in, of any probe and in any order. Returns the reason to abort, with the
    /// limit and the figure, once all that the condition says is true of the full window.
    pub fn observe(&mut self, sample: &Sample) -> Option<String> {
        if sample.probe != self.probe {
            return None;
        }
        self.first = Some(self.first.map_or(sample.due, |first| first.min(sample.due)));
        self.enter(Sighting {
            due: sample.due,
            outcome: outcome_of(sample),
            latency_ns: latency_of(sample, self.timeout_ns),
            value: value_of(sample),
        });
        let end = self.window.back()?.due;
        self.leave(end);
        if end.since(self.first?) < self.written.get() || self.limits.is_empty() {
            return None;
        }
        let met: Option<Vec<String>> =
            self.limits.iter().map(|(limit, tally)| self.meets(limit, *tally)).collect();
        Some(format!("{} for {}", met?.join(" and "), self.written))
    }

    fn enter(&mut self, sighting: Sighting) {
        let place = self.window.iter().rposition(|other| other.due <= sighting.due);
        self.window.insert(place.map_or(0, |place| place + 1), sighting);
        for (limit, tally) in &mut self.limits {
            if let Some(slot) = sighting.slot(limit, tally) {
                *slot += 1;
            }
        }
    }

    fn leave(&mut self, end: Elapsed) {
        while let Some(oldest) = self.window.front().copied()
            && end.since(oldest.due) >= self.written.get()
            && end != oldest.due
        {
            self.window.pop_front();
            for (limit, tally) in &mut self.limits {
                if let Some(slot) = oldest.slot(limit, tally) {
                    *slot -= 1;
                }
            }
        }
    }

    /// The limit with the figure that meets it.
    fn meets(&self, limit: &Limit, tally: Tally) -> Option<String> {
        let count = tally.count();
        if count < self.enough {
            return None;
        }
        let met = match limit.figure {
            Figure::Success => share(tally.above, count).is_some_and(|share| limit.holds(share)),
            Figure::Latency(percent) => percentile_meets(limit.comparison, tally, percent),
            Figure::Value => all_meet(limit.comparison, tally),
        };
        met.then(|| format!("{limit} (it was {})", self.figure(limit, tally)))
    }

    /// The figure of the window in words; looked up only when the condition is met.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
    fn figure(&self, limit: &Limit, tally: Tally) -> String {
        let figure = match limit.figure {
            Figure::Success => share(tally.above, tally.count()),
            Figure::Latency(percent) => {
                let mut latencies: Vec<u64> =
                    self.window.iter().filter_map(|sighting| sighting.latency_ns).collect();
                latencies.sort_unstable();
                let rank = rank(percent, latencies.len() as u64);
                usize::try_from(rank - 1)
                    .ok()
                    .and_then(|place| latencies.get(place))
                    .map(|latency| *latency as f64)
            }
            Figure::Value => self.window.iter().rev().find_map(|sighting| sighting.value),
        };
        figure.map_or_else(|| "nothing".to_owned(), |figure| limit.describe(figure))
    }
}

impl Sighting {
    /// The count this sample belongs to. Of success, `above` counts the good ones, `below` the bad.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
    fn slot<'a>(&self, limit: &Limit, tally: &'a mut Tally) -> Option<&'a mut u64> {
        let figure = match limit.figure {
            Figure::Success => {
                return match self.outcome {
                    SampleOutcome::Ok => Some(&mut tally.above),
                    SampleOutcome::Violated | SampleOutcome::Unreachable => Some(&mut tally.below),
                    SampleOutcome::ProbeError => None,
                };
            }
            Figure::Latency(_) => self.latency_ns? as f64,
            Figure::Value => self.value?,
        };
        Some(match figure.total_cmp(&limit.bound) {
            std::cmp::Ordering::Less => &mut tally.below,
            std::cmp::Ordering::Equal => &mut tally.equal,
            std::cmp::Ordering::Greater => &mut tally.above,
        })
    }
}

/// Whether a percentile, by nearest rank, compares so: the figure of rank `r` is at most the bound
/// exactly when `r` figures are. No sorting is needed for that.
fn percentile_meets(comparison: Comparison, tally: Tally, percent: u64) -> bool {
    let rank = rank(percent, tally.count());
    let below = tally.below >= rank;
    let at_most = tally.below + tally.equal >= rank;
    match comparison {
        Comparison::AtLeast => !below,
        Comparison::AtMost => at_most,
        Comparison::Above => !at_most,
        Comparison::Below => below,
        Comparison::Equals => at_most && !below,
    }
}

/// Whether every value compares so.
const fn all_meet(comparison: Comparison, tally: Tally) -> bool {
    match comparison {
        Comparison::AtLeast => tally.below == 0,
        Comparison::AtMost => tally.above == 0,
        Comparison::Above => tally.below + tally.equal == 0,
        Comparison::Below => tally.above + tally.equal == 0,
        Comparison::Equals => tally.below + tally.above == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{ok, probe_error, refused, tolerance, valued};
    use super::*;

    fn watch(when: &str) -> AbortWatch {
        let abort = Abort {
            probe: "web".to_owned(),
            when: tolerance(when),
            window: Duration::from_secs(1),
        };
        AbortWatch::new(&abort, Duration::from_secs(1))
    }

    /// The slot of the first sample that triggers, with the reason.
    fn first(when: &str, samples: impl IntoIterator<Item = Sample>) -> Option<(u64, String)> {
        let mut watch = watch(when);
        samples.into_iter().zip(0..).find_map(|(sample, n)| Some((n, watch.observe(&sample)?)))
    }

    #[test]
    fn triggers_only_after_the_whole_window() {
        let (slot, reason) =
            first("{ success: { below: 50% } }", (0..30).map(refused)).expect("all is broken");
        assert_eq!(slot, 10);
        insta::assert_snapshot!(reason, @"success below 50% (it was 0%) for 1s");
    }

    #[test]
    fn forgets_what_has_left_the_window() {
        let samples = (0..20).map(|n| ok(n, 1)).chain((20..40).map(refused));
        // At slot 25 the window holds 4 good and 6 bad ones: 40 % for the first time.
        assert_eq!(first("{ success: { below: 50% } }", samples).expect("broken").0, 25);
    }

    #[test]
    fn other_probes_do_not_count() {
        let other = (0..30).map(|n| Sample { probe: "db".to_owned(), ..refused(n) });
        assert_eq!(first("{ success: { below: 50% } }", other), None);
    }

    #[test]
    fn what_could_not_be_measured_triggers_nothing() {
        assert_eq!(first("{ success: { below: 50% } }", (0..30).map(probe_error)), None);
    }

    #[test]
    fn all_of_the_condition_must_be_true() {
        let when = "{ success: { at-least: 100% }, p50: { above: 100ms } }";
        let sample = |n| ok(n, if n < 20 { 10 } else { 200 });
        let (slot, reason) = first(when, (0..40).map(sample)).expect("slow at last");
        assert_eq!(slot, 25);
        insta::assert_snapshot!(reason, @"success at-least 100% (it was 100%) and p50 above 100ms (it was 200ms) for 1s");
    }

    #[test]
    fn every_value_of_the_window_must_be_bad() {
        let value = |n| valued(n, if n % 15 == 0 { 1.0 } else { 9.0 });
        assert_eq!(first("{ value: { above: 5 } }", (0..40).map(value)).expect("bad").0, 10);
        let value = |n| valued(n, if n % 5 == 0 { 1.0 } else { 9.0 });
        assert_eq!(first("{ value: { above: 5 } }", (0..40).map(value)), None);
    }

    #[test]
    fn samples_may_come_late() {
        let mut watch = watch("{ success: { below: 50% } }");
        let mut slots: Vec<u64> = (0..=10).collect();
        slots.swap(3, 9);
        let reasons: Vec<bool> =
            slots.into_iter().map(|slot| watch.observe(&refused(slot)).is_some()).collect();
        assert_eq!(reasons.iter().filter(|met| **met).count(), 1);
        assert_eq!(watch.window.len(), 10);
    }
}
