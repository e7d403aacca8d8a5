//! The acts of a step and when each is on: the rhythm, the levels of a ramp, and what chance leaves.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::chance::Chance;
use super::rhythm::{Rhythm, Span};
use super::step::Aimed;
use super::{PlannedAct, PlannedStep};
use crate::act::Act;
use crate::fault;
use crate::spec::quantity::Duration;
use crate::spec::{Fault, Step};

/// A time in which acts of a step are on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Turn {
    /// When they are performed, counted from the step's beginning.
    pub at: Duration,
    /// When they are undone; none for what is over at once.
    pub until: Option<Duration>,
    /// Which: places in the step's list of acts, in the order performed; none if chance left all out.
    pub acts: Vec<usize>,
}

impl Turn {
    /// How long its acts are on; none for what is over at once.
    #[must_use]
    pub fn length(&self) -> Option<std::time::Duration> {
        Some(self.until?.get().saturating_sub(self.at.get()))
    }
}

impl PlannedStep {
    /// The acts of a turn.
    pub fn acts_of<'a>(&'a self, turn: &'a Turn) -> impl Iterator<Item = &'a PlannedAct> {
        turn.acts.iter().filter_map(|index| self.acts.get(*index))
    }

    /// Whether chance left everything out.
    #[must_use]
    pub const fn is_left_out(&self) -> bool {
        self.acts.is_empty()
    }

    /// How it comes and goes, in words; none if it simply is there from the beginning to the end.
    #[must_use]
    pub fn manner(&self) -> Option<String> {
        let chance = self.probability.map(|share| format!("probability {share}"));
        if self.is_left_out() {
            return chance.map(|chance| format!("left out by the seed, {chance}"));
        }
        let rhythm = (self.rhythm != Rhythm::Once).then(|| self.rhythm.to_string());
        let words: Vec<String> = rhythm.into_iter().chain(chance).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// The step at each level of its fault, as a step of its own that lasts as long as the level: one,
/// unless it ramps.
pub(super) fn levels(step: &Step) -> Vec<Step> {
    let faults = match &step.ramp {
        Some(ramp) => ramp.faults(&step.fault),
        None => vec![step.fault.clone()],
    };
    let spans = Rhythm::of(step).spans(step.duration);
    let level =
        |(fault, span): (Fault, Span)| Step { fault, duration: span.length(), ..step.clone() };
    faults.into_iter().zip(spans).map(level).collect()
}

/// What a step does and when, after chance has had its say.
pub(super) struct Schedule<'a> {
    pub(super) acts: Vec<PlannedAct>,
    pub(super) turns: Vec<Turn>,
    /// The targets of at least one turn, with all that is done to them.
    pub(super) touched: Vec<Aimed<'a>>,
    /// The others.
    pub(super) left_out: Vec<Aimed<'a>>,
}

impl<'a> Schedule<'a> {
    /// The schedule of a step. Each level has the same targets in the same order.
    pub(super) fn new(step: &Step, levels: Vec<Vec<Aimed<'a>>>, draw: Chance) -> Self {
        let rhythm = Rhythm::of(step);
        let spans = rhythm.spans(step.duration);
        let targets = levels.first().map(Vec::len).unwrap_or_default();
        let rows = decisions(rhythm, draw, spans.len(), targets);
        let (acts, turns) = turns(rhythm, spans, &rows, &levels);
        let (mut touched, mut left_out) = (Vec::new(), Vec::new());
        for (place, aimed) in merged(levels).into_iter().enumerate() {
            let happens = rows.iter().any(|row| row.get(place) == Some(&true));
            if happens { &mut touched } else { &mut left_out }.push(aimed);
        }
        Self { acts, turns, touched, left_out }
    }
}

/// For each turn whether it happens to each target. A ramp is one thing: all of it, or nothing.
fn decisions(rhythm: Rhythm, mut draw: Chance, turns: usize, targets: usize) -> Vec<Vec<bool>> {
    match rhythm {
        Rhythm::Pulse(_) | Rhythm::Every(_) => (0..turns).map(|_| draw.next(targets)).collect(),
        Rhythm::Once | Rhythm::Ramp { .. } => vec![draw.next(targets); turns],
    }
}

/// The turns with what happens in each. The acts of a target at a level stand once in the list,
/// however often they are performed.
fn turns(
    rhythm: Rhythm,
    spans: Vec<Span>,
    rows: &[Vec<bool>],
    levels: &[Vec<Aimed<'_>>],
) -> (Vec<PlannedAct>, Vec<Turn>) {
    let mut known: BTreeMap<(usize, usize), Range<usize>> = BTreeMap::new();
    let (mut acts, mut turns) = (Vec::new(), Vec::new());
    for (index, (span, row)) in spans.into_iter().zip(rows).enumerate() {
        let level = if matches!(rhythm, Rhythm::Ramp { .. }) { index } else { 0 };
        let mut turn = Turn { at: span.at, until: span.until, acts: Vec::new() };
        let targets = levels.get(level).into_iter().flatten().zip(row).enumerate();
        for (place, ((_, own), _)) in targets.filter(|(_, (_, happens))| **happens) {
            let range = known.entry((level, place)).or_insert_with(|| {
                let first = acts.len();
                acts.extend(own.iter().map(planned));
                first..acts.len()
            });
            turn.acts.extend(range.clone());
        }
        turns.push(turn);
    }
    (acts, turns)
}

fn planned(act: &Act) -> PlannedAct {
    PlannedAct { act: act.clone(), undo: fault::undo_in_words(act) }
}

/// Each target once, with its acts at all levels.
fn merged(levels: Vec<Vec<Aimed<'_>>>) -> Vec<Aimed<'_>> {
    let mut levels = levels.into_iter();
    let mut all = levels.next().unwrap_or_default();
    for level in levels {
        for ((_, known), (_, acts)) in all.iter_mut().zip(level) {
            known.extend(acts);
        }
    }
    all
}
