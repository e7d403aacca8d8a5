//! What reports ask of a run.

use super::{ActSummary, Summary, Tally};
use crate::act::ActId;
use crate::sample::{Elapsed, Phase};
use crate::verdict::{PhaseVerdict, RecoveryVerdict, Verdict};

impl Summary {
    /// An act by its number.
    #[must_use]
    pub fn act(&self, act: ActId) -> Option<&ActSummary> {
        self.acts.iter().rev().find(|known| known.act == act)
    }

    /// The acts of a step.
    pub fn acts_of(&self, step: usize) -> impl Iterator<Item = &ActSummary> {
        self.acts.iter().filter(move |act| act.step == Some(step))
    }

    /// The judgement of a probe in a phase.
    #[must_use]
    pub fn verdict(&self, probe: &str, phase: Phase) -> Option<&PhaseVerdict> {
        self.verdicts.iter().find(|verdict| verdict.phase == phase && verdict.probe == probe)
    }

    /// How a probe recovered.
    #[must_use]
    pub fn recovery(&self, probe: &str) -> Option<&RecoveryVerdict> {
        self.recoveries.iter().find(|verdict| verdict.probe == probe)
    }

    /// The samples of a probe in a phase.
    #[must_use]
    pub fn tally(&self, probe: &str, phase: Phase) -> Option<&Tally> {
        self.tallies.iter().find(|tally| tally.phase == phase && tally.probe == probe)
    }

    /// Whether nothing is measured any more: services that stop now are meant to.
    #[must_use]
    pub fn is_winding_down(&self) -> bool {
        let stopped = self.is_rolling_back || self.is_cut_short();
        let faults = self.acts.iter().filter(|act| act.step.is_some());
        self.verdicts.iter().any(|verdict| match verdict.phase {
            Phase::Before => verdict.verdict != Verdict::Held,
            Phase::After => true,
            Phase::During | Phase::Recovery => false,
        }) || (stopped && faults.into_iter().all(|act| act.undone.is_some() || !act.is_open()))
    }

    /// Whether something that was told has ended the run before its time.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        let unsteady = |verdict: &PhaseVerdict| {
            verdict.phase == Phase::Before && verdict.verdict != Verdict::Held
        };
        !self.interruptions.is_empty()
            || !self.failures.is_empty()
            || self.verdicts.iter().any(unsteady)
    }

    /// How long a phase lasted, in nanoseconds; up to `now` if it did not end.
    #[must_use]
    pub fn phase_length(&self, phase: Phase, now: Elapsed) -> u64 {
        let spans = self.phases.iter().filter(|span| span.phase == phase);
        spans.map(|span| span.ended.unwrap_or(now).0.saturating_sub(span.began.0)).sum()
    }
}
