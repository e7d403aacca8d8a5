//! Events that may depend on what happened to the packet before.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::act;

/// An event with a probability, as a Markov chain of two states: it happens with the probability
/// asked for, and whether it happened to one packet and to the next is correlated as asked for.
///
/// `sch_netem.c` (`get_crandom`) instead smooths the random numbers, which keeps neither: a loss
/// of 10 % with a correlation of 50 % becomes one of 0.1 % there.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    probability: f64,
    correlation: f64,
    happened: Option<bool>,
}

impl Chance {
    /// From 0 to 1 each.
    pub(super) const fn new(probability: f64, correlation: f64) -> Self {
        Self { probability, correlation, happened: None }
    }

    /// Whether it happens to the next packet.
    pub(super) fn strikes(&mut self, random: &mut ChaCha8Rng) -> bool {
        let independent = self.probability * (1.0 - self.correlation);
        let probability = match self.happened {
            None => self.probability,
            Some(false) => independent,
            Some(true) => independent + self.correlation,
        };
        let happens = random.random::<f64>() < probability;
        self.happened = Some(happens);
        happens
    }
}

impl From<&act::Chance> for Chance {
    fn from(chance: &act::Chance) -> Self {
        Self::new(chance.percent.fraction(), chance.correlation.fraction())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    #[test]
    fn the_probability_and_the_correlation_are_as_asked() {
        for (probability, correlation) in [(0.1, 0.0), (0.1, 0.5), (0.5, 0.9), (0.01, 0.25)] {
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let mut chance = Chance::new(probability, correlation);
            let happened: Vec<bool> = (0..1_000_000).map(|_| chance.strikes(&mut random)).collect();
            let share = |count: usize| count as f64 / 1e6;
            let mean = share(happened.iter().filter(|it| **it).count());
            let both = share(happened.windows(2).filter(|pair| pair[0] && pair[1]).count());
            let found = (both - mean * mean) / (mean * (1.0 - mean));
            assert!((mean / probability - 1.0).abs() < 0.04, "{probability}: {mean}");
            assert!((found - correlation).abs() < 0.02, "{correlation}: {found}");
        }
    }

    #[test]
    fn never_and_always() {
        let mut random = ChaCha8Rng::seed_from_u64(2);
        for (probability, expected) in [(0.0, false), (1.0, true)] {
            let mut chance = Chance::new(probability, 0.0);
            assert!((0..1000).all(|_| chance.strikes(&mut random) == expected));
        }
    }
}
