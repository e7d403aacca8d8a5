//! The parameters of netem as the kernel reads and writes them: `struct tc_netem_qopt` and the
//! attributes `TCA_NETEM_*` behind it (`linux/pkt_sched.h`), in the host's byte order.

use std::fmt;
use std::time::Duration;

use super::super::attribute::{Attributes, find};
use super::{Netem, normal};
use crate::spec::Distribution;

const TCA_NETEM_CORR: u16 = 1;
const TCA_NETEM_DELAY_DIST: u16 = 2;
const TCA_NETEM_RATE: u16 = 6;
const TCA_NETEM_RATE64: u16 = 8;
const TCA_NETEM_LATENCY64: u16 = 10;
const TCA_NETEM_JITTER64: u16 = 11;

/// The length of `struct tc_netem_qopt`: latency, limit, loss, gap, duplicate, jitter.
const QOPT: usize = 24;
/// A tick of the kernel's packet scheduler is 64 ns (`net/pkt_sched.h`, `PSCHED_SHIFT`).
const TICK_SHIFT: u32 = 6;
/// Bytes per second at which the largest packet (512 KiB) takes 0 ns, and yet eight times as much,
/// which is what tc prints, fits 64 bits.
const ORDER_KEEPING_RATE: u64 = 1_000_000_000_000_000;

impl Netem {
    /// The value of `TCA_OPTIONS`.
    pub(super) fn options(&self) -> Vec<u8> {
        let mut options = self.qopt();
        options.extend(self.attributes().as_bytes());
        options
    }

    fn qopt(&self) -> Vec<u8> {
        let (loss, gap, duplicate) = (0, 0, 0);
        [ticks(self.delay), self.limit, loss, gap, duplicate, ticks(self.jitter)]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect()
    }

    fn attributes(&self) -> Attributes {
        let (loss_correlation, duplicate_correlation) = (0, 0);
        let mut all = Attributes::new()
            .bytes(TCA_NETEM_LATENCY64, &nanoseconds(self.delay))
            .bytes(TCA_NETEM_JITTER64, &nanoseconds(self.jitter))
            .bytes(
                TCA_NETEM_CORR,
                &words(&[
                    probability(self.correlation.fraction()),
                    loss_correlation,
                    duplicate_correlation,
                ]),
            );
        if self.jitter.is_zero() {
            return all;
        }
        if self.distribution == Distribution::Normal {
            let table: Vec<u8> = normal::table().into_iter().flat_map(i16::to_ne_bytes).collect();
            all = all.bytes(TCA_NETEM_DELAY_DIST, &table);
        }
        rate(all, ORDER_KEEPING_RATE)
    }
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

fn probability(fraction: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and u32::MAX"
    )]
    let scaled = (fraction.clamp(0.0, 1.0) * f64::from(u32::MAX)).round() as u32;
    scaled
}

/// What the kernel says it does. It does not give back the distribution's table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far that varies.
    pub jitter: Duration,
    /// How much each delay depends on the one before, 0 to 1.
    pub correlation: f64,
    /// How many packets can wait.
    pub limit: u32,
    /// The share of packets lost at random, 0 to 1.
    pub loss: f64,
    /// The share of packets sent twice, 0 to 1.
    pub duplicate: f64,
    /// Every so many packets one is sent at once; 0 for none.
    pub gap: u32,
    /// Bytes per second; 0 for no limit.
    pub rate: u64,
}

impl Parameters {
    /// Reads the value of `TCA_OPTIONS`.
    pub(in crate::sys::net) fn parse(options: &[u8]) -> Option<Self> {
        let (qopt, attributes) = options.split_at_checked(QOPT)?;
        let word = |index: usize| word(qopt, index);
        let (delay, jitter) = (word(0)?, word(5)?);
        let correlation = find(attributes, TCA_NETEM_CORR).and_then(|value| self::word(value, 0));
        Some(Self {
            delay: wide(attributes, TCA_NETEM_LATENCY64)
                .map_or_else(|| from_ticks(delay), Duration::from_nanos),
            jitter: wide(attributes, TCA_NETEM_JITTER64)
                .map_or_else(|| from_ticks(jitter), Duration::from_nanos),
            correlation: share(correlation.unwrap_or(0)),
            limit: word(1)?,
            loss: share(word(2)?),
            duplicate: share(word(4)?),
            gap: word(3)?,
            rate: wide(attributes, TCA_NETEM_RATE64).unwrap_or_else(|| {
                let rate = find(attributes, TCA_NETEM_RATE).and_then(|value| self::word(value, 0));
                u64::from(rate.unwrap_or(0))
            }),
        })
    }

