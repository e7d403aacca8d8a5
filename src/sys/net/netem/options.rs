//! The parameters of netem as the kernel reads them: `struct tc_netem_qopt` and the attributes
//! `TCA_NETEM_*` behind it (`linux/pkt_sched.h`), in the host's byte order.

use std::time::Duration;

use super::super::attribute::Attributes;
use super::{Netem, distribution};
use crate::act::Chance;
use crate::spec::quantity::Percent;
use crate::spec::{GilbertElliott, Loss, Markov};

pub(super) const TCA_NETEM_CORR: u16 = 1;
const TCA_NETEM_DELAY_DIST: u16 = 2;
pub(super) const TCA_NETEM_REORDER: u16 = 3;
pub(super) const TCA_NETEM_CORRUPT: u16 = 4;
pub(super) const TCA_NETEM_LOSS: u16 = 5;
pub(super) const TCA_NETEM_RATE: u16 = 6;
pub(super) const TCA_NETEM_RATE64: u16 = 8;
pub(super) const TCA_NETEM_LATENCY64: u16 = 10;
pub(super) const TCA_NETEM_JITTER64: u16 = 11;
/// The models of loss within `TCA_NETEM_LOSS`: four states, and Gilbert and Elliott's two.
const NETEM_LOSS_GI: u16 = 1;
const NETEM_LOSS_GE: u16 = 2;

/// A tick of the kernel's packet scheduler is 64 ns (`net/pkt_sched.h`, `PSCHED_SHIFT`).
pub(super) const TICK_SHIFT: u32 = 6;
/// Bytes per second at which the largest packet (512 KiB) takes 0 ns, and yet eight times as much,
/// which is what tc prints, fits 64 bits.
pub(super) const ORDER_KEEPING_RATE: u64 = 1_000_000_000_000_000;

impl Netem {
    /// The value of `TCA_OPTIONS`.
    pub(in crate::sys::net) fn options(&self) -> Vec<u8> {
        let mut options = self.qopt();
        options.extend(self.attributes().as_bytes());
        options
    }

    /// `struct tc_netem_qopt`: latency, limit, loss, gap, duplicate, jitter.
    fn qopt(&self) -> Vec<u8> {
        let gap = self.at_once.map_or(0, |(_, gap)| gap.max(1));
        let (loss, _) = self.random_loss();
        let (duplicate, _) = words_of(self.duplicate);
        words(&[ticks(self.delay), self.limit, loss, gap, duplicate, ticks(self.jitter)])
    }

    fn attributes(&self) -> Attributes {
        let (_, loss_correlation) = self.random_loss();
        let (_, duplicate_correlation) = words_of(self.duplicate);
        let correlations = [probability(self.correlation), loss_correlation, duplicate_correlation];
        let mut all = Attributes::new()
            .bytes(TCA_NETEM_LATENCY64, &nanoseconds(self.delay))
            .bytes(TCA_NETEM_JITTER64, &nanoseconds(self.jitter))
            .bytes(TCA_NETEM_CORR, &words(&correlations));
        if let Some((chance, _)) = self.at_once {
            all = all.bytes(TCA_NETEM_REORDER, &pair(chance));
        }
        if let Some(chance) = self.corrupt {
            all = all.bytes(TCA_NETEM_CORRUPT, &pair(chance));
        }
        if let Some(model) = self.loss.and_then(|loss| loss_model(&loss)) {
            all = all.nest(TCA_NETEM_LOSS, &model);
        }
        let jitter = !self.jitter.is_zero();
        if let Some(table) = distribution::table(self.distribution).filter(|_| jitter) {
            let table: Vec<u8> = table.into_iter().flat_map(i16::to_ne_bytes).collect();
            all = all.bytes(TCA_NETEM_DELAY_DIST, &table);
        }
        match self.rate {
            Some(bytes) => rate(all, bytes),
            None if jitter && self.ordered => rate(all, ORDER_KEEPING_RATE),
            None => all,
        }
    }

    fn random_loss(&self) -> (u32, u32) {
        match self.loss {
            Some(Loss::Random { percent, correlation }) => {
                words_of(Some(Chance { percent, correlation }))
            }
            _ => (0, 0),
        }
    }
}

/// The model of a loss that is more than a probability.
fn loss_model(loss: &Loss) -> Option<Attributes> {
    match loss {
        Loss::Random { .. } | Loss::Every(_) => None,
        Loss::GilbertElliott(model) => {
            Some(Attributes::new().bytes(NETEM_LOSS_GE, &gilbert_elliott(model)))
        }
        Loss::Markov(model) => Some(Attributes::new().bytes(NETEM_LOSS_GI, &markov(model))),
    }
}

