//! Whether a probe has recovered, while samples still come in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::recovery::Criterion;
use crate::sample::{Elapsed, Sample};
use crate::spec::{HypothesisProbe, Recovery};

/// Whether a run still has to wait for a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// It may still recover in time.
    Waiting,
    /// It did, and stayed good for as long as asked.
    Recovered,
    /// It did not, and cannot any more.
    TimedOut,
}

/// Follows one probe from the last undo on. It agrees with `judge_recovery` on the same samples,
/// but never says `Recovered` while a sample of the hold may still be on its way.
#[derive(Debug)]
pub struct RecoveryWatch {
    probe: String,
    criterion: Criterion,
    recovery: Option<Recovery>,
    last_undo: Elapsed,
    timeout: Duration,
    period: Duration,
    last_bad: Option<Elapsed>,
    /// Samples since the last bad one, with whether they could be measured and so are good.
    since: BTreeMap<Elapsed, bool>,
}

/// How long after its time-out a sample may still be on its way to us.
const DELIVERY: Duration = Duration::from_millis(100);

impl RecoveryWatch {
    /// A watch that counts from the moment the last undo was proved.
    #[must_use]
    pub fn new(probe: &HypothesisProbe, last_undo: Elapsed) -> Self {
        let kind = probe.kind();
        let timeout = kind.as_ref().map_or(Duration::ZERO, |kind| kind.timeout().get());
        Self {
            probe: probe.name.clone(),
            criterion: Criterion::of(&probe.tolerance),
            recovery: probe.recovery,
            last_undo,
            timeout: timeout + DELIVERY,
            period: kind.map_or(Duration::from_secs(1), |kind| kind.rate().period()),
            last_bad: None,
            since: BTreeMap::new(),
        }
    }

    /// Takes a sample in, of any probe and in any order; those due before the undo do not count.
    pub fn observe(&mut self, sample: &Sample) {
        if sample.probe != self.probe || sample.due < self.last_undo {
            return;
        }
        if self.last_bad.is_some_and(|bad| sample.due <= bad) {
            return;
        }
        match self.criterion.is_good(sample) {
            Some(false) => {
                self.last_bad = Some(sample.due);
                self.since = self.since.split_off(&sample.due);
                self.since.remove(&sample.due);
            }
            good => {
                self.since.insert(sample.due, good.is_some());
            }
        }
    }

    /// Whether to go on waiting. A probe without `recovery` is not waited for.
    #[must_use]
    pub fn state(&self, now: Elapsed) -> RecoveryState {
        let Some(recovery) = self.recovery else { return RecoveryState::Recovered };
        let start = self.good_since(self.last_undo).next();
        let in_time = |start: Elapsed| start.since(self.last_undo) <= recovery.within.get();
        match start {
            Some(start) if in_time(start) => {
                let held = Elapsed(start.0.saturating_add(recovery.hold.as_nanos()));
                match self.good_since(held).next() {
                    Some(end) if self.is_settled(start, end, now) => RecoveryState::Recovered,
                    None if now.since(held) > self.grace() => RecoveryState::TimedOut,
                    _ => RecoveryState::Waiting,
                }
            }
            _ if now.since(self.last_undo) > recovery.within.get() + self.timeout => {
                RecoveryState::TimedOut
            }
            _ => RecoveryState::Waiting,
        }
    }

    fn good_since(&self, moment: Elapsed) -> impl Iterator<Item = Elapsed> {
        self.since.range(moment..).filter(|(_, good)| **good).map(|(due, _)| *due)
    }

    /// How long after the hold its last sample may come: it is due a period later at most.
    fn grace(&self) -> Duration {
        self.period.saturating_mul(2) + self.timeout
    }

    /// Whether every sample due from `start` to `end` has come in, or will not come any more.
    fn is_settled(&self, start: Elapsed, end: Elapsed, now: Elapsed) -> bool {
        let due: f64 = end.since(start).as_secs_f64() / self.period.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
        let come = self.since.range(start..=end).count() as f64;
        come >= due.round() + 1.0 || now.since(end) >= self.timeout
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{due, ok, probe, probe_error, refused};
    use super::*;
    use RecoveryState::{Recovered, TimedOut, Waiting};

    /// Undone at 3 s, that is slot 30; to be back by slot 50 and good for 10 slots.
    fn watch() -> RecoveryWatch {
        RecoveryWatch::new(&probe("recovery: { within: 2s, hold: 1s }"), due(30))
    }

    /// The first slot, each observed at once, at which the state is no longer `Waiting`.
    fn end(of: impl Fn(u64) -> Sample) -> Option<(u64, RecoveryState)> {
        let mut watch = watch();
        (0..200).find_map(|slot| {
            watch.observe(&of(slot));
            let state = watch.state(due(slot));
            (state != Waiting).then_some((slot, state))
        })
    }

    #[test]
    fn recovers_once_good_for_the_hold() {
        let outage = |slot| if slot < 35 { refused(slot) } else { ok(slot, 3) };
        assert_eq!(end(outage), Some((45, Recovered)));
    }

    #[test]
    fn a_bad_sample_starts_the_hold_again() {
        let flapping = |slot| if slot < 35 || slot == 40 { refused(slot) } else { ok(slot, 3) };
        assert_eq!(end(flapping), Some((51, Recovered)));
    }

    #[test]
    fn gives_up_when_it_cannot_recover_in_time_any_more() {
        // The time-out of a sample due at the last moment has to pass first.
        assert_eq!(end(refused), Some((62, TimedOut)));
        let late = |slot| if slot < 51 { refused(slot) } else { ok(slot, 3) };
        assert_eq!(end(late), Some((62, TimedOut)));
    }

    #[test]
    fn in_time_is_waited_for_beyond_the_time() {
        let just = |slot| if slot < 50 { refused(slot) } else { ok(slot, 3) };
        assert_eq!(end(just), Some((60, Recovered)));
    }

    #[test]
    fn a_probe_that_went_blind_is_not_waited_for_for_ever() {
        let blind = |slot| if slot == 32 { ok(slot, 3) } else { probe_error(slot) };
        assert_eq!(end(blind).map(|(_, state)| state), Some(TimedOut));
    }

    #[test]
    fn samples_that_may_still_come_are_waited_for() {
        let mut watch = watch();
        (30..=45).filter(|slot| *slot != 38).for_each(|slot| watch.observe(&ok(slot, 3)));
        assert_eq!(watch.state(due(45)), Waiting);
        let mut told = watch;
        assert_eq!(told.state(due(52)), Recovered, "it would have come by now");
        told.observe(&refused(38));
        assert_eq!(told.state(due(45)), Waiting);
        told.observe(&ok(48, 3));
        told.observe(&ok(49, 3));
        assert_eq!(told.state(due(49)), Waiting, "39 to 49 lacks 46 and 47");
        told.observe(&ok(46, 3));
        told.observe(&ok(47, 3));
        assert_eq!(told.state(due(49)), Recovered);
    }

    #[test]
    fn what_asks_for_nothing_is_not_waited_for() {
        assert_eq!(RecoveryWatch::new(&probe(""), due(30)).state(due(30)), Recovered);
    }
}
