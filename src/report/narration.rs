//! A run told line by line: the same words scroll over the terminal and stand in the timeline.

mod acts;

use super::summary::Summary;
use super::{Line, Mark, figure};
use crate::event::{Event, What};
use crate::sample::{Elapsed, Phase, Sample, SampleOutcome};
use crate::spec::quantity::Duration;
use crate::verdict::{PhaseVerdict, RecoveryVerdict, Verdict};

struct Telling(Mark, bool, String, Option<String>);

fn top(mark: Mark, text: impl Into<String>) -> Telling {
    Telling(mark, false, text.into(), None)
}

fn nested(mark: Mark, text: impl Into<String>) -> Telling {
    Telling(mark, true, text.into(), None)
}

impl Telling {
    fn because(self, detail: impl Into<String>) -> Self {
        Self(self.0, self.1, self.2, Some(detail.into()))
    }
}

/// What there is to tell about an event, given everything before it. Most events are no news.
pub(super) fn narrate(event: &Event, so_far: &Summary) -> Option<Line> {
    let Telling(mark, nested, text, detail) = tell(event, so_far)?;
    Some(Line { at: event.elapsed, mark, nested, text, detail })
}

fn tell(event: &Event, so_far: &Summary) -> Option<Telling> {
    match &event.what {
        What::ServiceStarted { service, pid, restarts } if *restarts > 0 => Some(
            nested(Mark::Again, format!("service {service} started again"))
                .because(format!("restart {restarts}, pid {pid}")),
        ),
        What::ServiceReady { service } if so_far.phases.is_empty() => {
            Some(top(Mark::Good, format!("service {service} ready")))
        }
        What::ServiceReady { service } => {
            Some(nested(Mark::Good, format!("service {service} ready again")))
        }
        // At the end services are stopped on purpose.
        What::ServiceExited { .. } if so_far.is_winding_down() => None,
        What::ServiceExited { service, how } => {
            Some(nested(Mark::Warning, format!("service {service} exited")).because(how))
        }
        What::PhaseStarted { phase, planned } => phase_started(*phase, *planned),
        What::Sampled(sample) => first_trouble(sample, so_far),
        What::StepStarted { name, planned, manner, .. } => {
            let length = planned.map(|planned| format!(" for {planned}")).unwrap_or_default();
            let telling = top(Mark::Step, format!("{name}{length}"));
            Some(match manner {
                Some(manner) => telling.because(manner),
                None => telling,
            })
        }
        What::Injected { .. }
        | What::Verified { .. }
        | What::InjectionFailed { .. }
        | What::Undone { .. }
        | What::StepEnded { .. } => acts::tell(&event.what, so_far),
        What::AbortTriggered { probe, reason } => {
            Some(top(Mark::Bad, format!("abort condition met by {probe}")).because(reason))
        }
        What::Interrupted { by } if so_far.interruptions.is_empty() => {
            Some(top(Mark::Warning, format!("interrupted by {by}, rolling back")))
        }
        What::Interrupted { by } => Some(top(
            Mark::Warning,
            format!("interrupted by {by} again, no longer waiting for recovery"),
        )),
        // Most reasons were told when they came up.
        What::RollingBack { .. } if so_far.is_cut_short() => None,
        What::RollingBack { cause } => Some(top(Mark::Bad, cause)),
        What::AgentLost { reason } => Some(top(Mark::Bad, "the agent is gone").because(reason)),
        What::Judged(verdict) => judged(verdict, event.elapsed, so_far),
        What::Recovered(verdict) => recovered(verdict),
        What::ResidueChecked { residue } if residue.is_empty() => {
            Some(top(Mark::Good, "nothing left behind"))
        }
        What::ResidueChecked { residue } => {
            Some(top(Mark::Bad, "left behind").because(residue.join("; ")))
        }
        What::RunStarted(_) | What::ServiceStarted { .. } | What::RunEnded { .. } => None,
    }
}

fn phase_started(phase: Phase, planned: Option<Duration>) -> Option<Telling> {
    let text = match phase {
        Phase::Before => "measuring the steady state",
        Phase::During => return None,
        Phase::Recovery => "waiting for recovery",
        Phase::After => "measuring the steady state again",
    };
    let limit = if phase == Phase::Recovery { "up to " } else { "for " };
    Some(match planned {
        Some(planned) => top(Mark::Note, format!("{text} {limit}{planned}")),
        None => top(Mark::Note, text),
    })
}

