//! The faults of a run: acts that a step repeats on the same site are one fault.

use super::{ActSummary, InjectionFailure, Summary};
use crate::act::{Class, Effect, Reverted, SiteRef, Strength};

/// The acts of one step that do the same at the same place.
#[derive(Clone, Debug)]
pub struct Fault<'a> {
    /// The step's name.
    pub step: &'a str,
    /// The acts, in the order performed; never empty.
    acts: Vec<&'a ActSummary>,
}

/// What became of the undo of a fault, the worst of all its acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoState<'a> {
    /// It cannot be undone, by its nature.
    Irreversible,
    /// Undone, or gone by itself.
    Undone,
    /// What is there now is not ours.
    NotOurs(&'a str),
    /// Nothing says that it was undone.
    Unknown,
    /// It could not be undone.
    Failed {
        /// Why.
        reason: &'a str,
        /// What a person can do instead.
        manual: &'a str,
    },
}

impl<'a> Fault<'a> {
    /// Such as `network-latency on service payment`, with how often if more than once.
    #[must_use]
    pub fn name(&self) -> String {
        let Some(first) = self.acts.first() else { return String::new() };
        match self.acts.len() {
            1 => format!("{} on {}", first.fault, first.site),
            times => format!("{} on {} ×{times}", first.fault, first.site),
        }
    }

    /// How its undo is guaranteed: the weakest of its acts.
    #[must_use]
    pub fn class(&self) -> Class {
        self.acts.iter().map(|act| act.class).max().unwrap_or(Class::X)
    }

    /// The effect of the act that is least proved.
    #[must_use]
    pub fn effect(&self) -> Option<&'a Effect> {
        let doubt = |effect: &Effect| match effect.strength {
            Strength::Proved => 0,
            Strength::Pending => 1,
            Strength::Absent => 2,
        };
        self.acts.iter().map(|act| &act.effect).max_by_key(|effect| doubt(effect))
    }

    /// What became of its undo.
    #[must_use]
    pub fn undo(&self) -> UndoState<'a> {
        let states = self.acts.iter().map(|act| state(act));
        states.max_by_key(UndoState::severity).unwrap_or(UndoState::Unknown)
    }

    /// How long it was on, in nanoseconds: from the first injection to the last undo.
    #[must_use]
    pub fn length(&self) -> u64 {
        let first = self.acts.iter().map(|act| act.injected.0).min().unwrap_or(0);
        let undone = self.acts.iter().filter_map(|act| act.undone.as_ref()).map(|it| it.at.0);
        undone.max().unwrap_or(first).saturating_sub(first)
    }
}

impl UndoState<'_> {
    const fn severity(&self) -> u8 {
        match self {
            Self::Irreversible => 0,
            Self::Undone => 1,
            Self::NotOurs(_) => 2,
            Self::Unknown => 3,
            Self::Failed { .. } => 4,
        }
    }
}

fn state(act: &ActSummary) -> UndoState<'_> {
    match act.undone.as_ref().map(|undone| &undone.reverted) {
        Some(Reverted::Failed { reason, manual }) => UndoState::Failed { reason, manual },
        Some(Reverted::NotOurs { found }) => UndoState::NotOurs(found),
        _ if act.class == Class::X => UndoState::Irreversible,
        Some(Reverted::Restored | Reverted::AlreadyGone) => UndoState::Undone,
        None => UndoState::Unknown,
    }
}

impl Summary {
    /// The faults in the order injected.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault<'_>> {
        let mut faults: Vec<(usize, Fault<'_>)> = Vec::new();
        for act in &self.acts {
            let Some(step) = act.step else { continue };
            let same = |(known, fault): &&mut (usize, Fault<'_>)| {
                let first = fault.acts.first();
                *known == step
                    && first.is_some_and(|it| it.fault == act.fault && it.site == act.site)
            };
            if let Some((_, fault)) = faults.iter_mut().find(same) {
                fault.acts.push(act);
            } else {
                faults.push((step, Fault { step: self.step_name(Some(step)), acts: vec![act] }));
            }
        }
        faults.into_iter().map(|(_, fault)| fault).collect()
    }

    /// The name of the step that a failed injection belongs to.
    #[must_use]
    pub fn step_of(&self, failure: &InjectionFailure) -> &str {
        self.step_name(failure.step)
    }

    fn step_name(&self, step: Option<usize>) -> &str {
        let Some(step) = step else { return "services" };
        if let Some(began) = self.steps.iter().find(|known| known.step == step) {
            return &began.name;
        }
        let names = self.run.as_ref().map(|run| run.steps.as_slice()).unwrap_or_default();
        names.get(step).map_or("step", String::as_str)
    }
}

impl InjectionFailure {
    /// What could not be injected, and where; of what is set up, only what it is.
    #[must_use]
    pub fn what(&self) -> String {
        match (&self.site, self.step) {
            (SiteRef::Service { name }, None) => name.clone(),
            (_, None) => self.fault.clone(),
            (site, Some(_)) => format!("{} on {site}", self.fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn repeated_acts_are_one_fault_and_the_worst_counts() {
        let mut summary = fixture::summary(&fixture::residue());
        let mut again = summary.acts.last().unwrap().clone();
        again.undone = None;
        again.effect = Effect::pending("not met");
        summary.acts.push(again);
        let faults = summary.faults();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].name(), "network-latency on service payment ×2");
        assert_eq!(faults[0].effect().unwrap().evidence, "not met");
        assert!(matches!(faults[0].undo(), UndoState::Failed { .. }));
    }
}
