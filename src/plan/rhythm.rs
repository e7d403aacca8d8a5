//! When the fault of a step is put and taken away, counted from the step's beginning. Pure.

use std::fmt;
use std::time::Duration as Time;

use serde::{Deserialize, Serialize};

use crate::spec::modifier::SHORTEST;
use crate::spec::quantity::{Duration, Level};
use crate::spec::{Pulse, Step};

/// How the fault of a step comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rhythm {
    /// It is put when the step begins and taken away when it ends.
    Once,
    /// It is over at once, and put again and again, so long after the last time.
    Every(Duration),
    /// It is put and taken away in turn.
    Pulse(Pulse),
    /// It is put once for each level, one right after the other; the last one stays.
    Ramp {
        /// The first level.
        from: Level,
        /// The last level.
        to: Level,
        /// From the first to the last.
        over: Duration,
        /// How many levels come after the first.
        steps: u32,
    },
}

/// A time in which a fault is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) at: Duration,
    /// None for what is over at once.
    pub(super) until: Option<Duration>,
}

impl Span {
    /// How long it is.
    pub(super) fn length(&self) -> Option<Duration> {
        Some(self.until?.get().saturating_sub(self.at.get()).into())
    }
}

impl Rhythm {
    /// The rhythm of a step as written.
    pub(super) fn of(step: &Step) -> Self {
        let ramp = step.ramp.and_then(|ramp| {
            let (from, to) = (ramp.from, ramp.end(&step.fault)?);
            Some(Self::Ramp { from, to, over: ramp.over, steps: ramp.steps })
        });
        let every = step.fault.every().map(Self::Every);
        step.pulse.map(Self::Pulse).or(ramp).or(every).unwrap_or(Self::Once)
    }

    /// The times in which the fault of a step of this length is on: in order, none overlaps another
    /// and none is longer than the step.
    pub(super) fn spans(&self, length: Option<Duration>) -> Vec<Span> {
        let Some(length) = length.map(Duration::get) else {
            return vec![Span { at: Duration::default(), until: None }];
        };
        let span = |at: Time, until: Time| Span { at: at.into(), until: Some(until.into()) };
        match self {
            Self::Once => vec![span(Time::ZERO, length)],
            Self::Every(every) => {
                let beginnings = multiples(every.get(), length);
                beginnings.map(|at| span(at, (at + every.get()).min(length))).collect()
            }
            Self::Pulse(Pulse { on, off }) => {
                let pulses = multiples(on.get() + off.get(), length);
                let spans = pulses.map(|at| (at, (at + on.get()).min(length)));
                // The step's end cuts the last one short, but not to a mere flash.
                let shortest = SHORTEST.get().min(on.get());
                let lasts = |(at, until): &(Time, Time)| *until >= *at + shortest;
                spans.filter(lasts).map(|(at, until)| span(at, until)).collect()
            }
            Self::Ramp { over, steps, .. } => {
                let (over, steps) = (over.get(), (*steps).max(1));
                let at = |part: u32| (over * part / steps).min(length);
                let until = |part: u32| if part == steps { length } else { at(part + 1) };
                (0..=steps).map(|part| span(at(part), until(part))).collect()
            }
        }
    }
}

/// 0, `period`, twice `period` and so on, as long as it is before `end`; 0 alone if there is no period.
fn multiples(period: Time, end: Time) -> impl Iterator<Item = Time> {
    let next = move |at: &Time| (!period.is_zero()).then(|| *at + period);
    std::iter::successors(Some(Time::ZERO), next).take_while(move |at| *at < end)
}

