//! The time base of a run.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::sample::Elapsed;

/// Counts from the start of a run on `CLOCK_BOOTTIME` (`clock_gettime(2)`): monotonic, untouched
/// by whoever sets the clock, and it goes on while the machine is suspended.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Duration,
}

impl RunClock {
    /// Starts to count now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: since_boot() }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Elapsed {
        let elapsed = since_boot().saturating_sub(self.origin);
        Elapsed(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX))
    }

    /// A moment of the run as an absolute time of `CLOCK_BOOTTIME`, for timers.
    #[must_use]
    pub fn since_boot(&self, moment: Elapsed) -> Duration {
        self.origin.saturating_add(Duration::from_nanos(moment.0))
    }
}

fn since_boot() -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
    // The kernel counts from 0 and keeps the nanoseconds below 10^9: neither is ever negative.
    Duration::new(u64::try_from(tv_sec).unwrap_or(0), u32::try_from(tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_forward_from_its_start() {
        let clock = RunClock::start();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        assert!(second.since(Elapsed(0)) < Duration::from_secs(60));
        assert_eq!(clock.since_boot(Elapsed(7)), clock.origin + Duration::from_nanos(7));
    }
}
