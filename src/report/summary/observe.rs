//! The fold itself: one event at a time.

use super::{
    ActSummary, End, InjectionFailure, InterruptedBy, Interruption, PhaseSpan, Running,
    ServiceState, StepSpan, Summary, Tally, Undone,
};
use crate::act::{ActId, Effect, Strength};
use crate::event::{Event, What};
use crate::report::narration::narrate;
use crate::sample::{Elapsed, Sample, SampleOutcome};

impl Summary {
    /// Takes in the next event.
    pub fn observe(&mut self, event: &Event) {
        self.timeline.extend(narrate(event, self));
        self.last = self.last.max(event.elapsed);
        let at = event.elapsed;
        match &event.what {
            What::RunStarted(run) => {
                self.run = Some(run.clone());
                self.began = Some(event.at);
            }
            What::Sampled(sample) => self.count(sample),
            What::Judged(verdict) => {
                self.verdicts.retain(|v| (&v.probe, v.phase) != (&verdict.probe, verdict.phase));
                self.verdicts.push(verdict.clone());
            }
            What::Recovered(verdict) => {
                self.recoveries.retain(|known| known.probe != verdict.probe);
                self.recoveries.push(verdict.clone());
            }
            What::RollingBack { .. } => self.is_rolling_back = true,
            What::ResidueChecked { residue } => self.residue = Some(residue.clone()),
            What::RunEnded { outcome, cause } => {
                self.close_phase(at);
                self.end = Some(End { at, outcome: *outcome, cause: cause.clone() });
            }
            _ => {
                self.observe_service(&event.what);
                self.observe_course(&event.what, at);
                self.observe_act(&event.what, at);
                self.observe_interruption(&event.what, at);
            }
        }
    }

    fn observe_service(&mut self, what: &What) {
        match what {
            What::ServiceStarted { service, restarts, .. } => {
                let state = self.service(service);
                state.state = Running::Started;
                state.restarts = *restarts;
            }
            What::ServiceReady { service } => self.service(service).state = Running::Ready,
            What::ServiceExited { service, how } => {
                self.service(service).state = Running::Exited { how: how.clone() };
            }
            _ => {}
        }
    }

    fn observe_course(&mut self, what: &What, at: Elapsed) {
        match what {
            What::PhaseStarted { phase, planned } => {
                self.close_phase(at);
                let (phase, planned) = (*phase, *planned);
                self.phases.push(PhaseSpan { phase, began: at, ended: None, planned });
            }
            What::StepStarted { step, name, planned, manner } => self.steps.push(StepSpan {
                step: *step,
                name: name.clone(),
                began: at,
                ended: None,
                planned: *planned,
                manner: manner.clone(),
            }),
            What::StepEnded { step } => {
                if let Some(known) = self.steps.iter_mut().rev().find(|known| known.step == *step) {
                    known.ended = Some(at);
                }
            }
            _ => {}
        }
    }

    fn observe_act(&mut self, what: &What, at: Elapsed) {
        match what {
            What::Injected { act, step, fault, site, class, effect } => {
                self.acts.push(ActSummary {
                    act: *act,
                    step: *step,
                    fault: fault.clone(),
                    site: site.clone(),
                    class: *class,
                    injected: at,
                    effect: effect.clone(),
                    undone: None,
                });
            }
            What::Verified { act, effect } => {
                if let Some(known) = self.act_mut(*act) {
                    known.effect = later(&known.effect, effect);
                }
            }
            What::InjectionFailed { step, fault, site, reason } => {
                let (step, fault, site) = (*step, fault.clone(), site.clone());
                let reason = reason.clone();
                self.failures.push(InjectionFailure { at, step, fault, site, reason });
            }
            What::Undone { act, reverted } => {
                if let Some(known) = self.act_mut(*act) {
                    known.undone = Some(Undone { at, reverted: reverted.clone() });
                }
            }
            _ => {}
        }
    }

    fn observe_interruption(&mut self, what: &What, at: Elapsed) {
        let by = match what {
            What::AbortTriggered { probe, reason } => {
                InterruptedBy::AbortCondition { probe: probe.clone(), reason: reason.clone() }
            }
            What::Interrupted { by } => InterruptedBy::Signal { name: by.clone() },
            What::AgentLost { reason } => InterruptedBy::AgentLost { reason: reason.clone() },
            _ => return,
        };
        self.interruptions.push(Interruption { at, by });
    }

    fn count(&mut self, sample: &Sample) {
        let known = self
            .tallies
            .iter()
            .position(|tally| tally.phase == sample.phase && tally.probe == sample.probe);
        if known.is_none() {
            let (probe, phase) = (sample.probe.clone(), sample.phase);
            let none = Tally { probe, phase, ok: 0, violated: 0, unreachable: 0, probe_errors: 0 };
            self.tallies.push(none);
        }
        let tally = match known {
            Some(index) => self.tallies.get_mut(index),
            None => self.tallies.last_mut(),
        };
        let Some(tally) = tally else { return };
        match sample.outcome {
            SampleOutcome::Ok => tally.ok += 1,
            SampleOutcome::Violated => tally.violated += 1,
            SampleOutcome::Unreachable => tally.unreachable += 1,
            SampleOutcome::ProbeError => tally.probe_errors += 1,
        }
    }

    fn close_phase(&mut self, at: Elapsed) {
        if let Some(phase) = self.phases.last_mut() {
            phase.ended.get_or_insert(at);
        }
    }

    fn service(&mut self, name: &str) -> &mut ServiceState {
        let known = self.services.iter().position(|service| service.name == name);
        let index = known.unwrap_or_else(|| {
            let name = name.to_owned();
            self.services.push(ServiceState { name, state: Running::Started, restarts: 0 });
            self.services.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
        &mut self.services[index]
    }

    fn act_mut(&mut self, act: ActId) -> Option<&mut ActSummary> {
        self.acts.iter_mut().rev().find(|known| known.act == act)
    }
}

/// That nothing has met a fault lately takes nothing from the proof that something did.
fn later(known: &Effect, seen: &Effect) -> Effect {
    match (known.strength, seen.strength) {
        (Strength::Proved, Strength::Pending) => known.clone(),
        _ => seen.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::act::{ActId, Strength};
    use crate::report::fixture;
    use crate::sample::Phase;

    #[test]
    fn a_run_is_folded_from_its_events() {
        let summary = fixture::summary(&fixture::held());
        assert_eq!(summary.steps.len(), 1);
        assert_eq!(summary.act(ActId(3)).unwrap().effect.strength, Strength::Proved);
        assert!(summary.acts.iter().all(|act| !act.is_open()));
        assert_eq!(summary.phase_length(Phase::Before, summary.last), 2_000_000_000);
        assert_eq!(summary.residue, Some(Vec::new()));
        let phases: Vec<_> = summary.phases.iter().map(|span| span.ended.is_some()).collect();
        assert_eq!(phases, [true; 4]);
    }

    #[test]
    fn a_killed_run_has_no_end_and_open_acts() {
        let summary = fixture::summary(&fixture::killed());
        assert_eq!(summary.end, None);
        assert_eq!(summary.residue, None);
        assert!(summary.acts.iter().any(super::ActSummary::is_open));
        assert!(summary.tally("checkout", Phase::During).unwrap().ok > 0);
    }
}