    /// Whether this is what was asked for, as far as the kernel tells.
    #[must_use]
    pub fn agree(&self, asked: &Netem) -> bool {
        Self::parse(&asked.options()).is_some_and(|asked| asked == *self)
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delay, jitter, correlation, limit, loss, duplicate, gap, rate } = self;
        write!(
            formatter,
            "limit {limit} delay {delay:?} jitter {jitter:?} correlation {correlation:.4} \
             loss {loss:.6} duplicate {duplicate:.6} gap {gap} rate {rate}"
        )
    }
}

fn word(bytes: &[u8], index: usize) -> Option<u32> {
    let (word, _) = bytes.get(index * 4..)?.split_first_chunk::<4>()?;
    Some(u32::from_ne_bytes(*word))
}

fn wide(attributes: &[u8], kind: u16) -> Option<u64> {
    find(attributes, kind)?.try_into().ok().map(u64::from_ne_bytes)
}

fn from_ticks(ticks: u32) -> Duration {
    Duration::from_nanos(u64::from(ticks) << TICK_SHIFT)
}

fn share(probability: u32) -> f64 {
    f64::from(probability) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::quantity::Percent;
    use proptest::prelude::*;

    fn netem(delay: u64, jitter: u64) -> Netem {
        Netem {
            delay: Duration::from_nanos(delay),
            jitter: Duration::from_nanos(jitter),
            correlation: "25%".parse::<Percent>().unwrap(),
            distribution: Distribution::Uniform,
            limit: 1000,
        }
    }

    #[test]
    fn the_bytes_of_a_plain_delay() {
        let options = netem(64_000, 0).options();
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
        assert_eq!(options, expected);
    }

    #[test]
    fn jitter_brings_the_rate_that_keeps_the_order() {
        let rate = |netem: Netem| Parameters::parse(&netem.options()).unwrap().rate;
        assert_eq!(rate(netem(1_000_000, 0)), 0);
        assert_eq!(rate(netem(1_000_000, 1)), ORDER_KEEPING_RATE);
        // The largest packet takes no time: bytes · 10⁹ ns / rate, rounded down.
        assert_eq!(512 * 1024 * 1_000_000_000 / ORDER_KEEPING_RATE, 0);
    }

    #[test]
    fn a_queue_is_long_enough_for_its_delay() {
        let milliseconds = Duration::from_millis;
        let limit = Netem::limit_for;
        assert_eq!(limit(milliseconds(1), milliseconds(0), 1000), 1000);
        assert_eq!(limit(milliseconds(200), milliseconds(0), 20_000), 6000);
        assert_eq!(limit(milliseconds(100), milliseconds(25), 20_000), 6000);
        assert_eq!(limit(Duration::MAX, Duration::MAX, u32::MAX), i32::MAX.unsigned_abs());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            delay in 0..10_000_000_000u64, jitter in 0..2_000_000_000u64, normal: bool
        ) {
            let distribution = if normal { Distribution::Normal } else { Distribution::Uniform };
            let netem = Netem { distribution, ..netem(delay, jitter) };
            let read = Parameters::parse(&netem.options()).unwrap();
            prop_assert_eq!(read.delay, netem.delay);
            prop_assert_eq!(read.jitter, netem.jitter);
            prop_assert_eq!(read.limit, netem.limit);
            prop_assert!((read.correlation - 0.25).abs() < 1e-9);
            prop_assert!(read.agree(&netem));
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Parameters::parse(&bytes);
        }
    }
}
