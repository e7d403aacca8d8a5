//! What a queue has done so far.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// What has become of the packets of an act, by our own count.
#[derive(Clone)]
pub struct Figures {
    /// Packets that came to us.
    pub packets: u64,
    /// Those of them that were held for a while.
    pub held: u64,
    /// Those that vanished as asked.
    pub vanished: u64,
    /// Those that were sent twice.
    pub doubled: u64,
    /// Those with a bit changed.
    pub flipped: u64,
    /// Packets that passed by us because we did not read fast enough.
    pub missed: u64,
    /// Packets that the kernel dropped while we held them: it does so with all when anybody removes
    /// a chain of a packet filter from the namespace, and with an interface's when that goes down.
    pub dropped: u64,
    /// Packets whose copy the namespace's own filter or routes refused.
    pub refused: u64,
    /// Packets whose copy could not be sent, and the errno of the last.
    pub failed: (u64, i32),
    /// Why the queue ended early.
    pub ended: Option<String>,
    waited: Histogram<u64>,
    late: Histogram<u64>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            packets: 0,
            held: 0,
            vanished: 0,
            doubled: 0,
            flipped: 0,
            missed: 0,
            dropped: 0,
            refused: 0,
            failed: (0, 0),
            ended: None,
            waited: histogram(),
            late: histogram(),
        }
    }
}

/// Microseconds with three digits; it grows with the longest.
fn histogram() -> Histogram<u64> {
    #[expect(clippy::expect_used, reason = "the number of digits is a constant that tests try")]
    Histogram::new(3).expect("three digits are not too many")
}

impl Figures {
    /// Notes a packet that was let go.
    pub(super) fn released(&mut self, waited: Duration, late: Duration) {
        self.held += 1;
        // It takes every number, since it grows.
        let _ = self.waited.record(micros(waited));
        let _ = self.late.record(micros(late));
    }

    /// How long packets were held, the median.
    #[must_use]
    pub fn median_wait(&self) -> Duration {
        Duration::from_micros(self.waited.value_at_quantile(0.5))
    }

    /// How much later than its moment a packet was let go, the median.
    #[must_use]
    pub fn median_lateness(&self) -> Duration {
        Duration::from_micros(self.late.value_at_quantile(0.5))
    }

    /// What nobody asked for, in words; `None` when all is as it should be.
    #[must_use]
    pub fn mishap(&self) -> Option<String> {
        let mut words = Vec::new();
        if let Some(why) = &self.ended {
            words.push(format!("the queue ended early: {why}"));
        }
        if self.missed > 0 {
            words.push(format!("{} packets passed by the full queue untouched", self.missed));
        }
        if self.dropped > 0 {
            words.push(format!(
                "{} packets were dropped by the kernel while they were held, because a packet \
                 filter or an interface of the target was taken away",
                self.dropped
            ));
        }
        if let (count @ 1.., errno) = self.failed {
            let error = std::io::Error::from_raw_os_error(errno);
            words.push(format!("{count} packets could not be sent on: {error}"));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl fmt::Debug for Figures {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Figures")
            .field("packets", &self.packets)
            .field("held", &self.held)
            .field("vanished", &self.vanished)
            .field("doubled", &self.doubled)
            .field("flipped", &self.flipped)
            .field("refused", &self.refused)
            .field("waited", &self.median_wait())
            .field("late", &self.median_lateness())
            .field("mishap", &self.mishap())
            .finish_non_exhaustive()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_said() {
        let mut figures = Figures::default();
        assert_eq!(figures.mishap(), None);
        figures.released(Duration::from_millis(50), Duration::from_micros(60));
        assert_eq!(figures.median_wait().as_millis(), 50);
        figures.missed = 3;
        figures.failed = (1, libc::EMSGSIZE);
        insta::assert_snapshot!(figures.mishap().unwrap(), @"3 packets passed by the full queue untouched; 1 packets could not be sent on: Message too long (os error 90)");
    }
}
