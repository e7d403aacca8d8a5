//! What becomes of each packet: the mathematics of one impairment in one direction.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::bucket::Bucket;
use super::chance::Chance;
use super::delays::Delays;
use super::loss::LossModel;
use crate::act::{Impairment, Reorder};

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It passes.
    Pass,
    /// It passes at a moment, not before.
    Wait(Instant),
    /// It is lost.
    Vanish,
    /// It passes, and so does a copy.
    Twice,
    /// It passes with a bit changed, which this random number picks.
    Flip(u64),
}

/// An impairment in one direction, with its state.
#[derive(Debug)]
pub(super) struct Emulator {
    model: Model,
    random: ChaCha8Rng,
}

#[derive(Debug)]
enum Model {
    Delay { delays: Delays, reorder: bool, last: Option<Instant> },
    Lose(LossModel),
    Duplicate(Chance),
    Corrupt(Chance),
    Reorder(Overtaking),
    Limit(Bucket),
}

/// Some packets overtake others (tc-netem(8), `reorder` with `gap`).
#[derive(Debug)]
struct Overtaking {
    chance: Chance,
    gap: u32,
    delay: Duration,
    delayed: u32,
}

impl Emulator {
    /// Both directions of one act have one each.
    pub(super) fn new(impairment: &Impairment, random: ChaCha8Rng) -> Self {
        let model = match impairment {
            Impairment::Delay(delay) => {
                Model::Delay { delays: delay.into(), reorder: delay.reorder, last: None }
            }
            Impairment::Lose(loss) => Model::Lose(loss.into()),
            Impairment::Duplicate(chance) => Model::Duplicate(chance.into()),
            Impairment::Corrupt(chance) => Model::Corrupt(chance.into()),
            Impairment::Reorder(reorder) => Model::Reorder(reorder.into()),
            Impairment::Limit(limit) => Model::Limit(limit.into()),
        };
        Self { model, random }
    }

    /// The fate of a packet of a length in bytes that comes now.
    pub(super) fn fate(&mut self, now: Instant, length: usize) -> Fate {
        let random = &mut self.random;
        match &mut self.model {
            Model::Delay { delays, reorder, last } => {
                let own = now + delays.next(random);
                let due = last.filter(|_| !*reorder).map_or(own, |last| last.max(own));
                *last = Some(due);
                Fate::Wait(due)
            }
            Model::Lose(loss) => Fate::or_pass(loss.loses(random), Fate::Vanish),
            Model::Duplicate(chance) => Fate::or_pass(chance.strikes(random), Fate::Twice),
            Model::Corrupt(chance) => {
                let flips = chance.strikes(random);
                Fate::or_pass(flips, Fate::Flip(random.random()))
            }
            Model::Reorder(overtaking) => overtaking.fate(now, random),
            Model::Limit(bucket) => match bucket.admit(now, length) {
                None => Fate::Vanish,
                Some(due) if due <= now => Fate::Pass,
                Some(due) => Fate::Wait(due),
            },
        }
    }
}

impl Fate {
    const fn or_pass(strikes: bool, fate: Self) -> Self {
        if strikes { fate } else { Self::Pass }
    }
}

impl Overtaking {
    /// As `netem_enqueue` of `sch_netem.c`: only after gap - 1 packets were delayed may one pass.
    fn fate(&mut self, now: Instant, random: &mut ChaCha8Rng) -> Fate {
        if self.delayed + 1 >= self.gap && self.chance.strikes(random) {
            self.delayed = 0;
            return Fate::Pass;
        }
        self.delayed = self.delayed.saturating_add(1);
        Fate::Wait(now + self.delay)
    }
}

impl From<&Reorder> for Overtaking {
    fn from(reorder: &Reorder) -> Self {
        Self {
            chance: (&reorder.chance).into(),
            gap: reorder.gap,
            delay: reorder.delay.get(),
            delayed: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::rand_core::SeedableRng as _;
    use serde_json::json;

    use super::*;

    fn emulator(impairment: serde_json::Value, seed: u64) -> Emulator {
        let impairment: Impairment = serde_json::from_value(impairment).unwrap();
        Emulator::new(&impairment, ChaCha8Rng::seed_from_u64(seed))
    }

    fn delay(jitter: u32, reorder: bool, seed: u64) -> Emulator {
        let delay = json!({"mean": "10ms", "jitter": format!("{jitter}us"), "correlation": "0%",
            "distribution": "normal", "reorder": reorder});
        emulator(json!({ "delay": delay }), seed)
    }

    #[test]
    fn only_every_nth_overtakes() {
        let chance = json!({"percent": "100%", "correlation": "0%"});
        let reorder = json!({"chance": chance, "gap": 4, "delay": "10ms"});
        let (mut emulator, now) = (emulator(json!({ "reorder": reorder }), 1), Instant::now());
        let fates: Vec<bool> = (0..8).map(|_| emulator.fate(now, 100) == Fate::Pass).collect();
        assert_eq!(fates, [false, false, false, true, false, false, false, true]);
    }

    #[test]
    fn jitter_overtakes_when_it_may() {
        let (mut emulator, now) = (delay(3000, true, 1), Instant::now());
        let fates: Vec<Fate> = (0..100).map(|_| emulator.fate(now, 100)).collect();
        let due = |fate: &Fate| if let Fate::Wait(due) = fate { *due } else { now };
        assert!(fates.windows(2).any(|pair| due(&pair[0]) > due(&pair[1])));
    }

    proptest! {
        #[test]
        fn order_is_kept_unless_asked_otherwise(
            gaps in prop::collection::vec(0u64..2000, 1..100), jitter in 0u32..20_000, seed: u64
        ) {
            let (mut emulator, mut now) = (delay(jitter, false, seed), Instant::now());
            let mut last = now;
            for gap in gaps {
                now += Duration::from_micros(gap);
                let Fate::Wait(due) = emulator.fate(now, 100) else { panic!("it waits") };
                prop_assert!(due >= last && due >= now);
                last = due;
            }
        }
    }
}