/// `struct tc_netem_gemodel`: p, r, h, k1. In the bad state a packet is lost unless by `h`; in the
/// good one it is lost by `k1` (`loss_gilb_ell`, whatever the names say).
fn gilbert_elliott(model: &GilbertElliott) -> Vec<u8> {
    let p = probability(model.p);
    let r = model.r.map_or(!p, probability);
    words(&[p, r, !probability(model.loss_bad), probability(model.loss_good)])
}

/// `struct tc_netem_gimodel`: p13, p31, p32, p14, p23. The kernel adds p13 to p14 and p31 to p32 in
/// 32 bits: what rounding has added to a full sum is taken away.
fn markov(model: &Markov) -> Vec<u8> {
    let (p13, p32) = (probability(model.p13), probability(model.p32));
    let p14 = probability(model.p14).min(!p13);
    let p31 = model.p31.map_or(!p13, probability).min(!p32);
    words(&[p13, p31, p32, p14, probability(model.p23)])
}

/// Adds a rate in bytes per second, without overheads and cells (`struct tc_netem_rate`).
fn rate(all: Attributes, rate: u64) -> Attributes {
    match u32::try_from(rate) {
        Ok(rate) => all.bytes(TCA_NETEM_RATE, &words(&[rate, 0, 0, 0])),
        Err(_) => all
            .bytes(TCA_NETEM_RATE64, &rate.to_ne_bytes())
            .bytes(TCA_NETEM_RATE, &words(&[u32::MAX, 0, 0, 0])),
    }
}

fn words_of(chance: Option<Chance>) -> (u32, u32) {
    chance.map_or((0, 0), |chance| (probability(chance.percent), probability(chance.correlation)))
}

/// `struct tc_netem_reorder` and `tc_netem_corrupt`: probability and correlation.
fn pair(chance: Chance) -> Vec<u8> {
    let (probability, correlation) = words_of(Some(chance));
    words(&[probability, correlation])
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().copied().flat_map(u32::to_ne_bytes).collect()
}

/// For kernels before 4.15; later ones read the 64-bit nanoseconds.
fn ticks(duration: Duration) -> u32 {
    u32::try_from(duration.as_nanos() >> TICK_SHIFT).unwrap_or(u32::MAX)
}

fn nanoseconds(duration: Duration) -> [u8; 8] {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX).to_ne_bytes()
}

/// All 32 bits stand for 100 %.
fn probability(percent: Percent) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and u32::MAX"
    )]
    let scaled = (percent.fraction().clamp(0.0, 1.0) * f64::from(u32::MAX)).round() as u32;
    scaled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Percent {
        text.parse().unwrap()
    }

    #[test]
    fn the_bytes_of_a_plain_delay() {
        let netem = Netem {
            delay: Duration::from_micros(64),
            correlation: percent("25%"),
            ..Netem::default()
        };
        let mut expected = words(&[1000, 1000, 0, 0, 0, 0]);
        expected.extend(12u16.to_ne_bytes());
        expected.extend(TCA_NETEM_LATENCY64.to_ne_bytes());
        expected.extend(64_000u64.to_ne_bytes());
        expected.extend(12u16.to_ne_bytes());
        expected.extend(TCA_NETEM_JITTER64.to_ne_bytes());
        expected.extend(0u64.to_ne_bytes());
        expected.extend(16u16.to_ne_bytes());
        expected.extend(TCA_NETEM_CORR.to_ne_bytes());
        expected.extend(words(&[1 << 30, 0, 0]));
        assert_eq!(netem.options(), expected);
    }

    #[test]
    fn bursts_in_the_kernels_words() {
        let model = GilbertElliott {
            p: percent("25%"),
            r: None,
            loss_bad: Percent::HUNDRED,
            loss_good: percent("0%"),
        };
        assert_eq!(gilbert_elliott(&model), words(&[1 << 30, !(1 << 30), 0, 0]));
        let model = Markov {
            p13: percent("70%"),
            p31: Some(percent("70%")),
            p32: percent("30%"),
            p23: Percent::HUNDRED,
            p14: percent("30%"),
        };
        let bytes = markov(&model);
        let word =
            |index: usize| u32::from_ne_bytes(bytes[4 * index..4 * index + 4].try_into().unwrap());
        assert!(word(0).checked_add(word(3)).is_some() && word(1).checked_add(word(2)).is_some());
    }
}
