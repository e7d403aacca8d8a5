//! What a run came to, from everything that was seen of it.

use super::course::Course;
use super::ending::Ending;
use super::fault::Fault;
use super::findings::Findings;
use super::undone::Undone;
use crate::event::What;
use crate::outcome::Outcome;
use crate::sample::{Phase, Sample, SampleOutcome};
use crate::spec::{HypothesisProbe, Tolerance};
use crate::verdict::{
    LimitVerdict, Moments, PhaseVerdict, Subject, Verdict, judge, judge_recovery,
};

impl Course<'_> {
    /// Judges, tells the outcome, and ends.
    pub(super) fn conclude(&mut self, disturbed: Result<(), Ending>, undone: Undone) -> Outcome {
        let (outcome, cause) = match disturbed.and(undone.cut_short.map_or(Ok(()), Err)) {
            Ok(()) => self.judge(),
            Err(ending) => (outcome_of(&ending), ending.to_string()),
        };
        let (outcome, cause) = match undone.residue.first() {
            Some(first) => (Outcome::Residue, format!("not everything could be undone: {first}")),
            None => (outcome, cause),
        };
        self.recorder.record(What::RunEnded { outcome, cause });
        outcome
    }

    /// The outcome of a run that came to its end. A fault without effect makes every figure
    /// doubtful; a limit that was broken for certain outweighs one that could not be measured.
    fn judge(&mut self) -> (Outcome, String) {
        let Findings { verdicts, late, unseen } = match self.findings.take() {
            Some(findings) => findings,
            None => self.assess(),
        };
        if let Some(doubt) = self.doubt() {
            return (Outcome::Inconclusive, doubt);
        }
        let broken: Vec<String> = verdicts.iter().flat_map(deviations).chain(late).collect();
        if let Some(first) = broken.first() {
            let more = match broken.len() {
                1 => String::new(),
                more => format!(" (and {} more)", more - 1),
            };
            return (Outcome::Deviated, format!("{first}{more}"));
        }
        match verdicts.iter().find(|judged| judged.verdict == Verdict::Unknown) {
            Some(unknown) => {
                let why = unknown.reason.clone().unwrap_or_default();
                (Outcome::Inconclusive, format!("{} could not be judged: {why}", unknown.probe))
            }
            None => match unseen.into_iter().next() {
                Some(unseen) => (Outcome::Inconclusive, unseen),
                None => (Outcome::Held, "the hypothesis held".to_owned()),
            },
        }
    }

    /// Judges what was measured while faults were on and after them, and tells it.
    pub(super) fn assess(&mut self) -> Findings {
        let mut verdicts = self.judge_phase(Phase::During);
        let (late, unknown) = self.judge_recoveries();
        verdicts.extend(self.judge_phase(Phase::After));
        let unseen = unknown.into_iter().chain(self.unwatched()).collect();
        Findings { verdicts, late, unseen }
    }

    /// Judges every probe's samples of a phase, and tells it.
    pub(super) fn judge_phase(&mut self, phase: Phase) -> Vec<PhaseVerdict> {
        let probes = &self.setup.plan.hypothesis.probes;
        let verdicts: Vec<PhaseVerdict> = probes
            .iter()
            .filter_map(|probe| {
                let timeout = probe.kind()?.timeout();
                let subject = Subject { probe: &probe.name, phase, timeout };
                Some(judge(&self.samples, tolerance(probe, phase), &subject))
            })
            .collect();
        for verdict in &verdicts {
            self.recorder.record(What::Judged(verdict.clone()));
        }
        verdicts
    }

    /// A sentence for each probe that was not measured once while a fault was on that lasts: what
    /// it shows of the time before and after says nothing about the fault.
    fn unwatched(&self) -> Vec<String> {
        let steps = self.setup.plan.entries.iter().flat_map(|entry| &entry.steps);
        let lasting = steps.filter(|step| step.duration.is_some());
        let probes = &self.setup.plan.hypothesis.probes;
        lasting
            .flat_map(|step| probes.iter().map(move |probe| (step, &probe.name)))
            .filter(|(step, probe)| {
                let on: Vec<_> =
                    self.faults.iter().filter(|fault| fault.step == step.step).collect();
                let seen = |sample: &Sample| {
                    sample.probe == **probe
                        && sample.outcome != SampleOutcome::ProbeError
                        && on.iter().any(|fault| fault.was_on(sample.due))
                };
                // What has no undo is not on for any time.
                on.iter().any(|fault| fault.undone.is_some()) && !self.samples.iter().any(seen)
            })
            .map(|(step, probe)| {
                format!("{probe} was not measured while {} was on; sample it more often", step.name)
            })
            .collect()
    }

    /// Judges how the probes recovered; a sentence for each that did not in time, and for each of
    /// which that cannot be said.
    fn judge_recoveries(&mut self) -> (Vec<String>, Vec<String>) {
        let (mut late, mut unknown) = (Vec::new(), Vec::new());
        let (Some(first_injection), Some(last_undo)) = (self.first_injection, self.healed_at())
        else {
            return (late, unknown);
        };
        let moments = Moments { first_injection, last_undo };
        for probe in &self.setup.plan.hypothesis.probes {
            let verdict = judge_recovery(&self.samples, probe, moments);
            if verdict.verdict == Verdict::Deviated {
                let limit = verdict.limit.clone().unwrap_or_default();
                late.push(match verdict.time_to_recover_ns {
                    Some(nanos) => {
                        let took = std::time::Duration::from_nanos(nanos);
                        format!("{} recovered after {took:.1?}, asked {limit}", verdict.probe)
                    }
                    None => format!("{} did not recover, asked {limit}", verdict.probe),
                });
            }
            if verdict.verdict == Verdict::Unknown {
                unknown.push(format!("too little was seen of how {} recovered", verdict.probe));
            }
            self.recorder.record(What::Recovered(verdict));
        }
        (late, unknown)
    }

    /// When the last fault was gone: its proved undo, or, for faults that have none, the end of
    /// the method.
    fn healed_at(&self) -> Option<crate::sample::Elapsed> {
        self.last_undo.or(self.method_end)
    }

    /// Why the figures cannot be relied upon, if so.
    fn doubt(&self) -> Option<String> {
        let proved =
            |fault: &Fault| self.faults.iter().any(|other| other.proved && other.speaks_for(fault));
        let unproved = self.faults.iter().find(|fault| !proved(fault));
        if let Some(fault) = unproved {
            return Some(format!("{} had no proved effect: {}", fault.name, fault.effect.evidence));
        }
        let lapsed = self.faults.iter().find_map(|fault| Some((fault, fault.lapse.as_ref()?)));
        if let Some((fault, lapse)) = lapsed {
            return Some(format!("{} did not stay in effect: {lapse}", fault.name));
        }
        if let Some(act) = self.expired.front() {
            return Some(format!(
                "the agent had to end act {act} because this process stood still"
            ));
        }
        let broken = self.recorder.broken()?;
        Some(format!("events could not be written down: {broken}"))
    }
}

