//! The last samples of a probe, for its sparkline and its current figures.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

use super::text::{DIM, GREEN, RED, Text, YELLOW};
use crate::sample::{Elapsed, Sample, SampleOutcome};

/// As many buckets as the widest sparkline has columns.
const BUCKETS: u64 = 70;
/// How many of the last buckets are *current*.
const CURRENT: u64 = 6;
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Samples in buckets of equal length, the latest last.
#[derive(Debug)]
pub(super) struct History {
    length: u64,
    buckets: VecDeque<(u64, Bucket)>,
}

#[derive(Debug, Default)]
struct Bucket {
    ok: u64,
    bad: u64,
    errors: u64,
    latency: Option<Histogram<u32>>,
}

impl History {
    /// With buckets so many nanoseconds long.
    pub(super) fn new(length: u64) -> Self {
        Self { length: length.max(1), buckets: VecDeque::new() }
    }

    /// Takes in a sample, at the moment it was due.
    pub(super) fn observe(&mut self, sample: &Sample) {
        let number = sample.due.0 / self.length;
        let Some(bucket) = self.bucket(number) else { return };
        match sample.outcome {
            SampleOutcome::Ok => bucket.ok += 1,
            SampleOutcome::Violated | SampleOutcome::Unreachable => bucket.bad += 1,
            SampleOutcome::ProbeError => bucket.errors += 1,
        }
        if matches!(sample.outcome, SampleOutcome::Ok | SampleOutcome::Violated) {
            if bucket.latency.is_none() {
                bucket.latency = Histogram::new(2).ok();
            }
            if let Some(latency) = &mut bucket.latency {
                // In microseconds; a figure beyond the histogram's range only misses from a bar.
                let _ = latency.record((sample.latency_ns / 1000).max(1));
            }
        }
    }

    /// The bucket of that number, unless it is too old; samples may come late and out of order.
    fn bucket(&mut self, number: u64) -> Option<&mut Bucket> {
        let latest = self.buckets.back().map_or(number, |(latest, _)| (*latest).max(number));
        if number + BUCKETS <= latest {
            return None;
        }
        while self.buckets.front().is_some_and(|(oldest, _)| oldest + BUCKETS <= latest) {
            self.buckets.pop_front();
        }
        let index = self.buckets.partition_point(|(known, _)| *known < number);
        if self.buckets.get(index).is_none_or(|(known, _)| *known != number) {
            self.buckets.insert(index, (number, Bucket::default()));
        }
        self.buckets.get_mut(index).map(|(_, bucket)| bucket)
    }

    /// The share of current samples that were as expected, in percent.
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    pub(super) fn success(&self, now: Elapsed) -> Option<f64> {
        let (ok, bad) =
            self.current(now).fold((0, 0), |(ok, bad), bucket| (ok + bucket.ok, bad + bucket.bad));
        (ok + bad > 0).then(|| ok as f64 * 100.0 / (ok + bad) as f64)
    }

    /// The 99th percentile of the current latencies, in nanoseconds.
    pub(super) fn p99(&self, now: Elapsed) -> Option<u64> {
        let mut all = Histogram::<u32>::new(2).ok()?;
        for latency in self.current(now).filter_map(|bucket| bucket.latency.as_ref()) {
            all.add(latency).ok()?;
        }
        (!all.is_empty()).then(|| all.value_at_quantile(0.99) * 1000)
    }

    fn current(&self, now: Elapsed) -> impl Iterator<Item = &Bucket> {
        let since = (now.0 / self.length).saturating_sub(CURRENT - 1);
        self.buckets.iter().filter(move |(number, _)| *number >= since).map(|(_, bucket)| bucket)
    }

