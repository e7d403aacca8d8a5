//! The kernel's network emulator at the root of an interface (tc-netem(8), `net/sched/sch_netem.c`).

mod normal;
mod options;
mod qdisc;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use options::Parameters;
pub use qdisc::{AddError, NetemState, add, delete, read, supported};

use crate::act::Shape;
use crate::spec::Distribution;
use crate::spec::quantity::Correlation;

/// The longest jitter, a signed 32-bit number of nanoseconds: `sch_netem.c` cuts longer ones without
/// a word (`netem_change`, "capping jitter to the range acceptable by tabledist").
pub const LONGEST_JITTER: Duration = Duration::from_nanos(i32::MAX as u64);

/// How many packets per second a queue must be able to hold when nobody knows better: full frames
/// of a link of 1.2 Gbit/s.
pub const ASSUMED_RATE: u32 = 100_000;

/// What the emulator is to do with every packet that an interface sends.
///
/// Packets keep their order under jitter. By itself netem sends a packet when its own delay is
/// over, and so reorders; with a rate set it takes the packet before as its starting point
/// (`netem_enqueue`: `delay -= last->time_to_send - now; delay = max(0, delay)`), so that no packet
/// overtakes another. With jitter we therefore set a rate so high that sending takes 0 ns. The
/// price: behind a packet with a long delay others wait as long, as they would in a real queue, and
/// under dense traffic the mean moves from `delay` towards `delay + jitter`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Netem {
    /// How long each packet waits.
    pub delay: Duration,
    /// How far that varies, at most [`LONGEST_JITTER`]: by at most this with the uniform
    /// distribution, with this standard deviation with the normal one.
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    pub correlation: Correlation,
    /// How the delays are distributed.
    pub distribution: Distribution,
    /// How many packets can wait; more are dropped. See [`Netem::limit_for`].
    pub limit: u32,
}

impl From<&Shape> for Netem {
    /// What an act asks for, with a queue for [`ASSUMED_RATE`].
    fn from(shape: &Shape) -> Self {
        let (delay, jitter) = (shape.delay.get(), shape.jitter.get());
        Self {
            delay,
            jitter,
            correlation: shape.correlation,
            distribution: shape.distribution,
            limit: Self::limit_for(delay, jitter, ASSUMED_RATE),
        }
    }
}

impl Netem {
    /// A queue that is long enough for packets at a rate per second, so that a delay does not
    /// become loss: `max(1000, 1.5 · rate · (delay + 4 · jitter))`.
    #[must_use]
    pub fn limit_for(delay: Duration, jitter: Duration, packets_per_second: u32) -> u32 {
        let waiting = delay.saturating_add(jitter.saturating_mul(4)).as_nanos();
        let packets =
            waiting.saturating_mul(u128::from(packets_per_second) * 3).div_ceil(2 * 1_000_000_000);
        u32::try_from(packets).unwrap_or(u32::MAX).clamp(1000, i32::MAX.unsigned_abs())
    }
}
