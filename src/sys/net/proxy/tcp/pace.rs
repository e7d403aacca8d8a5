//! A rate kept.

use std::time::{Duration, Instant};

use crate::spec::quantity::BitRate;

/// How often data is let pass, so that it trickles rather than come in gushes.
const TICK: Duration = Duration::from_millis(20);

/// Lets so much pass in a second.
#[derive(Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    next: Option<Instant>,
}

impl Pace {
    pub(super) const fn new(rate: BitRate) -> Self {
        Self { bytes_per_second: rate.bytes(), next: None }
    }

    /// How many bytes may pass at once: what a tick carries.
    pub(super) fn portion(&self) -> usize {
        let portion = u128::from(self.bytes_per_second) * TICK.as_nanos() / 1_000_000_000;
        usize::try_from(portion).unwrap_or(usize::MAX).max(1)
    }

    /// When this many bytes have passed, which begin to now, or when those before have.
    pub(super) fn passed(&mut self, bytes: usize, now: Instant) -> Instant {
        let nanos = bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second);
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let end = self.next.unwrap_or(now).max(now) + time;
        self.next = Some(end);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_their_time_one_after_another() {
        let mut pace = Pace::new("10kB/s".parse().unwrap());
        assert_eq!(pace.portion(), 200);
        let start = Instant::now();
        assert_eq!(pace.passed(200, start) - start, TICK);
        assert_eq!(pace.passed(100, start) - start, TICK + TICK / 2);
        let later = start + Duration::from_secs(1);
        assert_eq!(pace.passed(100, later) - later, TICK / 2, "a pause is not made up for");
    }

    #[test]
    fn the_slowest_rate_lets_a_byte_pass() {
        assert_eq!(Pace::new("1B/s".parse().unwrap()).portion(), 1);
    }
}
