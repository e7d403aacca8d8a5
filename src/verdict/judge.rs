//! Samples against a tolerance.

use super::figures::{Measured, latency_of, rank, share, value_of};
use super::limit::{Comparison, Figure, Limit};
use super::{LimitVerdict, PhaseVerdict, Verdict};
use crate::sample::{Elapsed, Phase, Sample};
use crate::spec::Tolerance;
use crate::spec::quantity::Duration;

/// Whose samples are judged.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The probe.
    pub probe: &'a str,
    /// The phase.
    pub phase: Phase,
    /// The probe's time-out. An unreachable sample that took as long counts with its latency;
    /// one that was refused sooner has none.
    pub timeout: Duration,
}

/// Judges the samples of the subject; those of other probes and phases are passed over.
///
/// A limit is `Unknown`, and never `Held`, when fewer samples than `min-samples` (1 by default)
/// carry its figure, or when more than a tenth of all samples are probe errors. With that many
/// errors a broken limit is still `Deviated` if it were broken in the best case as well: with
/// every probe error replaced by the sample that suits the limit best, for a limit on success by
/// one that is `Ok`. No limit and enough samples is `Held`.
pub fn judge<'a>(
    samples: impl IntoIterator<Item = &'a Sample>,
    tolerance: &Tolerance,
    subject: &Subject<'_>,
) -> PhaseVerdict {
    let mut samples: Vec<&Sample> = samples
        .into_iter()
        .filter(|sample| sample.probe == subject.probe && sample.phase == subject.phase)
        .collect();
    samples.sort_by_key(|sample| sample.due);
    let bench = Bench {
        measured: Measured::of(&samples, subject.timeout.as_nanos()),
        samples,
        timeout_ns: subject.timeout.as_nanos(),
        enough: u64::from(tolerance.min_samples.unwrap_or(1).max(1)),
    };
    let limits: Vec<LimitVerdict> =
        Limit::all_of(tolerance).iter().map(|limit| bench.judge(limit)).collect();
    let verdict = limits.iter().fold(bench.sufficient(), |all, one| all.worst(one.verdict));
    PhaseVerdict {
        probe: subject.probe.to_owned(),
        phase: subject.phase,
        verdict,
        reason: (verdict == Verdict::Unknown).then(|| bench.doubt(&limits)),
        figures: bench.measured.figures,
        limits,
    }
}

/// The samples on the bench with what was measured of them.
struct Bench<'a> {
    samples: Vec<&'a Sample>,
    measured: Measured,
    timeout_ns: u64,
    enough: u64,
}

