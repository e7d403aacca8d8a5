//! A tolerance taken apart into single limits.

use std::fmt;

use super::humane;
use crate::spec::quantity::{Duration, Number, Percent};
use crate::spec::{Bounds, Tolerance};

/// The figure a limit is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// The share of samples that were `Ok`, in percent.
    Success,
    /// The latency at this percentile, in nanoseconds; 100 is the longest.
    Latency(u64),
    /// Every value.
    Value,
}

/// How the figure must compare with the bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    AtLeast,
    AtMost,
    Above,
    Below,
    Equals,
}

impl Comparison {
    /// Whether it bounds the figure from above, so that greater is worse.
    pub(super) const fn is_ceiling(self) -> bool {
        matches!(self, Self::AtMost | Self::Below)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::AtLeast => "at-least",
            Self::AtMost => "at-most",
            Self::Above => "above",
            Self::Below => "below",
            Self::Equals => "equals",
        }
    }
}

/// One limit of one figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) figure: Figure,
    pub(super) comparison: Comparison,
    /// In the unit of the figure.
    pub(super) bound: f64,
    written: String,
}

impl Limit {
    /// Every limit of a tolerance, in the order of its fields.
    pub(super) fn all_of(tolerance: &Tolerance) -> Vec<Self> {
        let mut limits = Vec::new();
        add(&mut limits, Figure::Success, tolerance.success.as_ref(), Percent::get);
        let latencies = [
            (50, &tolerance.p50),
            (90, &tolerance.p90),
            (95, &tolerance.p95),
            (99, &tolerance.p99),
            (100, &tolerance.max),
        ];
        for (percent, bounds) in latencies {
            add(&mut limits, Figure::Latency(percent), bounds.as_ref(), nanos);
        }
        add(&mut limits, Figure::Value, tolerance.value.as_ref(), Number::get);
        limits
    }

    /// Whether a figure keeps it. NaN never does.
    #[expect(clippy::float_cmp, reason = "`equals` asks for exactly that")]
    pub(super) fn holds(&self, figure: f64) -> bool {
        match self.comparison {
            Comparison::AtLeast => figure >= self.bound,
            Comparison::AtMost => figure <= self.bound,
            Comparison::Above => figure > self.bound,
            Comparison::Below => figure < self.bound,
            Comparison::Equals => figure == self.bound,
        }
    }

    /// The figure in words.
    pub(super) fn describe(&self, figure: f64) -> String {
        match self.figure {
            Figure::Success => humane::percent(figure),
            Figure::Latency(_) => humane::duration(figure),
            Figure::Value => humane::number(figure),
        }
    }

    /// How far a figure is from the bound, in words.
    pub(super) fn missed_by(&self, figure: f64) -> String {
        let difference = (figure - self.bound).abs();
        match self.figure {
            Figure::Success => humane::points(difference),
            Figure::Latency(_) => humane::duration(difference),
            Figure::Value => humane::number(difference),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = match self.figure {
            Figure::Success => "success",
            Figure::Latency(50) => "p50",
            Figure::Latency(90) => "p90",
            Figure::Latency(95) => "p95",
            Figure::Latency(99) => "p99",
            Figure::Latency(_) => "max",
            Figure::Value => "value",
        };
        write!(formatter, "{figure} {} {}", self.comparison.word(), self.written)
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 104 days")]
fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

fn add<T: Copy + fmt::Display>(
    limits: &mut Vec<Limit>,
    figure: Figure,
    bounds: Option<&Bounds<T>>,
    in_unit: impl Fn(T) -> f64,
) {
    let Some(bounds) = bounds else { return };
    let given = [
        (Comparison::AtLeast, bounds.at_least),
        (Comparison::AtMost, bounds.at_most),
        (Comparison::Above, bounds.above),
        (Comparison::Below, bounds.below),
        (Comparison::Equals, bounds.equals),
    ];
    limits.extend(given.into_iter().filter_map(|(comparison, bound)| {
        let bound = bound?;
        Some(Limit { figure, comparison, bound: in_unit(bound), written: bound.to_string() })
    }));
}

#[cfg(test)]
mod tests {
    use super::super::fixture::tolerance;
    use super::*;

    #[test]
    fn a_tolerance_is_taken_apart_as_written() {
        let tolerance = tolerance(
            "{ success: { at-least: 99.5% }, p99: { at-most: 300ms, above: 1ms }, \
             max: { below: 1m30s }, value: { equals: 3 } }",
        );
        let lines: Vec<String> = Limit::all_of(&tolerance).iter().map(Limit::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        success at-least 99.5%
        p99 at-most 300ms
        p99 above 1ms
        max below 1m30s
        value equals 3
        ");
    }

    #[test]
    fn nan_keeps_no_limit() {
        let tolerance =
            tolerance("{ value: { at-least: 1, at-most: 1, above: 0, below: 2, equals: 1 } }");
        for limit in Limit::all_of(&tolerance) {
            assert!(limit.holds(1.0), "{limit}");
            assert!(!limit.holds(f64::NAN), "{limit}");
        }
    }
}
