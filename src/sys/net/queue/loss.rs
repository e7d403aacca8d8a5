//! Which packets are lost.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::chance::Chance;
use crate::spec::quantity::Percent;
use crate::spec::{GilbertElliott, Loss, Markov};

/// A model of loss with its state.
#[derive(Clone, Debug)]
pub(super) enum LossModel {
    /// By chance.
    Random(Chance),
    /// Every n-th packet.
    Every {
        /// n.
        period: u32,
        /// How many packets have passed since the last one lost.
        passed: u32,
    },
    /// A good and a bad state, each with a loss of its own (E. N. Gilbert 1960, E. O. Elliott 1963;
    /// `loss gemodel` of tc-netem(8)). As in `sch_netem.c` (`loss_gilb_ell`) a packet meets the
    /// loss of the state that it finds; the state may change afterwards.
    Bursts {
        /// The probabilities from 0 to 1: good to bad, bad to good.
        change: [f64; 2],
        /// The loss when good, and when bad.
        loss: [f64; 2],
        /// Whether the state is the bad one.
        bad: bool,
    },
    /// Four states (S. Salsano, F. Ludovici, A. Ordine, D. Giannuzzi: "Definition of a general and
    /// intuitive loss model for packet networks and its implementation in the Netem module in the
    /// Linux kernel", 2012; `loss state` of tc-netem(8)). As in `sch_netem.c` (`loss_4state`) the
    /// state changes first, and its kind decides on the packet.
    Markov {
        /// p13, p14, p31, p32, p23 from 0 to 1.
        change: Changes,
        /// Where the chain is.
        state: State,
    },
}

/// The probabilities of a Markov chain, by its states' numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes {
    p13: f64,
    p14: f64,
    p31: f64,
    p32: f64,
    p23: f64,
}

/// A state of the Markov chain, numbered as in tc-netem(8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// 1.
    Good,
    /// 2: received, within a burst.
    GoodInBurst,
    /// 3: lost, within a burst.
    LostInBurst,
    /// 4: lost alone.
    LostAlone,
}

impl LossModel {
    /// Whether the next packet is lost.
    pub(super) fn loses(&mut self, random: &mut ChaCha8Rng) -> bool {
        match self {
            Self::Random(chance) => chance.strikes(random),
            Self::Every { period, passed } => {
                *passed += 1;
                let lost = *passed >= *period;
                if lost {
                    *passed = 0;
                }
                lost
            }
            Self::Bursts { change: [worse, better], loss: [when_good, when_bad], bad } => {
                let (loss, change) = if *bad { (when_bad, better) } else { (when_good, worse) };
                let lost = random.random::<f64>() < *loss;
                *bad ^= random.random::<f64>() < *change;
                lost
            }
            Self::Markov { change, state } => {
                *state = change.next(*state, random.random());
                matches!(state, State::LostInBurst | State::LostAlone)
            }
        }
    }
}

impl Changes {
    /// The state after one, by a random number below 1.
    fn next(&self, state: State, dice: f64) -> State {
        match state {
            State::Good if dice < self.p14 => State::LostAlone,
            State::Good if dice < self.p14 + self.p13 => State::LostInBurst,
            State::GoodInBurst if dice < self.p23 => State::LostInBurst,
            State::LostInBurst if dice < self.p32 => State::GoodInBurst,
            State::LostInBurst if dice < self.p32 + self.p31 => State::Good,
            State::LostAlone => State::Good,
            stay => stay,
        }
    }
}

impl From<&Loss> for LossModel {
    fn from(loss: &Loss) -> Self {
        match loss {
            Loss::Random { percent, correlation } => {
                Self::Random(Chance::new(percent.fraction(), correlation.fraction()))
            }
            Loss::Every(period) => Self::Every { period: *period, passed: 0 },
            Loss::GilbertElliott(model) => bursts(model),
            Loss::Markov(model) => markov(model),
        }
    }
}

fn bursts(model: &GilbertElliott) -> LossModel {
    let worse = model.p.fraction();
    let better = model.r.map_or(1.0 - worse, Percent::fraction);
    LossModel::Bursts {
        change: [worse, better],
        loss: [model.loss_good.fraction(), model.loss_bad.fraction()],
        bad: false,
    }
}

fn markov(model: &Markov) -> LossModel {
    let p13 = model.p13.fraction();
    let change = Changes {
        p13,
        p14: model.p14.fraction(),
        p31: model.p31.map_or(1.0 - p13, Percent::fraction),
        p32: model.p32.fraction(),
        p23: model.p23.fraction(),
    };
    LossModel::Markov { change, state: State::Good }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;
    use serde_json::json;

    use super::*;

    const PACKETS: usize = 400_000;

    fn lost(loss: serde_json::Value) -> Vec<bool> {
        let loss: Loss = serde_json::from_value(loss).unwrap();
        let mut model = LossModel::from(&loss);
        let mut random = ChaCha8Rng::seed_from_u64(7);
        (0..PACKETS).map(|_| model.loses(&mut random)).collect()
    }

    fn share(lost: &[bool]) -> f64 {
        lost.iter().filter(|it| **it).count() as f64 / lost.len() as f64
    }

    /// The mean length of a row of losses.
    fn burst(lost: &[bool]) -> f64 {
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        lost.iter().filter(|it| **it).count() as f64 / bursts as f64
    }

    fn about(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 0.03, "{found} instead of {expected}");
    }

    #[test]
    fn every_nth_is_exact() {
        let lost = lost(json!({"every": 10}));
        assert!(lost.iter().enumerate().all(|(at, lost)| *lost == (at % 10 == 9)));
    }

    #[test]
    fn simple_gilbert_has_its_stationary_loss_and_bursts() {
        // p / (p + r), and bursts of 1 / r.
        let lost = lost(json!({"gilbert-elliott": {"p": "1%", "r": "25%"}}));
        about(share(&lost), 0.01 / 0.26);
        about(burst(&lost), 4.0);
    }

    #[test]
    fn gilbert_elliott_loses_in_both_states() {
        let model = json!({"p": "5%", "r": "20%", "loss-bad": "60%", "loss-good": "2%"});
        about(share(&lost(json!({"gilbert-elliott": model}))), 0.2 * 0.6 + 0.8 * 0.02);
    }

    #[test]
    fn four_states_have_their_stationary_loss() {
        let (p13, p31, p32, p23, p14) = (0.05, 0.2, 0.3, 0.4, 0.03);
        let model = json!({"p13": "5%", "p31": "20%", "p32": "30%", "p23": "40%", "p14": "3%"});
        // Balance: 1 -> 3 as often as 3 -> 1, 2 -> 3 as 3 -> 2, and 4 after each 1 -> 4.
        let burst = p13 / p31;
        let expected = (burst + p14) / (1.0 + burst + burst * p32 / p23 + p14);
        about(share(&lost(json!({"markov": model}))), expected);
    }

    #[test]
    fn four_states_by_default_are_two() {
        let lost = lost(json!({"markov": {"p13": "10%", "p31": "50%"}}));
        about(share(&lost), 0.1 / 0.6);
        about(burst(&lost), 2.0);
    }

    #[test]
    fn all_is_all() {
        let lost = lost(json!({"random": {"percent": "100%", "correlation": "0%"}}));
        assert!(lost.iter().all(|it| *it));
    }
}
