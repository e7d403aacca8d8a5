//! How long each packet waits.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::super::netem::normal_quantile;
use super::distribution::{deviation, normal_share};
use crate::act::Delay;
use crate::spec::Distribution;

/// A sequence of delays around a mean.
///
/// With a correlation r the sequence is a Gaussian copula: normal numbers, each r times the one
/// before plus an independent one of weight √(1-r²), seen through the distribution asked for. So
/// the delays have exactly that distribution whatever the correlation, which those of
/// `sch_netem.c` (`get_crandom`) have not.
#[derive(Clone, Debug)]
pub(super) struct Delays {
    /// In seconds.
    mean: f64,
    /// In seconds.
    jitter: f64,
    correlation: f64,
    distribution: Distribution,
    last: Option<f64>,
}

impl Delays {
    /// The next one; never less than nothing.
    pub(super) fn next(&mut self, random: &mut ChaCha8Rng) -> Duration {
        let mut delay = self.mean;
        if self.jitter > 0.0 {
            delay += self.jitter * deviation(self.distribution, self.share(random));
        }
        Duration::try_from_secs_f64(delay).unwrap_or_default()
    }

    /// A number between 0 and 1, both excluded.
    fn share(&mut self, random: &mut ChaCha8Rng) -> f64 {
        let share = random.random::<f64>().clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if self.correlation <= 0.0 {
            return share;
        }
        let fresh = normal_quantile(share);
        let now = match self.last {
            None => fresh,
            Some(last) => {
                let independent = (1.0 - self.correlation * self.correlation).sqrt();
                self.correlation.mul_add(last, independent * fresh)
            }
        };
        self.last = Some(now);
        normal_share(now)
    }
}

impl From<&Delay> for Delays {
    fn from(delay: &Delay) -> Self {
        Self {
            mean: delay.mean.get().as_secs_f64(),
            jitter: delay.jitter.get().as_secs_f64(),
            correlation: delay.correlation.fraction(),
            distribution: delay.distribution,
            last: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    fn sequence(distribution: Distribution, correlation: &str) -> Vec<f64> {
        let delay = Delay {
            mean: "100ms".parse().unwrap(),
            jitter: "10ms".parse().unwrap(),
            correlation: correlation.parse().unwrap(),
            distribution,
            reorder: false,
        };
        let mut delays = Delays::from(&delay);
        let mut random = ChaCha8Rng::seed_from_u64(3);
        (0..200_000).map(|_| delays.next(&mut random).as_secs_f64() * 1e3).collect()
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let square = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        (mean, square.sqrt())
    }

    #[test]
    fn the_distribution_is_as_asked_whatever_the_correlation() {
        // The deviation of a uniform distribution is its half width by √3.
        for (distribution, deviation) in
            [(Distribution::Uniform, 10.0 / 3f64.sqrt()), (Distribution::Normal, 10.0)]
        {
            for (correlation, tolerance) in [("0%", 0.01), ("50%", 0.02), ("90%", 0.05)] {
                let (mean, found) = moments(&sequence(distribution, correlation));
                assert!((mean - 100.0).abs() < 0.3, "{distribution:?} {correlation}: {mean}");
                let ratio = found / deviation;
                assert!((ratio - 1.0).abs() < tolerance, "{distribution:?} {correlation}: {found}");
            }
        }
    }

    #[test]
    fn neighbours_are_correlated_as_asked() {
        for (text, correlation) in [("0%", 0.0), ("50%", 0.5), ("90%", 0.9)] {
            let values = sequence(Distribution::Normal, text);
            let (mean, deviation) = moments(&values);
            let pairs = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
            let found = pairs.sum::<f64>() / values.len() as f64 / deviation.powi(2);
            assert!((found - correlation).abs() < 0.02, "{text}: {found}");
        }
    }

    #[test]
    fn pareto_has_its_long_tail_on_the_late_side() {
        let values = sequence(Distribution::Pareto, "0%");
        let (earliest, latest) =
            values.iter().fold((f64::MAX, 0f64), |(a, b), v| (a.min(*v), b.max(*v)));
        assert!((93.0..94.0).contains(&earliest) && (135.0..141.0).contains(&latest));
    }

    #[test]
    fn no_packet_leaves_before_it_came() {
        let delay = Delay {
            mean: "1ms".parse().unwrap(),
            jitter: "10ms".parse().unwrap(),
            correlation: "0%".parse().unwrap(),
            distribution: Distribution::Normal,
            reorder: true,
        };
        let mut delays = Delays::from(&delay);
        let mut random = ChaCha8Rng::seed_from_u64(3);
        assert!((0..1000).any(|_| delays.next(&mut random).is_zero()));
    }
}
