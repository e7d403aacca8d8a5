//! Chance that follows from a seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::spec::quantity::Percent;

/// A source of chance that many tasks draw from without waiting for each other: the numbers of
/// `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug)]
pub(super) struct Dice(AtomicU64);

/// The step of its state.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        let state = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    }

    /// From 0 to 1, without 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn fraction(&self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether it happens.
    pub(super) fn falls(&self, percent: Percent) -> bool {
        percent.get() >= 100.0 || self.fraction() < percent.fraction()
    }

    /// A duration within the variation, all as likely.
    pub(super) fn around(&self, mean: Duration, variation: Duration) -> Duration {
        if variation.is_zero() {
            return mean;
        }
        (mean + variation.mul_f64(2.0 * self.fraction())).saturating_sub(variation)
    }

    /// A number below the limit; 0 if that is 0.
    pub(super) fn below(&self, limit: u64) -> u64 {
        self.next().checked_rem(limit).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_throws_falls() {
        let dice = Dice::new(7);
        let fallen = (0..10_000).filter(|_| dice.falls("30%".parse().unwrap())).count();
        assert!((2_800..3_200).contains(&fallen), "{fallen}");
        assert!(dice.falls(Percent::HUNDRED) && !dice.falls("0%".parse().unwrap()));
    }

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let numbers = |seed| {
            let dice = Dice::new(seed);
            [dice.next(), dice.next(), dice.next()]
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
    }

    #[test]
    fn a_variation_goes_both_ways_and_no_further() {
        let dice = Dice::new(7);
        let [mean, variation] = [100, 20].map(Duration::from_millis);
        let all: Vec<_> = (0..1000).map(|_| dice.around(mean, variation)).collect();
        assert!(
            all.iter()
                .all(|one| (Duration::from_millis(80)..=Duration::from_millis(120)).contains(one))
        );
        assert!(all.iter().any(|one| *one < mean) && all.iter().any(|one| *one > mean));
    }
}