impl fmt::Display for Rhythm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => formatter.write_str("once"),
            Self::Every(every) => write!(formatter, "every {every}"),
            Self::Pulse(pulse) => write!(formatter, "{} on, {} off", pulse.on, pulse.off),
            Self::Ramp { from, to, over, steps } => {
                let plural = if *steps == 1 { "" } else { "s" };
                write!(formatter, "{from} to {to} in {steps} step{plural} over {over}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn pulse(on: u64, off: u64) -> Rhythm {
        Rhythm::Pulse(Pulse { on: millis(on), off: millis(off) })
    }

    fn ramp(over: u64, steps: u32) -> Rhythm {
        let level = |text: &str| text.parse().unwrap();
        Rhythm::Ramp { from: level("10ms"), to: level("20ms"), over: millis(over), steps }
    }

    fn shown(rhythm: Rhythm, length: u64) -> String {
        let spans = rhythm.spans(Some(millis(length)));
        let shown = spans.iter().map(|span| format!("{}-{}", span.at, span.until.unwrap()));
        format!("{rhythm}: {}", shown.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_rhythm_has_its_spans() {
        insta::assert_snapshot!(shown(Rhythm::Once, 5000), @"once: 0s-5s");
        insta::assert_snapshot!(shown(Rhythm::Every(millis(2000)), 5000), @"every 2s: 0s-2s 2s-4s 4s-5s");
        insta::assert_snapshot!(shown(pulse(2000, 3000), 11_500), @"2s on, 3s off: 0s-2s 5s-7s 10s-11s500ms");
        insta::assert_snapshot!(shown(pulse(2000, 3000), 10_050), @"2s on, 3s off: 0s-2s 5s-7s");
        insta::assert_snapshot!(shown(ramp(6000, 3), 10_000), @"10ms to 20ms in 3 steps over 6s: 0s-2s 2s-4s 4s-6s 6s-10s");
    }

    #[test]
    fn what_is_over_at_once_has_no_end() {
        let over_at_once = Span { at: Duration::default(), until: None };
        assert_eq!(Rhythm::Once.spans(None), [over_at_once]);
    }

    fn any_rhythm() -> impl Strategy<Value = Rhythm> {
        prop_oneof![
            Just(Rhythm::Once),
            (100_u64..5_000).prop_map(|every| Rhythm::Every(millis(every))),
            (100_u64..5_000, 100_u64..5_000).prop_map(|(on, off)| pulse(on, off)),
            (1_000_u64..9_000, 1_u32..10).prop_map(|(over, steps)| ramp(over, steps)),
        ]
    }

    proptest! {
        #[test]
        fn spans_never_overlap_and_end_in_time(rhythm in any_rhythm(), length in 10_000_u64..30_000) {
            let spans = rhythm.spans(Some(millis(length)));
            prop_assert_eq!(spans[0].at, Duration::default());
            let mut end = Duration::default();
            for span in &spans {
                let until = span.until.unwrap();
                prop_assert!(end <= span.at && span.at < until && until <= millis(length));
                end = until;
            }
        }

        #[test]
        fn pulses_cover_what_was_promised(on in 100_u64..5_000, off in 100_u64..5_000, length in 5_000_u64..60_000) {
            let spans = pulse(on, off).spans(Some(millis(length)));
            for (number, span) in (0_u64..).zip(&spans) {
                let at = number * (on + off);
                prop_assert_eq!(span.at, millis(at));
                prop_assert_eq!(span.until, Some(millis((at + on).min(length))));
            }
            let missing = spans.len() as u64 * (on + off);
            prop_assert!(missing + 100 > length, "there is room for another one");
        }

        #[test]
        fn a_ramp_is_always_at_one_level(over in 1_000_u64..9_000, steps in 1_u32..10, length in 10_000_u64..30_000) {
            let spans = ramp(over, steps).spans(Some(millis(length)));
            prop_assert_eq!(spans.len(), steps as usize + 1);
            for two in spans.windows(2) {
                prop_assert_eq!(two[0].until, Some(two[1].at));
            }
            prop_assert_eq!(spans[steps as usize].at, millis(over));
            prop_assert_eq!(spans[steps as usize].until, Some(millis(length)));
        }
    }
}
