//! The faults of a run: acts that a step repeats on the same site are one fault.

use super::{ActSummary, InjectionFailure, StepSpan, Summary};
use crate::act::{Class, Effect, Reverted, SiteRef, Strength};

/// The acts of one step that do the same at the same place.
#[derive(Clone, Debug)]
pub struct Fault<'a> {
    /// The step's number.
    number: usize,
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
        match self.times() {
            0 | 1 => self.what(),
            times => format!("{} ×{times}", self.what()),
        }
    }

    /// Such as `network-latency on service payment`.
    #[must_use]
    pub fn what(&self) -> String {
        let first = self.acts.first();
        first.map(|act| format!("{} on {}", act.fault, act.site)).unwrap_or_default()
    }

    /// How often it was performed.
    #[must_use]
    pub const fn times(&self) -> usize {
        self.acts.len()
    }

    /// How often its effect was proved.
    #[must_use]
    pub fn proved(&self) -> usize {
        self.acts.iter().filter(|act| act.effect.strength == Strength::Proved).count()
    }

    /// Whether it was performed more than once. One proof is enough then: a pulse that nothing met by
    /// chance takes nothing from those that something did.
    #[must_use]
    pub const fn is_repeated(&self) -> bool {
        self.times() > 1
    }

    /// Whether its effect is proved, and nothing speaks against it.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        self.effect().is_some_and(|effect| effect.strength == Strength::Proved)
    }

    /// What its effect is known by, with how often if it was repeated.
    #[must_use]
    pub fn evidence(&self) -> String {
        let evidence = self.effect().map_or("", |effect| effect.evidence.as_str());
        if self.is_repeated() {
            format!("{} of {} times, the last: {evidence}", self.proved(), self.times())
        } else {
            evidence.to_owned()
        }
    }

    /// How its undo is guaranteed: the weakest of its acts.
    #[must_use]
    pub fn class(&self) -> Class {
        self.acts.iter().map(|act| act.class).max().unwrap_or(Class::X)
    }

    /// Its effect: the last sight of it not being there, else the last proof, else what is awaited.
    #[must_use]
    pub fn effect(&self) -> Option<&'a Effect> {
        let weight = |effect: &Effect| match effect.strength {
            Strength::Absent => 2,
            Strength::Proved => 1,
            Strength::Pending => 0,
        };
        self.acts.iter().map(|act| &act.effect).max_by_key(|effect| weight(effect))
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
        let mut faults: Vec<Fault<'_>> = Vec::new();
        for act in &self.acts {
            let Some(number) = act.step else { continue };
            let same = |fault: &&mut Fault<'_>| {
                let first = fault.acts.first();
                fault.number == number
                    && first.is_some_and(|it| it.fault == act.fault && it.site == act.site)
            };
            if let Some(fault) = faults.iter_mut().find(same) {
                fault.acts.push(act);
            } else {
                let step = self.step_name(Some(number));
                faults.push(Fault { number, step, acts: vec![act] });
            }
        }
        faults
    }

    /// The faults of a step.
    #[must_use]
    pub fn faults_of(&self, step: usize) -> Vec<Fault<'_>> {
        self.faults().into_iter().filter(|fault| fault.number == step).collect()
    }

    /// The steps that came to their end without anything to do: the seed left all out.
    pub fn left_out(&self) -> impl Iterator<Item = &StepSpan> {
        let idle = |step: &&StepSpan| {
            let failed = self.failures.iter().any(|failure| failure.step == Some(step.step));
            step.ended.is_some() && !failed && self.acts_of(step.step).next().is_none()
        };
        self.steps.iter().filter(idle)
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
    fn repeated_acts_are_one_fault_that_one_proof_is_enough_for() {
        let mut summary = fixture::summary(&fixture::residue());
        let mut again = summary.acts.last().unwrap().clone();
        again.undone = None;
        again.effect = Effect::pending("not met");
        summary.acts.push(again.clone());
        let faults = summary.faults();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].name(), "network-latency on service payment ×2");
        assert_eq!(faults[0].effect().unwrap().strength, Strength::Proved);
        assert!(faults[0].evidence().starts_with("1 of 2 times, the last: qdisc netem"));
        assert!(matches!(faults[0].undo(), UndoState::Failed { .. }));
        again.effect = Effect::absent("it vanished");
        summary.acts.push(again);
        assert_eq!(summary.faults()[0].effect().unwrap().evidence, "it vanished");
    }
}