impl Bench<'_> {
    fn sufficient(&self) -> Verdict {
        if self.measured.figures.measurable() < self.enough || self.too_many_errors() {
            return Verdict::Unknown;
        }
        Verdict::Held
    }

    fn too_many_errors(&self) -> bool {
        let figures = &self.measured.figures;
        figures.probe_errors.saturating_mul(10) > figures.samples
    }

    fn judge(&self, limit: &Limit) -> LimitVerdict {
        let figure = self.figure(limit).filter(|_| self.population(limit) > 0);
        let broken = figure.filter(|figure| !limit.holds(*figure));
        let verdict = if figure.is_none() || self.population(limit) < self.enough {
            Verdict::Unknown
        } else if broken.is_some() && (!self.too_many_errors() || self.is_definite(limit)) {
            Verdict::Deviated
        } else if self.too_many_errors() {
            Verdict::Unknown
        } else {
            Verdict::Held
        };
        LimitVerdict {
            limit: limit.to_string(),
            measured: figure.map_or_else(|| "nothing".to_owned(), |figure| limit.describe(figure)),
            missed_by: broken.map(|figure| limit.missed_by(figure)),
            first_broken: broken.and_then(|_| self.first_broken(limit)),
            verdict,
        }
    }

    /// How many samples carry the figure.
    fn population(&self, limit: &Limit) -> u64 {
        match limit.figure {
            Figure::Success => self.measured.figures.measurable(),
            Figure::Latency(_) => self.measured.latencies.len() as u64,
            Figure::Value => self.measured.values.len() as u64,
        }
    }

    /// The figure a limit is compared with; of values the one that suits it worst.
    fn figure(&self, limit: &Limit) -> Option<f64> {
        match limit.figure {
            Figure::Success => self.measured.figures.success_percent,
            Figure::Latency(percent) => self.measured.percentile(percent).map(as_figure),
            Figure::Value => {
                let values = self.measured.figures.value?;
                Some(match limit.comparison {
                    Comparison::AtMost | Comparison::Below => values.max,
                    Comparison::AtLeast | Comparison::Above => values.min,
                    Comparison::Equals => {
                        self.first_bad_value(limit).map_or(values.last, |(_, value)| value)
                    }
                })
            }
        }
    }

    fn first_bad_value(&self, limit: &Limit) -> Option<(Elapsed, f64)> {
        self.measured.values.iter().find(|(_, value)| !limit.holds(*value)).copied()
    }

    /// Whether the limit is broken however the probe errors might have turned out.
    fn is_definite(&self, limit: &Limit) -> bool {
        let Some((low, high)) = self.range(limit) else { return false };
        let best = match limit.comparison {
            Comparison::AtMost | Comparison::Below => low,
            Comparison::AtLeast | Comparison::Above => high,
            Comparison::Equals => limit.bound.max(low).min(high),
        };
        !limit.holds(best)
    }

    /// The least and the greatest the figure could be, had every probe error been measured.
    fn range(&self, limit: &Limit) -> Option<(f64, f64)> {
        let errors = self.measured.figures.probe_errors;
        match limit.figure {
            Figure::Success => {
                let figures = &self.measured.figures;
                let all = figures.measurable() + errors;
                Some((share(figures.ok, all)?, share(figures.ok + errors, all)?))
            }
            Figure::Latency(percent) => {
                let latencies = &self.measured.latencies;
                let rank = rank(percent, latencies.len() as u64 + errors);
                let at =
                    |rank: u64| latencies.get(usize::try_from(rank).ok()?).map(|l| as_figure(*l));
                let low = rank.checked_sub(errors + 1).map_or(Some(0.0), at)?;
                Some((low, at(rank - 1).unwrap_or(f64::INFINITY)))
            }
            Figure::Value => self.figure(limit).map(|worst| (worst, worst)),
        }
    }

    /// The moment of the first sample that breaks the limit by itself.
    fn first_broken(&self, limit: &Limit) -> Option<Elapsed> {
        match limit.figure {
            Figure::Success if limit.comparison.is_ceiling() => None,
            Figure::Success => self.measured.first_failed,
            Figure::Latency(_) if limit.comparison.is_ceiling() => {
                let slow = |sample: &&&Sample| {
                    latency_of(sample, self.timeout_ns)
                        .is_some_and(|latency| !limit.holds(as_figure(latency)))
                };
                self.samples.iter().find(slow).map(|sample| sample.due)
            }
            Figure::Latency(_) => None,
            Figure::Value => self
                .samples
                .iter()
                .find(|sample| value_of(sample).is_some_and(|value| !limit.holds(value)))
                .map(|sample| sample.due),
        }
    }

    /// Why there is no verdict.
    fn doubt(&self, limits: &[LimitVerdict]) -> String {
        let figures = &self.measured.figures;
        if figures.samples == 0 {
            return "there was no sample".to_owned();
        }
        if self.too_many_errors() {
            let first = self.samples.iter().find_map(|sample| {
                (sample.outcome == crate::sample::SampleOutcome::ProbeError)
                    .then_some(sample.detail.as_deref())?
            });
            let cause = first.map(|detail| format!("; the first: {detail}")).unwrap_or_default();
            return format!(
                "{} of {} samples could not be measured{cause}",
                figures.probe_errors, figures.samples
            );
        }
        if figures.measurable() < self.enough {
            let measured = figures.measurable();
            return format!("{measured} samples were measured, {} are asked for", self.enough);
        }
        let unknown = limits.iter().find(|limit| limit.verdict == Verdict::Unknown);
        let limit = unknown.map_or("a limit", |limit| limit.limit.as_str());
        format!("too few samples have the figure that `{limit}` is about")
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
fn as_figure(nanos: u64) -> f64 {
    nanos as f64
}

#[cfg(test)]
mod tests;
