//! Why a run ended as it did, in one sentence, and what to do next.

use super::{ActSummary, InterruptedBy, Summary};
use crate::act::Reverted;
use crate::outcome::Outcome;
use crate::report::figure;
use crate::report::narration::when;
use crate::sample::{Elapsed, Phase};
use crate::verdict::{LimitVerdict, PhaseVerdict, RecoveryVerdict, Verdict};

impl Summary {
    /// The outcome; none if the run did not finish.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.end.as_ref().map(|end| end.outcome)
    }

    /// Why it ended as it did: which limit broke, when, by how much, or what the run itself gave.
    #[must_use]
    pub fn cause(&self) -> String {
        let Some(end) = &self.end else { return self.unfinished() };
        if !matches!(end.outcome, Outcome::Deviated | Outcome::Unsteady) {
            return end.cause.clone();
        }
        let deviations = self.deviations();
        match deviations.as_slice() {
            [] => end.cause.clone(),
            [only] => only.clone(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        }
    }

    fn unfinished(&self) -> String {
        let seen = figure::time(self.last.0);
        let open = self.acts.iter().filter(|act| act.is_open()).count() as u64;
        match (open, &self.residue) {
            (0, Some(residue)) if residue.is_empty() => {
                format!("the run ended without a verdict after {seen}; everything was rolled back")
            }
            (0, _) => format!("the run ended without a verdict after {seen}"),
            _ => format!(
                "the run ended without a verdict after {seen}; {} not known to be undone",
                if open == 1 { "1 act is".to_owned() } else { format!("{open} acts are") }
            ),
        }
    }

    /// Every broken limit as a sentence fragment, in the order of the phases.
    #[must_use]
    pub fn deviations(&self) -> Vec<String> {
        let mut verdicts: Vec<_> = self.verdicts.iter().collect();
        verdicts.sort_by_key(|verdict| verdict.phase);
        let mut all = Vec::new();
        for verdict in verdicts {
            let broken = verdict.limits.iter().filter(|limit| limit.verdict == Verdict::Deviated);
            all.extend(broken.map(|limit| self.deviation(verdict, limit)));
        }
        let late = self.recoveries.iter().filter(|known| known.verdict == Verdict::Deviated);
        all.extend(late.map(recovery_deviation));
        all
    }

    /// Everything that could not be judged, as sentence fragments.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let verdicts = self.verdicts.iter().filter(|known| known.verdict == Verdict::Unknown);
        let mut doubts: Vec<_> = verdicts
            .map(|known| {
                let reason = known.reason.as_deref().unwrap_or("too little was measured");
                format!("{}, {} cannot be judged: {reason}", when(known.phase), known.probe)
            })
            .collect();
        let faults = self.faults();
        let unproved = faults.iter().filter(|fault| !fault.is_proved());
        doubts.extend(
            unproved.map(|fault| {
                format!("{} has no proved effect: {}", fault.what(), fault.evidence())
            }),
        );
        doubts
    }

    fn deviation(&self, verdict: &PhaseVerdict, limit: &LimitVerdict) -> String {
        let (when, since) = self.place(verdict.phase, limit.first_broken);
        let by = limit.missed_by.as_ref().map(|by| format!(" (missed by {by})"));
        let first = limit
            .first_broken
            .map(|first| format!(", first at +{}", figure::time(first.0.saturating_sub(since.0))));
        let broken = figure::broken(limit);
        let (by, first) = (by.unwrap_or_default(), first.unwrap_or_default());
        format!("{when}, {} {broken}{by}{first}", verdict.probe)
    }

    /// The words for a moment, and the moment that later ones are counted from: the step that was
    /// on, or the phase.
    fn place(&self, phase: Phase, moment: Option<Elapsed>) -> (String, Elapsed) {
        if phase == Phase::During {
            let step = match (self.steps.as_slice(), moment) {
                ([only], _) => Some(only),
                (steps, Some(moment)) => steps.iter().rev().find(|step| step.began <= moment),
                _ => None,
            };
            if let Some(step) = step {
                return (format!("during `{}`", step.name), step.began);
            }
        }
        let span = self.phases.iter().find(|span| span.phase == phase);
        (when(phase).to_owned(), span.map(|span| span.began).unwrap_or_default())
    }

    /// What to do next; none when there is nothing to do.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        let Some(outcome) = self.outcome() else {
            return Some(
                "`shakedown rollback` undoes what may be left; then run it again".to_owned(),
            );
        };
        if outcome != Outcome::Residue && self.acts.iter().any(ActSummary::is_open) {
            return Some("`shakedown rollback`: not every act is known to be undone".to_owned());
        }
        Some(match outcome {
            Outcome::Held | Outcome::Deviated => return None,
            Outcome::Usage => "correct the experiment; nothing was touched".to_owned(),
            Outcome::Unsteady => "nothing was injected; bring the system into its steady state \
                                  or correct the tolerance, then run it again"
                .to_owned(),
            Outcome::NotInjected if self.failures.is_empty() => {
                "no fault was injected; what had begun was rolled back".to_owned()
            }
            Outcome::NotInjected => "what had begun was rolled back; `shakedown doctor` tells \
                                     what this host allows"
                .to_owned(),
            Outcome::Aborted => self.advice_after_abort(),
            Outcome::Residue => self.advice_on_residue(),
            Outcome::Inconclusive => self.advice_on_doubt(),
        })
    }

    fn advice_after_abort(&self) -> String {
        match self.interruptions.first().map(|interruption| &interruption.by) {
            Some(InterruptedBy::AbortCondition { probe, .. }) => format!(
                "everything was rolled back; see that {probe} is well before the next run, and \
                 try a smaller fault"
            ),
            Some(InterruptedBy::AgentLost { .. }) => "everything was rolled back; find out what \
                                                      ended the agent, then run it again"
                .to_owned(),
            _ => "everything was rolled back; run it again for a verdict".to_owned(),
        }
    }

    fn advice_on_residue(&self) -> String {
        let manual: Vec<_> = self
            .acts
            .iter()
            .filter_map(|act| match &act.undone.as_ref()?.reverted {
                Reverted::Failed { manual, .. } => Some(manual.as_str()),
                _ => None,
            })
            .collect();
        match manual.as_slice() {
            [] => "call whoever owns the host now; `shakedown rollback` tries again".to_owned(),
            _ => format!(
                "call whoever owns the host now; `shakedown rollback` tries again, or by hand: {}",
                manual.join("; ")
            ),
        }
    }

    /// Whether the method had no length to speak of.
    fn was_over_at_once(&self) -> bool {
        let during = self.phase_length(Phase::During, self.last);
        self.phases.iter().any(|span| span.phase == Phase::During) && during < 100_000_000
    }

    fn advice_on_doubt(&self) -> String {
        match self.faults().iter().find(|fault| !fault.is_proved()) {
            Some(_) => "a fault that nothing met proves nothing; see that the target is in use \
                        while it is on, then run it again"
                .to_owned(),
            None if self.was_over_at_once() => "a fault that is over at once leaves no time to \
                                                measure in; add a `wait` step after it"
                .to_owned(),
            None if self.doubts().is_empty() => "see that this machine is neither overloaded nor \
                                                 put to sleep, then run it again"
                .to_owned(),
            None => "sample more often or longer, and see that the probes can measure, then run \
                     it again"
                .to_owned(),
        }
    }
}

