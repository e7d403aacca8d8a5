//! Choosing by the seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::Refusal;
use crate::spec::quantity::{Percent, Pick};

/// Where the streams of shuffles begin, after those of chance.
const SHUFFLES: u64 = 2 << 32;

/// How many of `matched` (at least one) are picked.
pub(super) fn how_many(pick: Pick, matched: usize) -> Result<usize, Refusal> {
    match pick {
        Pick::One => Ok(1),
        Pick::All => Ok(matched),
        Pick::Share(share) => Ok(share_of(share, matched).max(1)),
        Pick::Count(wanted) => match usize::try_from(wanted) {
            Ok(count) if count <= matched => Ok(count),
            _ => Err(Refusal::TooFew { wanted, matched }),
        },
    }
}

/// The share, rounded down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a share is at most one, and a host has fewer than 2^52 processes"
)]
fn share_of(share: Percent, matched: usize) -> usize {
    // Percent first: 29% of 100 is 29, while 0.29 × 100 falls just short of it.
    (share.get() * matched as f64 / 100.0).floor() as usize
}

/// Chooses `count` of the items and keeps their order. The same items in the same order, seed and
/// step make the same choice; each step draws from a stream of its own, so that a change to one
/// step changes no other.
pub(super) fn choose<T>(items: Vec<T>, count: usize, seed: u64, step: usize) -> Vec<T> {
    if count >= items.len() {
        return items;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(step as u64);
    // Robert Floyd's sampling: `count` draws, without a table of what is left.
    let mut chosen = Vec::with_capacity(count);
    for last in items.len() - count..items.len() {
        let draw = below(&mut random, last + 1);
        chosen.push(if chosen.contains(&draw) { last } else { draw });
    }
    let picked = |(index, item)| chosen.contains(&index).then_some(item);
    items.into_iter().enumerate().filter_map(picked).collect()
}

/// The numbers below `count`, shuffled: the same for the same seed and step, and drawn from another
/// stream than [`choose`] draws from.
pub(super) fn shuffled(count: usize, seed: u64, step: usize) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(SHUFFLES | step as u64);
    let mut order: Vec<usize> = (0..count).collect();
    // Fisher and Yates.
    for last in (1..count).rev() {
        order.swap(last, below(&mut random, last + 1));
    }
    order
}

/// A number below `bound`, by multiplication: unlike a library's own distributions it never
/// changes, and its bias of `bound` in 2^64 is no matter.
#[expect(clippy::cast_possible_truncation, reason = "the result is below a usize")]
fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    ((u128::from(random.next_u64()) * bound as u128) >> 64) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shares_are_rounded_down_and_at_least_one() {
        let picked = |pick: &str, of| how_many(pick.parse().unwrap(), of).unwrap();
        assert_eq!(picked("50%", 5), 2);
        assert_eq!(picked("29%", 100), 29);
        assert_eq!(picked("1%", 5), 1);
        assert_eq!(picked("one", 5), 1);
        assert_eq!(picked("all", 5), 5);
        assert_eq!(picked("3", 5), 3);
        assert!(how_many(Pick::Count(6), 5).is_err());
    }

    #[test]
    fn a_choice_never_changes_between_versions() {
        let chosen = |seed, step| choose((0..10).collect(), 3, seed, step);
        insta::assert_snapshot!(format!("{:?} {:?} {:?}", chosen(1, 0), chosen(1, 1), chosen(2, 0)), @"[0, 3, 5] [0, 5, 6] [4, 7, 9]");
    }

    #[test]
    fn a_shuffle_never_changes_between_versions() {
        insta::assert_snapshot!(format!("{:?} {:?} {:?}", shuffled(5, 1, 0), shuffled(5, 1, 1), shuffled(5, 2, 0)), @"[4, 1, 0, 2, 3] [0, 2, 3, 1, 4] [0, 3, 1, 2, 4]");
    }

    proptest! {
        #[test]
        fn a_shuffle_has_every_number_once(count in 0_usize..60, seed: u64, step in 0_usize..9) {
            let mut order = shuffled(count, seed, step);
            order.sort_unstable();
            prop_assert_eq!(order, (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn a_choice_has_its_size_and_no_item_twice(
            size in 1_usize..60, count in 1_usize..60, seed: u64, step in 0_usize..9,
        ) {
            let chosen = choose((0..size).collect(), count, seed, step);
            prop_assert_eq!(chosen.len(), count.min(size));
            prop_assert!(chosen.is_sorted_by(|one, other| one < other));
            prop_assert_eq!(&chosen, &choose((0..size).collect(), count, seed, step));
        }

        #[test]
        fn every_item_has_its_turn(seed: u64) {
            let mut seen = [false; 4];
            for step in 0..100 {
                for item in choose((0..4_usize).collect(), 1, seed, step) {
                    seen[item] = true;
                }
            }
            prop_assert_eq!(seen, [true; 4]);
        }
    }
}
