//! The open loop: samples are sent at a fixed rate whether or not earlier ones were answered.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::timer::Timer;
use super::{Phases, Prober, Reading};
use crate::clock::RunClock;
use crate::sample::{Elapsed, Sample};

/// Samples that are later than this are not sent: we were stopped, starved or suspended, and a
/// burst of what was missed would measure nothing but itself.
const LATEST: Duration = Duration::from_millis(250);
/// As many missed samples are recorded one by one; the rest of a stall is one more.
const MOST_MISSED: u64 = 1000;
/// What a sample may take beyond its time-out before it is given up when sampling stops.
const GRACE: Duration = Duration::from_secs(1);

/// Samples probes until it is stopped. Sample `k` of a probe is due at its start plus `k` periods,
/// the first at once, and its latency counts from that moment and not from when it could be sent,
/// so that a slow answer never hides those behind it. A time-out counts from the sending.
///
/// A sample is sent some 30 us after it is due, 99 of 100 within 0.1 ms while the machine has a
/// processor free, and never before; latencies are too long by as much. Every sample is recorded:
/// one that was not sent, because too many are in flight or because this process stood still for
/// more than 250 ms, is a probe error.
#[derive(Debug)]
pub struct Sampler {
    loops: JoinSet<()>,
    stop: watch::Sender<bool>,
    longest: Duration,
    awaited: Awaited,
}

/// When the samples that wait for their answer were due.
type Awaited = Rc<RefCell<BTreeMap<Elapsed, u32>>>;

impl Sampler {
    /// Starts to sample, on the `LocalSet` of the current thread. Samples go to the sender in the
    /// order they end.
    #[must_use]
    pub fn start(
        probes: Vec<Prober>,
        clock: RunClock,
        phases: &Phases,
        sender: &mpsc::UnboundedSender<Sample>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let longest = probes.iter().map(Prober::timeout).max().unwrap_or_default();
        let mut loops = JoinSet::new();
        let awaited = Awaited::default();
        for prober in probes {
            let lane = Lane {
                prober: Rc::new(prober),
                recorder: Recorder {
                    clock,
                    phases: phases.clone(),
                    sender: sender.clone(),
                    awaited: Rc::clone(&awaited),
                },
                in_flight: JoinSet::new(),
            };
            loops.spawn_local(lane.run(stopped.clone()));
        }
        Self { loops, stop, longest, awaited }
    }

    /// Whether a sample that was due before a moment still waits for its answer.
    #[must_use]
    pub fn awaits(&self, before: Elapsed) -> bool {
        self.awaited.borrow().first_key_value().is_some_and(|(due, _)| *due < before)
    }

    /// Sends no more, and waits for what is in flight: for the longest time-out at most.
    pub async fn stop(mut self) {
        // Fails if every loop has ended, which is as well.
        let _ = self.stop.send(true);
        let all = async { while self.loops.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(self.longest + GRACE, all).await;
    }
}

/// One probe with its samples in flight.
struct Lane {
    prober: Rc<Prober>,
    recorder: Recorder,
    in_flight: JoinSet<()>,
}

impl Lane {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut schedule = Schedule::new(self.recorder.clock.now(), self.prober.rate().period());
        let timer = match Timer::new(self.recorder.clock) {
            Ok(timer) => timer,
            Err(error) => {
                let reading = Reading::probe_error(format!("there is no timer: {error}"));
                return self.recorder.record(&self.prober, schedule.due(), reading);
            }
        };
        loop {
            let woken = tokio::select! {
                biased;
                _ = stopped.changed() => break,
                woken = timer.sleep_until(schedule.due()) => woken,
            };
            if let Err(error) = woken {
                let reading = Reading::probe_error(format!("the timer failed: {error}"));
                self.recorder.record(&self.prober, schedule.due(), reading);
                break;
            }
            while self.in_flight.try_join_next().is_some() {}
            self.send_due(&mut schedule);
        }
        while self.in_flight.join_next().await.is_some() {}
    }