fn recovery_deviation(verdict: &RecoveryVerdict) -> String {
    let asked = verdict.limit.as_ref().map_or_else(String::new, |limit| format!(" ({limit})"));
    match verdict.time_to_recover_ns {
        Some(nanos) => format!(
            "after the rollback, {} took {} to recover{asked}",
            verdict.probe,
            figure::time(nanos)
        ),
        None => format!("after the rollback, {} did not recover{asked}", verdict.probe),
    }
}

#[cfg(test)]
mod tests {
    use crate::report::fixture;

    fn cause_and_advice(events: &[crate::event::Event]) -> String {
        let summary = fixture::summary(events);
        format!("{}\n{}", summary.cause(), summary.advice().unwrap_or_default())
    }

    #[test]
    fn the_broken_limit_is_the_cause() {
        insta::assert_snapshot!(cause_and_advice(&fixture::deviated()), @"during `slow payment`, checkout success 91.3% < 95% (missed by 3.7 points), first at +4.2 s");
    }

    #[test]
    fn an_unfinished_run_says_what_is_open() {
        insta::assert_snapshot!(cause_and_advice(&fixture::killed()), @r"
        the run ended without a verdict after 4.1 s; 3 acts are not known to be undone
        `shakedown rollback` undoes what may be left; then run it again
        ");
    }

    #[test]
    fn every_other_outcome_says_what_to_do() {
        insta::assert_snapshot!(cause_and_advice(&fixture::aborted()), @r"
        the abort condition on checkout was met: success 42% below 50% for 2s
        everything was rolled back; see that checkout is well before the next run, and try a smaller fault
        ");
        insta::assert_snapshot!(cause_and_advice(&fixture::residue()), @r"
        network-latency on service payment could not be undone
        call whoever owns the host now; `shakedown rollback` tries again, or by hand: nsenter -t 4141 -n tc qdisc del dev eth0 root
        ");
        insta::assert_snapshot!(cause_and_advice(&fixture::inconclusive()), @r"
        network-latency on service payment has no proved effect
        a fault that nothing met proves nothing; see that the target is in use while it is on, then run it again
        ");
        insta::assert_snapshot!(cause_and_advice(&fixture::unsteady()), @r"
        before anything was injected, checkout success 75% < 99% (missed by 24 points), first at +400 ms
        nothing was injected; bring the system into its steady state or correct the tolerance, then run it again
        ");
        insta::assert_snapshot!(cause_and_advice(&fixture::not_injected()), @r"
        network-latency could not be injected: the kernel has no sch_netem
        what had begun was rolled back; `shakedown doctor` tells what this host allows
        ");
    }
}
