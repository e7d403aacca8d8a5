//! A rate with a burst.

use std::time::{Duration, Instant};

use crate::act::Limit;

/// What an Ethernet header adds to a packet: the kernel's queueing disciplines count it, and so do
/// we, so that every engine means the same by a rate.
const LINK_HEADER: usize = 14;
/// The longest ordinary frame without its checksum.
const FRAME: u64 = 1514;
/// What the default burst carries.
const DEFAULT_BURST: Duration = Duration::from_millis(10);

/// A token bucket (tc-tbf(8)), kept as the moment at which everything let through so far would
/// have passed at the bare rate: the virtual scheduling algorithm of ITU-T I.371.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    bytes_per_second: u64,
    /// How far ahead of the bare rate packets may be.
    slack: Duration,
    /// How long a packet waits at most.
    queue: Duration,
    paid_until: Option<Instant>,
}

impl Bucket {
    /// When a packet of a length in bytes that comes now may pass; `None` when that is too late.
    pub(super) fn admit(&mut self, now: Instant, length: usize) -> Option<Instant> {
        let earliest = now.checked_sub(self.slack).unwrap_or(now);
        let from = self.paid_until.map_or(earliest, |paid| paid.max(earliest));
        let paid = from.checked_add(self.cost((length + LINK_HEADER) as u64))?;
        if paid.saturating_duration_since(now) > self.queue {
            return None;
        }
        self.paid_until = Some(paid);
        Some(paid.max(now))
    }

    fn cost(&self, bytes: u64) -> Duration {
        time_of(bytes, self.bytes_per_second)
    }
}

fn time_of(bytes: u64, bytes_per_second: u64) -> Duration {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl From<&Limit> for Bucket {
    fn from(limit: &Limit) -> Self {
        let bytes_per_second = limit.rate.bytes();
        let burst = limit.burst.map(|size| time_of(size.bytes(), bytes_per_second));
        let default = DEFAULT_BURST.max(time_of(FRAME, bytes_per_second));
        Self {
            bytes_per_second,
            slack: burst.unwrap_or(default),
            queue: limit.queue.get(),
            paid_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 1 MB/s with a burst of 10 kB.
    fn bucket(queue: &str) -> Bucket {
        Bucket::from(&Limit {
            rate: "1MB/s".parse().unwrap(),
            burst: Some("10kB".parse().unwrap()),
            queue: queue.parse().unwrap(),
        })
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_holds() {
        let (mut bucket, now) = (bucket("1s"), Instant::now());
        let waits: Vec<u128> =
            (0..14).map(|_| (bucket.admit(now, 986).unwrap() - now).as_micros()).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1000, 2000, 3000, 4000]);
    }

    #[test]
    fn what_would_wait_too_long_is_dropped_and_costs_nothing() {
        let (mut bucket, now) = (bucket("2ms"), Instant::now());
        let passed = (0..100).filter(|_| bucket.admit(now, 986).is_some()).count();
        assert_eq!(passed, 12);
        assert!(bucket.admit(now + Duration::from_millis(1), 986).is_some());
    }

    #[test]
    fn the_default_burst_is_ten_milliseconds_and_at_least_a_frame() {
        let of = |rate: &str| {
            Bucket::from(&Limit {
                rate: rate.parse().unwrap(),
                burst: None,
                queue: "1s".parse().unwrap(),
            })
        };
        assert_eq!(of("100MB/s").slack, Duration::from_millis(10));
        assert_eq!(of("1514B/s").slack, Duration::from_secs(1));
    }

    proptest! {
        /// Over any time no more passes than the burst and what the rate carries.
        #[test]
        fn never_more_than_the_rate(packets in prop::collection::vec((0u64..3000, 0usize..1500), 1..200)) {
            let (mut bucket, begin) = (bucket("50ms"), Instant::now());
            let (mut now, mut sent, mut last) = (begin, 0usize, begin);
            for (gap, length) in packets {
                now += Duration::from_micros(gap);
                if let Some(due) = bucket.admit(now, length) {
                    sent += length + LINK_HEADER;
                    prop_assert!(due >= last && due >= now && due <= now + Duration::from_millis(50));
                    last = due;
                    let carried = (due - begin).as_secs_f64() * 1e6 + 10_000.0;
                    prop_assert!(sent as f64 <= carried + 1.0, "{sent} {carried}");
                }
            }
        }
    }
}