    /// Sends all that is due by now, and records what is too late to be sent.
    fn send_due(&mut self, schedule: &mut Schedule) {
        let now = self.recorder.clock.now();
        let missed = schedule.skip_missed(now);
        for due in missed.each {
            let late = crate::spec::quantity::Duration::from_millis(millis(now.since(due)));
            let why = format!("not sent: shakedown itself stood still and was {late} late");
            self.recorder.record(&self.prober, due, Reading::probe_error(why));
        }
        if let Some((due, count)) = missed.rest {
            let why = format!("not sent: shakedown itself stood still; {count} samples like this");
            self.recorder.record(&self.prober, due, Reading::probe_error(why));
        }
        while schedule.due() <= now {
            self.send(schedule.due());
            schedule.advance();
        }
    }

    fn send(&mut self, due: Elapsed) {
        let most = most_in_flight(&self.prober);
        if self.in_flight.len() >= most {
            let why = format!("not sent: too many in flight, {most} samples wait for an answer");
            return self.recorder.record(&self.prober, due, Reading::probe_error(why));
        }
        let (prober, recorder) = (self.prober.clone(), self.recorder.clone());
        *recorder.awaited.borrow_mut().entry(due).or_default() += 1;
        self.in_flight.spawn_local(async move {
            let reading = prober.measure().await;
            recorder.record(&prober, due, reading);
            recorder.answered(due);
        });
    }
}

/// Twice as many as can be waiting for their time-out, and 64 at least.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn most_in_flight(prober: &Prober) -> usize {
    let waiting = prober.rate().per_second() * prober.timeout().as_secs_f64();
    ((2.0 * waiting).ceil() as usize).max(64)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Turns readings into samples.
#[derive(Clone)]
struct Recorder {
    clock: RunClock,
    phases: Phases,
    sender: mpsc::UnboundedSender<Sample>,
    awaited: Awaited,
}

impl Recorder {
    /// Probes with the same rate have samples due at the same moment.
    fn answered(&self, due: Elapsed) {
        if let Entry::Occupied(mut waiting) = self.awaited.borrow_mut().entry(due) {
            *waiting.get_mut() -= 1;
            if *waiting.get() == 0 {
                waiting.remove();
            }
        }
    }

    fn record(&self, prober: &Prober, due: Elapsed, reading: Reading) {
        let sample = Sample {
            probe: prober.name().to_owned(),
            phase: self.phases.at(due),
            due,
            latency_ns: self.clock.now().0.saturating_sub(due.0),
            outcome: reading.outcome,
            value: reading.value,
            detail: reading.detail,
        };
        // Nobody listens any more when a run has ended early.
        let _ = self.sender.send(sample);
    }
}

/// When samples are due: computed from the start each time, so that no error adds up.
#[derive(Debug)]
struct Schedule {
    start: Elapsed,
    period: Duration,
    next: u64,
}

/// Samples that were due too long ago.
#[derive(Debug, Default, PartialEq)]
struct Missed {
    /// The first of them.
    each: Vec<Elapsed>,
    /// The moment of the first of the rest, and how many they are.
    rest: Option<(Elapsed, u64)>,
}

impl Schedule {
    const fn new(start: Elapsed, period: Duration) -> Self {
        Self { start, period, next: 0 }
    }

    fn due(&self) -> Elapsed {
        self.at(self.next)
    }

    const fn advance(&mut self) {
        self.next += 1;
    }

    /// A period of a rate such as 3/s has no whole nanoseconds: the error is 0.5 ns for each slot.
    fn at(&self, slot: u64) -> Elapsed {
        let offset = self.period.as_nanos().saturating_mul(u128::from(slot));
        Elapsed(self.start.0.saturating_add(u64::try_from(offset).unwrap_or(u64::MAX)))
    }

    /// Passes over what was due more than [`LATEST`] before `now`.
    fn skip_missed(&mut self, now: Elapsed) -> Missed {
        let mut missed = Missed::default();
        while now.since(self.due()) > LATEST && self.period > Duration::ZERO {
            if missed.each.len() as u64 == MOST_MISSED {
                missed.rest = self.skip_rest(now);
                break;
            }
            missed.each.push(self.due());
            self.advance();
        }
        missed
    }

    fn skip_rest(&mut self, now: Elapsed) -> Option<(Elapsed, u64)> {
        let first = self.due();
        let late = now.since(first).saturating_sub(LATEST);
        let count = late.as_nanos().div_ceil(self.period.as_nanos().max(1));
        let count = u64::try_from(count).ok()?;
        self.next += count;
        Some((first, count))
    }
}

#[cfg(test)]
mod tests;
