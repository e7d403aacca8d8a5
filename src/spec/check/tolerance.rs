//! Rules for tolerances: what they bound must be measured, and must be able to hold.

use super::Check;
use crate::spec::path::Path;
use crate::spec::{Bounds, HypothesisProbe, Tolerance};

impl Check<'_> {
    /// A tolerance, or the condition of an abort, for samples of a probe.
    pub(super) fn tolerance(
        &mut self,
        path: &Path,
        tolerance: &Tolerance,
        probe: &HypothesisProbe,
    ) {
        self.bounds(path.key("success"), tolerance.success.as_ref());
        self.bounds(path.key("value"), tolerance.value.as_ref());
        let latencies = [
            ("p50", &tolerance.p50),
            ("p90", &tolerance.p90),
            ("p95", &tolerance.p95),
            ("p99", &tolerance.p99),
            ("max", &tolerance.max),
        ];
        for (name, bounds) in latencies {
            self.bounds(path.key(name), bounds.as_ref());
            if bounds.is_some() && probe.process.is_some() {
                self.wrong_key(path.key(name), "a `process` probe measures no latency");
            }
        }
        let none = latencies.iter().all(|(_, bounds)| bounds.is_none());
        if none && tolerance.success.is_none() && tolerance.value.is_none() {
            let help = "write one such as `{ success: { at-least: 99% } }`";
            self.wrong_but(path.clone(), "the tolerance bounds nothing", help);
        }
        if tolerance.min_samples == Some(0) {
            self.wrong(path.key("min-samples"), "the least number of samples is 1");
        }
        if tolerance.value.is_some() && !measures_value(probe) {
            self.wrong_key(
                path.key("value"),
                format!("the probe `{}` measures no value", probe.name),
            );
        }
    }

    fn bounds<T: PartialOrd + ToString>(&mut self, path: Path, bounds: Option<&Bounds<T>>) {
        let Some(bounds) = bounds else { return };
        let lower = [(&bounds.at_least, "at-least", false), (&bounds.above, "above", true)];
        let upper = [(&bounds.at_most, "at-most", false), (&bounds.below, "below", true)];
        let given = |bound: &(&Option<T>, &str, bool)| bound.0.is_some();
        if bounds.equals.is_none() && !lower.iter().chain(&upper).any(given) {
            let help = "write at least one of `at-least`, `at-most`, `above`, `below`, `equals`";
            self.wrong_but(path, "the bounds are empty", help);
            return;
        }
        let equal = [(&bounds.equals, "equals", false)];
        for (low, low_name, low_open) in lower.iter().chain(&equal) {
            for (high, high_name, high_open) in upper.iter().chain(&equal) {
                if let (Some(low), Some(high)) = (low, high)
                    && (low > high || (low == high && (*low_open || *high_open)))
                {
                    let message = format!(
                        "nothing is both `{low_name}: {}` and `{high_name}: {}`",
                        low.to_string(),
                        high.to_string()
                    );
                    self.wrong(path.key(high_name), message);
                }
            }
        }
    }
}

fn measures_value(probe: &HypothesisProbe) -> bool {
    let json = probe.http.as_ref().and_then(|http| http.expect.json.as_ref());
    probe.process.is_some()
        || probe.command.as_ref().is_some_and(|command| command.expect.reads_number())
        || json.is_some_and(|json| json.equals.is_none())
}