/// Of a probe's troubles only the first of a phase is told; the rest are figures.
fn first_trouble(sample: &Sample, so_far: &Summary) -> Option<Telling> {
    let before = so_far.tally(&sample.probe, sample.phase);
    let troubled = before.is_some_and(|tally| tally.violated + tally.unreachable > 0);
    let unmeasured = before.is_some_and(|tally| tally.probe_errors > 0);
    let probe = &sample.probe;
    let telling = match sample.outcome {
        SampleOutcome::Violated if !troubled => {
            nested(Mark::Warning, format!("{probe} answers wrongly"))
        }
        SampleOutcome::Unreachable if !troubled => {
            nested(Mark::Warning, format!("{probe} does not answer"))
        }
        SampleOutcome::ProbeError if !unmeasured => {
            nested(Mark::Warning, format!("{probe} could not measure"))
        }
        _ => return None,
    };
    Some(match &sample.detail {
        Some(detail) => telling.because(detail),
        None => telling,
    })
}

/// What held is told once per phase, when the last probe is judged; what did not, at once.
fn judged(verdict: &PhaseVerdict, now: Elapsed, so_far: &Summary) -> Option<Telling> {
    let (phase, probe) = (verdict.phase, &verdict.probe);
    match verdict.verdict {
        Verdict::Deviated => {
            let broken = verdict.limits.iter().filter(|limit| limit.verdict == Verdict::Deviated);
            let broken: Vec<_> = broken.map(figure::broken).collect();
            Some(top(Mark::Bad, format!("{}, {probe} {}", when(phase), broken.join(", "))))
        }
        Verdict::Unknown => {
            let reason = verdict.reason.as_deref().unwrap_or("too little was measured");
            Some(
                top(Mark::Warning, format!("{}, {probe} cannot be judged", when(phase)))
                    .because(reason),
            )
        }
        Verdict::Held => held(verdict, now, so_far),
    }
}

fn held(verdict: &PhaseVerdict, now: Elapsed, so_far: &Summary) -> Option<Telling> {
    let others = so_far.run.iter().flat_map(|run| &run.probes).map(|probe| probe.name.as_str());
    let mut samples = verdict.figures.samples;
    for other in others.filter(|name| *name != verdict.probe) {
        let judged = so_far.verdict(other, verdict.phase)?;
        if judged.verdict != Verdict::Held {
            return None;
        }
        samples += judged.figures.samples;
    }
    let length = so_far.phase_length(verdict.phase, now);
    let what = match verdict.phase {
        Phase::Before => "steady state held",
        Phase::During => "hypothesis held under the faults",
        Phase::Recovery => "hypothesis held while recovering",
        Phase::After => "steady state held again",
    };
    let counted = figure::count(samples, "sample");
    Some(top(Mark::Good, format!("{what} ({}, {counted})", figure::time(length))))
}

fn recovered(verdict: &RecoveryVerdict) -> Option<Telling> {
    let probe = &verdict.probe;
    match verdict.time_to_recover_ns {
        Some(_) if verdict.outage_ns.is_none() && verdict.verdict == Verdict::Held => None,
        Some(0) => {
            let outage = figure::time(verdict.outage_ns.unwrap_or_default());
            Some(top(
                Mark::Good,
                format!("{probe} was well again {outage} after its first failure"),
            ))
        }
        Some(nanos) => {
            let kept = verdict.verdict == Verdict::Held;
            let telling = top(
                if kept { Mark::Good } else { Mark::Bad },
                format!("{probe} recovered {} after the last undo", figure::time(nanos)),
            );
            Some(match &verdict.limit {
                Some(limit) if !kept => telling.because(format!("asked: {limit}")),
                _ => telling,
            })
        }
        None => {
            let telling = top(Mark::Bad, format!("{probe} did not recover"));
            Some(match &verdict.limit {
                Some(limit) => telling.because(format!("asked: {limit}")),
                None => telling,
            })
        }
    }
}

/// The phase as the beginning of a sentence.
pub(super) const fn when(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "before anything was injected",
        Phase::During => "under the faults",
        Phase::Recovery => "while recovering",
        Phase::After => "after the rollback",
    }
}
