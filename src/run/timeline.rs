//! When each step of an entry begins, repeats, is looked at and ends. Pure.

use std::time::Duration;

use crate::plan::PlannedStep;
use crate::spec::quantity::Duration as Length;

/// One thing that is due in an entry of the method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// Since the entry began.
    pub(super) at: Duration,
    /// What is due.
    pub(super) what: Moment,
    /// The index of the step within the entry.
    pub(super) step: usize,
}

/// What is due. At the same moment ends come before beginnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// The step's faults are undone.
    End,
    /// The step's faults are injected.
    Begin,
    /// They are injected again.
    Repeat,
    /// They are looked at.
    Verify,
}

/// How often faults that last are looked at.
const VERIFY_EVERY: Duration = Duration::from_secs(1);

/// Everything that is due in an entry, in order. Steps that are over at once have no end here:
/// they end when their effect is proved.
pub(super) fn of_entry(steps: &[PlannedStep]) -> Vec<Due> {
    let mut timeline: Vec<Due> =
        steps.iter().enumerate().flat_map(|(step, planned)| of_step(step, planned)).collect();
    timeline.sort_by_key(|due| (due.at, due.what, due.step));
    timeline
}

fn of_step(step: usize, planned: &PlannedStep) -> Vec<Due> {
    let begin = planned.delay.map(Length::get).unwrap_or_default();
    let mut moments = vec![Due { at: begin, what: Moment::Begin, step }];
    let Some(length) = planned.duration.map(Length::get) else { return moments };
    let mut add = |every: Duration, what: Moment| {
        let mut at = every;
        while at < length && !every.is_zero() {
            moments.push(Due { at: begin + at, what, step });
            at += every;
        }
    };
    if let Some(every) = planned.every {
        add(every.get(), Moment::Repeat);
    }
    add(VERIFY_EVERY, Moment::Verify);
    moments.push(Due { at: begin + length, what: Moment::End, step });
    moments
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: usize, delay: u64, duration: Option<u64>, every: Option<u64>) -> PlannedStep {
        let millis = crate::spec::quantity::Duration::from_millis;
        PlannedStep {
            step,
            name: format!("step {step}"),
            fault: "process-pause".to_owned(),
            delay: Some(millis(delay)),
            duration: duration.map(millis),
            every: every.map(millis),
            acts: Vec::new(),
        }
    }

    fn words(steps: &[PlannedStep]) -> Vec<String> {
        of_entry(steps)
            .iter()
            .map(|due| format!("{}ms {:?} {}", due.at.as_millis(), due.what, due.step))
            .collect()
    }

    #[test]
    fn parallel_steps_are_interleaved_by_time() {
        let steps = [step(0, 0, Some(1500), None), step(1, 500, Some(1000), Some(400))];
        assert_eq!(
            words(&steps),
            [
                "0ms Begin 0",
                "500ms Begin 1",
                "900ms Repeat 1",
                "1000ms Verify 0",
                "1300ms Repeat 1",
                "1500ms End 0",
                "1500ms End 1"
            ]
        );
    }

    #[test]
    fn a_step_that_is_over_at_once_only_begins() {
        assert_eq!(words(&[step(0, 200, None, None)]), ["200ms Begin 0"]);
    }
}
