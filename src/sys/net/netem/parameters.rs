//! The parameters of netem as the kernel writes them.

use std::fmt;
use std::time::Duration;

use super::super::attribute::find;
use super::Netem;
use super::options::{
    TCA_NETEM_CORR, TCA_NETEM_CORRUPT, TCA_NETEM_JITTER64, TCA_NETEM_LATENCY64, TCA_NETEM_LOSS,
    TCA_NETEM_RATE, TCA_NETEM_RATE64, TCA_NETEM_REORDER, TICK_SHIFT,
};

/// The length of `struct tc_netem_qopt`: latency, limit, loss, gap, duplicate, jitter.
const QOPT: usize = 24;

/// What the kernel says it does. It does not give back the distribution's table. Chances are shares
/// of `u32::MAX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far that varies.
    pub jitter: Duration,
    /// How many packets can wait.
    pub limit: u32,
    /// Packets lost at random.
    pub loss: u32,
    /// Packets sent twice.
    pub duplicate: u32,
    /// The dependence of delay, loss and duplication on the packet before.
    pub correlations: [u32; 3],
    /// Every so many packets one is sent at once; 0 for none.
    pub gap: u32,
    /// With which chance, and its dependence.
    pub reorder: [u32; 2],
    /// Packets with a bit changed, and their dependence.
    pub corrupt: [u32; 2],
    /// The model of bursts of loss, as the kernel's attribute; empty for none.
    pub loss_model: Vec<u8>,
    /// Bytes per second; 0 for no limit.
    pub rate: u64,
}

impl Parameters {
    /// Reads the value of `TCA_OPTIONS`.
    pub(in crate::sys::net) fn parse(options: &[u8]) -> Option<Self> {
        let (qopt, attributes) = options.split_at_checked(QOPT)?;
        let field = |index: usize| word(qopt, index);
        let (delay, jitter) = (field(0)?, field(5)?);
        Some(Self {
            delay: wide(attributes, TCA_NETEM_LATENCY64)
                .map_or_else(|| from_ticks(delay), Duration::from_nanos),
            jitter: wide(attributes, TCA_NETEM_JITTER64)
                .map_or_else(|| from_ticks(jitter), Duration::from_nanos),
            limit: field(1)?,
            loss: field(2)?,
            duplicate: field(4)?,
            correlations: words(attributes, TCA_NETEM_CORR),
            gap: field(3)?,
            reorder: words(attributes, TCA_NETEM_REORDER),
            corrupt: words(attributes, TCA_NETEM_CORRUPT),
            loss_model: find(attributes, TCA_NETEM_LOSS).unwrap_or_default().to_vec(),
            rate: wide(attributes, TCA_NETEM_RATE64)
                .unwrap_or_else(|| u64::from(words::<1>(attributes, TCA_NETEM_RATE)[0])),
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
        let Self { delay, jitter, limit, loss, duplicate, gap, rate, .. } = self;
        write!(
            formatter,
            "limit {limit} delay {delay:?} jitter {jitter:?} loss {loss} duplicate {duplicate} \
             correlations {:?} gap {gap} reorder {:?} corrupt {:?} model {:?} rate {rate}",
            self.correlations, self.reorder, self.corrupt, self.loss_model
        )
    }
}

/// The words of an attribute; zero where it, or its end, is missing.
fn words<const N: usize>(attributes: &[u8], kind: u16) -> [u32; N] {
    let value = find(attributes, kind).unwrap_or_default();
    std::array::from_fn(|index| word(value, index).unwrap_or(0))
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

#[cfg(test)]
mod tests {
    use super::super::options::ORDER_KEEPING_RATE;
    use super::*;
    use crate::spec::Distribution;
    use crate::spec::quantity::Percent;
    use proptest::prelude::*;

    fn netem(delay: u64, jitter: u64) -> Netem {
        Netem {
            delay: Duration::from_nanos(delay),
            jitter: Duration::from_nanos(jitter),
            correlation: "25%".parse::<Percent>().unwrap(),
            ..Netem::default()
        }
    }

    fn read(netem: &Netem) -> Parameters {
        Parameters::parse(&netem.options()).unwrap()
    }

    #[test]
    fn jitter_brings_the_rate_that_keeps_the_order() {
        assert_eq!(read(&netem(1_000_000, 0)).rate, 0);
        assert_eq!(read(&netem(1_000_000, 1)).rate, ORDER_KEEPING_RATE);
        assert_eq!(read(&Netem { ordered: false, ..netem(1_000_000, 1) }).rate, 0);
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
            let read = read(&netem);
            prop_assert_eq!(read.delay, netem.delay);
            prop_assert_eq!(read.jitter, netem.jitter);
            prop_assert_eq!(read.limit, netem.limit);
            prop_assert_eq!(read.correlations, [1 << 30, 0, 0]);
            prop_assert!(read.agree(&netem));
        }

        #[test]
        fn nothing_makes_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = Parameters::parse(&bytes);
        }
    }
}
