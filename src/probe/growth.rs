//! Numbers that only grow: counters.

use std::cell::Cell;

/// How much a counter has grown since it was first looked at, over restarts too: where it falls it
/// began again at zero.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// The number seen last, and the growth until then.
    seen: Cell<Option<(f64, f64)>>,
}

impl Growth {
    /// The growth, by this new look. A number that is not finite is left as it is, for whoever
    /// judges it.
    pub(super) fn until(&self, number: f64) -> f64 {
        if !number.is_finite() {
            return number;
        }
        let sum = match self.seen.get() {
            None => 0.0,
            Some((last, sum)) if number < last => sum + number,
            Some((last, sum)) => sum + (number - last),
        };
        self.seen.set(Some((number, sum)));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_counts_from_its_first_look_and_over_restarts() {
        let growth = Growth::default();
        let all = [7.0, 7.0, 9.0, f64::NAN, 1.0, 4.0].map(|number| growth.until(number));
        assert_eq!(all[..3], [0.0, 0.0, 2.0]);
        assert!(all[3].is_nan());
        assert_eq!(all[4..], [3.0, 6.0]);
    }
}
