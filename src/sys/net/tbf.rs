//! The kernel's token bucket (tc-tbf(8), `net/sched/sch_tbf.c`): a rate, held to the byte.

use anyhow::{Result, ensure};

use super::attribute::{Attributes, find};
use super::{Namespace, RouteSocket, Support, qdisc};
use crate::act::Limit;

/// Its name in the kernel.
pub const KIND: &str = "tbf";

const TCA_TBF_PARMS: u16 = 1;
const TCA_TBF_RATE64: u16 = 4;
const TCA_TBF_BURST: u16 = 6;
/// Frames of Ethernet: the rate needs no table of theirs (`TC_LINKLAYER_ETHERNET`).
const ETHERNET: u8 = 1;
/// The default burst is what passes in 1/100 s.
const BURSTS_PER_SECOND: u64 = 100;

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tbf {
    /// Bytes per second.
    pub rate: u64,
    /// How many bytes pass at once after a pause; larger packets never pass.
    pub burst: u32,
    /// How many bytes wait; more are dropped.
    pub limit: u32,
}

impl Tbf {
    /// What an act asks for; `frame` is the largest packet of the interface in bytes. A burst that
    /// it would not fit is an error.
    pub fn of(limit: &Limit, frame: u32) -> Result<Self> {
        let rate = limit.rate.bytes();
        let burst = match limit.burst {
            Some(burst) => small(u128::from(burst.bytes())),
            None => small(u128::from(rate / BURSTS_PER_SECOND)).max(frame),
        };
        ensure!(
            burst >= frame,
            "a burst of {burst} B would never let a full frame of {frame} B pass; give more"
        );
        let waiting = u128::from(rate) * limit.queue.get().as_nanos() / 1_000_000_000;
        let limit = small(waiting.saturating_add(u128::from(burst)));
        Ok(Self { rate, burst, limit })
    }

    /// The value of `TCA_OPTIONS`.
    pub(super) fn options(&self) -> Vec<u8> {
        let rate = u32::try_from(self.rate).unwrap_or(u32::MAX);
        let (none, ticks, mtu) = ([0; 12], [0; 4], [0; 4]);
        // struct tc_tbf_qopt: rate, peakrate, limit, buffer, mtu.
        let parameters =
            [&rate_spec(rate)[..], &none, &self.limit.to_ne_bytes(), &ticks, &mtu].concat();
        let mut all = Attributes::new()
            .bytes(TCA_TBF_PARMS, &parameters)
            .bytes(TCA_TBF_BURST, &self.burst.to_ne_bytes());
        if u64::from(rate) != self.rate {
            all = all.bytes(TCA_TBF_RATE64, &self.rate.to_ne_bytes());
        }
        all.as_bytes().to_vec()
    }

    /// Whether these options of the kernel's are what was asked for; it gives the burst back only in
    /// rounded ticks, which are not compared.
    #[must_use]
    pub fn agrees(&self, options: &[u8]) -> bool {
        let Some(parameters) = find(options, TCA_TBF_PARMS) else { return false };
        let word = |offset: usize| -> Option<u32> {
            Some(u32::from_ne_bytes(*parameters.get(offset..)?.first_chunk()?))
        };
        let wide = find(options, TCA_TBF_RATE64)
            .and_then(|value| value.try_into().ok())
            .map(u64::from_ne_bytes);
        let rate = wide.or_else(|| word(8).map(u64::from));
        rate == Some(self.rate) && word(24) == Some(self.limit)
    }
}

/// `struct tc_ratespec`: `cell_log`, `linklayer`, `overhead`, `cell_align`, `mpu`, `rate`.
pub(super) fn rate_spec(rate: u32) -> [u8; 12] {
    let [r0, r1, r2, r3] = rate.to_ne_bytes();
    [0, ETHERNET, 0, 0, 0, 0, 0, 0, r0, r1, r2, r3]
}

fn small(bytes: u128) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// Whether the kernel has tbf, tried on the loopback of a scratch namespace.
pub fn supported() -> Result<Support> {
    let socket = RouteSocket::open(&Namespace::create()?)?;
    let tbf = Tbf { rate: 1_000_000, burst: 100_000, limit: 200_000 };
    qdisc::try_root(&socket, KIND, &tbf.options())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::quantity::{Duration, Size};

    fn limit(rate: &str, burst: Option<u64>) -> Limit {
        let queue = Duration::from_millis(200);
        Limit { rate: rate.parse().unwrap(), burst: burst.map(Size::from_bytes), queue }
    }

    #[test]
    fn the_queue_is_what_the_rate_carries_in_its_time() {
        let tbf = Tbf::of(&limit("8Mbit/s", None), 1518).unwrap();
        assert_eq!(tbf, Tbf { rate: 1_000_000, burst: 10_000, limit: 210_000 });
        assert!(tbf.agrees(&tbf.options()));
        assert!(!Tbf { rate: 1, ..tbf }.agrees(&tbf.options()));
        let fast = Tbf::of(&limit("1000Gbit/s", None), 1518).unwrap();
        assert_eq!(fast.limit, u32::MAX);
        assert!(fast.agrees(&fast.options()));
        assert!(!tbf.agrees(&[1, 2, 3]));
    }

    #[test]
    fn a_burst_lets_a_full_frame_pass() {
        assert_eq!(Tbf::of(&limit("8kbit/s", None), 1518).unwrap().burst, 1518);
        let error = Tbf::of(&limit("8kbit/s", Some(1000)), 1518).unwrap_err();
        insta::assert_snapshot!(error, @"a burst of 1000 B would never let a full frame of 1518 B pass; give more");
    }
}
