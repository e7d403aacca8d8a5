//! When each step of an entry begins, is put, looked at, taken away and ends. Pure.

use std::time::Duration;

use crate::plan::{PlannedStep, Turn};
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

/// What is due. At the same moment what ends comes before what begins. Turns are meant by their
/// place in the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    /// The acts of a turn are undone.
    Undo(usize),
    /// The step ends.
    End,
    /// The step begins.
    Begin,
    /// The acts of a turn are performed.
    Perform(usize),
    /// What is on is looked at.
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
    let due = |at: Duration, what: Moment| Due { at: begin + at, what, step };
    let mut moments = vec![due(Duration::ZERO, Moment::Begin)];
    for (number, turn) in planned.turns.iter().enumerate().filter(|(_, it)| !it.acts.is_empty()) {
        moments.push(due(turn.at.get(), Moment::Perform(number)));
        let Some(until) = turn.until else { continue };
        moments.extend(looks(turn).map(|at| due(at, Moment::Verify)));
        moments.push(due(until.get(), Moment::Undo(number)));
    }
    moments.extend(planned.duration.map(|length| due(length.get(), Moment::End)));
    moments
}

/// The moments within a turn at which it is looked at, beside its end.
fn looks(turn: &Turn) -> impl Iterator<Item = Duration> {
    let (at, until) = (turn.at.get(), turn.until.unwrap_or_default().get());
    let next = |look: &Duration| Some(*look + VERIFY_EVERY);
    std::iter::successors(Some(at + VERIFY_EVERY), next).take_while(move |look| *look < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Rhythm;

    fn step(step: usize, delay: u64, duration: Option<u64>, turns: &[(u64, u64)]) -> PlannedStep {
        let millis = Length::from_millis;
        let turn = |(at, until): &(u64, u64)| Turn {
            at: millis(*at),
            until: duration.map(|_| millis(*until)),
            acts: vec![0],
        };
        PlannedStep {
            step,
            name: format!("step {step}"),
            fault: "process-pause".to_owned(),
            delay: Some(millis(delay)),
            duration: duration.map(millis),
            rhythm: Rhythm::Once,
            probability: None,
            left_out: Vec::new(),
            matrix: None,
            acts: Vec::new(),
            turns: turns.iter().map(turn).collect(),
        }
    }

    fn words(steps: &[PlannedStep]) -> String {
        let word = |due: &Due| format!("{}ms {:?} {}", due.at.as_millis(), due.what, due.step);
        of_entry(steps).iter().map(word).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn parallel_steps_are_interleaved_by_time() {
        let pulses = [(0, 1200), (1500, 2000)];
        let steps = [step(0, 0, Some(2500), &[(0, 2500)]), step(1, 500, Some(2000), &pulses)];
        insta::assert_snapshot!(words(&steps), @r"
        0ms Begin 0
        0ms Perform(0) 0
        500ms Begin 1
        500ms Perform(0) 1
        1000ms Verify 0
        1500ms Verify 1
        1700ms Undo(0) 1
        2000ms Perform(1) 1
        2000ms Verify 0
        2500ms Undo(0) 0
        2500ms Undo(1) 1
        2500ms End 0
        2500ms End 1
        ");
    }

    #[test]
    fn the_next_level_comes_right_after_the_last_is_gone() {
        insta::assert_snapshot!(words(&[step(0, 0, Some(700), &[(0, 300), (300, 700)])]), @r"
        0ms Begin 0
        0ms Perform(0) 0
        300ms Undo(0) 0
        300ms Perform(1) 0
        700ms Undo(1) 0
        700ms End 0
        ");
    }

    #[test]
    fn a_step_that_is_over_at_once_only_begins() {
        insta::assert_snapshot!(words(&[step(0, 200, None, &[(0, 0)])]), @r"
        200ms Begin 0
        200ms Perform(0) 0
        ");
    }

    #[test]
    fn what_is_left_out_takes_its_time() {
        insta::assert_snapshot!(words(&[step(0, 0, Some(700), &[])]), @r"
        0ms Begin 0
        700ms End 0
        ");
    }
}
