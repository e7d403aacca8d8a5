//! The kernel's network emulator (tc-netem(8), `net/sched/sch_netem.c`).

#[cfg(test)]
mod accuracy;
mod distribution;
mod normal;
mod options;
mod parameters;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
pub(in crate::sys::net) use normal::quantile as normal_quantile;

pub use parameters::Parameters;

use super::{Namespace, RouteSocket, Support, qdisc};
use crate::act::{Chance, Delay, Impairment, Limit, Reorder};
use crate::spec::quantity::{Correlation, Percent};
use crate::spec::{Distribution, Loss, Markov};

/// Its name in the kernel.
pub const KIND: &str = "netem";

/// The longest jitter, a signed 32-bit number of nanoseconds: `sch_netem.c` cuts longer ones without
/// a word (`netem_change`, "capping jitter to the range acceptable by tabledist").
pub const LONGEST_JITTER: Duration = Duration::from_nanos(i32::MAX as u64);

/// How many packets per second a queue must be able to hold when nobody knows better: full frames
/// of a link of 1.2 Gbit/s.
pub const ASSUMED_RATE: u32 = 100_000;

/// The shortest queue, in packets: tc's default.
const SHORTEST: u32 = 1000;

/// What the emulator is to do with every packet that it is given.
///
/// By itself netem sends a packet when its own delay is over, and so reorders under jitter; with a
/// rate set it takes the packet before as its starting point (`netem_enqueue`: `delay -=
/// last->time_to_send - now; delay = max(0, delay)`), so that no packet overtakes another. To keep
/// the order we therefore set a rate so high that sending takes 0 ns. The price: behind a packet
/// with a long delay others wait as long, as they would in a real queue, and under dense traffic the
/// mean moves from `delay` towards `delay + jitter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Netem {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far that varies, at most [`LONGEST_JITTER`]: by at most this with the uniform
    /// distribution, with this standard deviation with the others.
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    pub correlation: Correlation,
    /// How the delays are distributed.
    pub distribution: Distribution,
    /// Whether no packet overtakes another whatever the jitter.
    pub ordered: bool,
    /// Which packets vanish.
    pub loss: Option<Loss>,
    /// Which arrive twice.
    pub duplicate: Option<Chance>,
    /// Which arrive with one bit changed.
    pub corrupt: Option<Chance>,
    /// Which are sent at once instead of waiting, and of how many only one may be.
    pub at_once: Option<(Chance, u32)>,
    /// Bytes per second.
    pub rate: Option<u64>,
    /// How many packets can wait; more are dropped. See [`Netem::limit_for`].
    pub limit: u32,
}

impl Default for Netem {
    /// One that lets every packet pass at once.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            correlation: Correlation::default(),
            distribution: Distribution::Uniform,
            ordered: true,
            loss: None,
            duplicate: None,
            corrupt: None,
            at_once: None,
            rate: None,
            limit: SHORTEST,
        }
    }
}

impl Netem {
    /// What an act asks for, with a queue for [`ASSUMED_RATE`]; `frame` is the largest packet of the
    /// interface in bytes. An error when netem cannot do that.
    pub fn of(impairment: &Impairment, frame: u32) -> Result<Self> {
        let netem = match impairment {
            Impairment::Delay(delay) => Self::from(delay),
            Impairment::Lose(Loss::Every(_)) => bail!("netem cannot drop every n-th packet"),
            Impairment::Lose(loss) => Self { loss: Some(*loss), ..Self::default() },
            Impairment::Duplicate(chance) => Self { duplicate: Some(*chance), ..Self::default() },
            Impairment::Corrupt(chance) => Self { corrupt: Some(*chance), ..Self::default() },
            Impairment::Reorder(reorder) => Self::from(reorder),
            Impairment::Limit(limit) => Self::limited(limit, frame),
        };
        netem.check()?;
        Ok(netem)
    }

    /// A queue that is long enough for packets at a rate per second, so that a delay does not
    /// become loss: `max(1000, 1.5 · rate · (delay + 4 · jitter))`.
    #[must_use]
    pub fn limit_for(delay: Duration, jitter: Duration, packets_per_second: u32) -> u32 {
        let waiting = delay.saturating_add(jitter.saturating_mul(4)).as_nanos();
        let packets =
            waiting.saturating_mul(u128::from(packets_per_second) * 3).div_ceil(2 * 1_000_000_000);
        u32::try_from(packets).unwrap_or(u32::MAX).clamp(SHORTEST, i32::MAX.unsigned_abs())
    }

    /// netem counts packets, not bytes: a queue that holds full frames as long as asked.
    fn limited(limit: &Limit, frame: u32) -> Self {
        let rate = limit.rate.bytes();
        let bytes = u128::from(rate) * limit.queue.get().as_nanos() / 1_000_000_000;
        let packets = bytes.div_ceil(u128::from(frame.max(1)));
        let limit = u32::try_from(packets).unwrap_or(u32::MAX).clamp(2, i32::MAX.unsigned_abs());
        Self { rate: Some(rate), limit, ..Self::default() }
    }

    /// What the kernel would take and misunderstand.
    fn check(&self) -> Result<()> {
        ensure!(
            self.jitter <= LONGEST_JITTER,
            "the kernel's jitter is at most {LONGEST_JITTER:?}, and {:?} is asked for",
            self.jitter
        );
        if let Some(Loss::Markov(model)) = &self.loss {
            let Markov { p13, p31, p32, p14, .. } = model;
            at_most_all("p13", *p13, "p14", *p14)?;
            at_most_all("p31", p31.unwrap_or_default(), "p32", *p32)?;
        }
        Ok(())
    }
}

/// The kernel adds both up in 32 bits and would start again at zero.
fn at_most_all(one: &str, p: Percent, other: &str, q: Percent) -> Result<()> {
    ensure!(p.get() + q.get() <= 100.0, "{one} and {other} add up to more than 100%: {p} and {q}");
    Ok(())
}

impl From<&Delay> for Netem {
    fn from(asked: &Delay) -> Self {
        let (delay, jitter) = (asked.mean.get(), asked.jitter.get());
        Self {
            delay,
            jitter,
            correlation: asked.correlation,
            distribution: asked.distribution,
            ordered: !asked.reorder,
            limit: Self::limit_for(delay, jitter, ASSUMED_RATE),
            ..Self::default()
        }
    }
}

impl From<&Reorder> for Netem {
    fn from(asked: &Reorder) -> Self {
        let delay = asked.delay.get();
        Self {
            delay,
            at_once: Some((asked.chance, asked.gap)),
            limit: Self::limit_for(delay, Duration::ZERO, ASSUMED_RATE),
            ..Self::default()
        }
    }
}

/// Whether the kernel has netem, tried on the loopback of a scratch namespace.
pub fn supported() -> Result<Support> {
    let namespace = Namespace::create()?;
    let socket = RouteSocket::open(&namespace)?;
    let netem = Netem {
        delay: Duration::from_millis(1),
        jitter: Duration::from_micros(1),
        distribution: Distribution::Normal,
        ..Netem::default()
    };
    qdisc::try_root(&socket, KIND, &netem.options())
}
