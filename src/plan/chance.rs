//! Whether something happens, by the seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::spec::quantity::Percent;

/// The streams of the seed that decide whether, apart from those that choose whom.
const STREAMS: u64 = 1 << 32;

/// Decisions of one step, in a stream of their own: a change to one step changes no other.
pub(super) struct Chance {
    probability: Option<Percent>,
    random: ChaCha8Rng,
    /// Whether the targets are one thing, which happens to all of them or to none.
    together: bool,
}

impl Chance {
    /// Without a probability everything happens.
    pub(super) fn new(probability: Option<Percent>, seed: u64, step: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(STREAMS | step as u64);
        Self { probability, random, together: false }
    }

    /// Decides for all targets at once.
    pub(super) const fn together(mut self, together: bool) -> Self {
        self.together = together;
        self
    }

    /// The next decisions, one for each of so many targets.
    pub(super) fn next(&mut self, targets: usize) -> Vec<bool> {
        if self.together {
            return vec![self.happens(); targets];
        }
        (0..targets).map(|_| self.happens()).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "53 bits are kept, which a float has")]
    fn happens(&mut self) -> bool {
        let Some(probability) = self.probability else { return true };
        let draw = (self.random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        draw < probability.fraction()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decisions(percent: &str, seed: u64, step: usize, count: usize) -> Vec<bool> {
        Chance::new(Some(percent.parse().unwrap()), seed, step).next(count)
    }

    #[test]
    fn a_decision_never_changes_between_versions() {
        let shown = |seed, step| {
            let decisions = decisions("30%", seed, step, 16);
            decisions.iter().map(|yes| if *yes { 'x' } else { '.' }).collect::<String>()
        };
        insta::assert_snapshot!(format!("{} {} {}", shown(1, 0), shown(1, 1), shown(2, 0)), @"x..xx...x....... x............x.. ..x...xx...xx.x.");
    }

    #[test]
    fn it_happens_as_often_as_it_should() {
        let yes = decisions("30%", 7, 0, 10_000).iter().filter(|yes| **yes).count();
        // Five standard deviations of the binomial distribution, √(10000 · 0.3 · 0.7) = 46.
        assert!((2770..=3230).contains(&yes), "{yes}");
    }

    proptest! {
        #[test]
        fn what_is_one_thing_happens_as_a_whole(seed: u64, share in 1_u32..=100, targets in 1_usize..9) {
            let share = format!("{share}%").parse().unwrap();
            let row = Chance::new(Some(share), seed, 0).together(true).next(targets);
            prop_assert!(row.iter().all(|yes| *yes == row[0]) && row.len() == targets);
        }

        #[test]
        fn what_is_certain_happens(seed: u64, step in 0_usize..9) {
            prop_assert!(decisions("100%", seed, step, 50).iter().all(|yes| *yes));
        }
    }
}