/// What is asked of a probe in a phase.
fn tolerance(probe: &HypothesisProbe, phase: Phase) -> &Tolerance {
    match phase {
        Phase::During => probe.during.as_ref().unwrap_or(&probe.tolerance),
        Phase::Before | Phase::Recovery | Phase::After => &probe.tolerance,
    }
}

fn deviations(verdict: &PhaseVerdict) -> Vec<String> {
    let phase = match verdict.phase {
        Phase::Before => "before",
        Phase::During => "during",
        Phase::Recovery => "while recovering",
        Phase::After => "after",
    };
    let broken = verdict.limits.iter().filter(|limit| limit.verdict == Verdict::Deviated);
    broken.map(|limit| format!("{phase}, {}", deviation(&verdict.probe, limit))).collect()
}

fn deviation(probe: &str, limit: &LimitVerdict) -> String {
    let missed = limit.missed_by.as_ref().map(|by| format!(", missed by {by}")).unwrap_or_default();
    let first = limit
        .first_broken
        .map(|at| format!(", first at +{:.1} s", at.as_secs_f64()))
        .unwrap_or_default();
    format!("{probe}: {} but measured {}{missed}{first}", limit.limit, limit.measured)
}

const fn outcome_of(ending: &Ending) -> Outcome {
    match ending {
        Ending::NotInjected(_) => Outcome::NotInjected,
        Ending::Unsteady(_) => Outcome::Unsteady,
        Ending::Unmeasured(_) => Outcome::Inconclusive,
        Ending::Interrupted(_) | Ending::Aborted(_) | Ending::Stuck(_) | Ending::AgentLost(_) => {
            Outcome::Aborted
        }
    }
}