    /// The last `columns` buckets: height is latency, colour is success. Without colours, `!`
    /// stands where some samples were bad and `×` where half of them were.
    pub(super) fn sparkline(&self, now: Elapsed, columns: u64, colour: bool) -> Text {
        let last = now.0 / self.length;
        let first = (last + 1).saturating_sub(columns);
        let ceiling = self.ceiling(first);
        let find = |number: u64| {
            let index = self.buckets.binary_search_by_key(&number, |(known, _)| *known).ok()?;
            self.buckets.get(index).map(|(_, bucket)| bucket)
        };
        let mut text = Text::default();
        for _ in last + 1..columns {
            text = text.add(DIM, " ");
        }
        (first..=last).fold(text, |text, number| match find(number) {
            Some(bucket) => text.join(bucket.bar(ceiling, colour)),
            None => text.add(DIM, if number == last { " " } else { "·" }),
        })
    }

    /// The latency of a full bar, in microseconds. Never less than five times the usual one: a
    /// calm probe draws a low, even line.
    fn ceiling(&self, first: u64) -> u64 {
        let seen = self.buckets.iter().filter(|(number, _)| *number >= first);
        let mut means: Vec<_> = seen.filter_map(|(_, bucket)| bucket.median()).collect();
        means.sort_unstable();
        let usual = means.get(means.len() / 4).copied().unwrap_or(1);
        means.last().copied().unwrap_or(1).max(usual.saturating_mul(5))
    }
}

impl Bucket {
    fn median(&self) -> Option<u64> {
        self.latency.as_ref().map(|latency| latency.value_at_quantile(0.5))
    }

    fn bar(&self, ceiling: u64, colour: bool) -> Text {
        let style = match (self.ok, self.bad) {
            (0, 0) => return Text::new(YELLOW, "?"),
            (_, 0) => GREEN,
            (ok, bad) if bad < ok => YELLOW,
            _ => RED,
        };
        if !colour && style == RED {
            return Text::new(style, "×");
        }
        if !colour && style == YELLOW {
            return Text::new(style, "!");
        }
        // Without any answer there is no latency: a full bar.
        let median = self.median().unwrap_or(ceiling).min(ceiling);
        let steps = BARS.len() as u64;
        let height = (median * steps / ceiling.max(1)).min(steps - 1);
        let bar = usize::try_from(height).ok().and_then(|height| BARS.get(height));
        Text::new(style, bar.copied().unwrap_or("█"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Phase;

    const SECOND: u64 = 1_000_000_000;

    fn sample(second: u64, millis: u64, outcome: SampleOutcome) -> Sample {
        Sample {
            probe: "api".to_owned(),
            phase: Phase::During,
            due: Elapsed(second * SECOND),
            latency_ns: millis * 1_000_000,
            outcome,
            value: None,
            detail: None,
        }
    }

    #[test]
    fn height_is_latency_and_gaps_are_dots() {
        let mut history = History::new(SECOND);
        for (second, millis) in [(0, 10), (1, 10), (2, 11), (3, 80), (5, 40)] {
            history.observe(&sample(second, millis, SampleOutcome::Ok));
        }
        history.observe(&sample(6, 1000, SampleOutcome::Unreachable));
        history.observe(&sample(7, 0, SampleOutcome::ProbeError));
        let now = Elapsed(8 * SECOND);
        assert_eq!(history.sparkline(now, 12, false).render(false), "   ▁▁▂█·▄×?");
        assert_eq!(history.sparkline(now, 4, false).render(false), "▂×?");
    }

    #[test]
    fn old_samples_make_room_and_late_ones_find_theirs() {
        let mut history = History::new(SECOND);
        for second in [0, 90, 88, 89, 10] {
            history.observe(&sample(second, 10, SampleOutcome::Ok));
        }
        let numbers: Vec<_> = history.buckets.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [88, 89, 90]);
        assert_eq!(history.success(Elapsed(91 * SECOND)), Some(100.0));
        assert_eq!(history.success(Elapsed(120 * SECOND)), None);
        assert_eq!(history.p99(Elapsed(91 * SECOND)).map(|nanos| nanos / 1_000_000), Some(10));
    }
}
