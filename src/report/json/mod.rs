//! The report for programs: one JSON object, whose shape only grows within a format number.

mod shape;

use std::io::Write;

use anyhow::Context;
use schemars::Schema;

pub use shape::{Count, JsonReport, ProbeReport, StepReport};

use super::escape::escape_json;
use super::summary::{StepSpan, Summary};
use crate::error::Result;
use crate::event::ProbeSummary;
use crate::outcome::Outcome;
use crate::verdict::PhaseVerdict;

/// The format number: raised when a field changes its meaning or goes.
pub const FORMAT: u32 = 1;

/// Writes the report as indented JSON with a final newline.
///
/// Fails when `out` does, or when the summary holds no run.
pub fn render(summary: &Summary, out: &mut dyn Write) -> Result<()> {
    let report = JsonReport::of(summary)?;
    let text = serde_json::to_string_pretty(&report).context("the report is no JSON")?;
    writeln!(out, "{}", escape_json(&text)).context("the JSON report could not be written")?;
    Ok(())
}

/// The JSON schema of the report.
#[must_use]
pub fn schema() -> Schema {
    schemars::schema_for!(JsonReport)
}

impl JsonReport {
    /// The report of a run. Fails when the summary holds none.
    pub fn of(summary: &Summary) -> Result<Self> {
        let run =
            summary.run.as_ref().context("no run has begun, so there is nothing to report")?;
        let setup = summary.acts.iter().filter(|act| act.step.is_none());
        Ok(Self {
            format: FORMAT,
            version: run.version.clone(),
            run: run.run.clone(),
            title: run.title.clone(),
            hypothesis: run.hypothesis.clone(),
            file: run.file.clone(),
            folder: run.folder.clone(),
            seed: run.seed,
            plan_hash: run.plan_hash.clone(),
            began: summary.began.unwrap_or_default(),
            length: summary.last,
            outcome: summary.outcome(),
            exit_code: summary.outcome().map(Outcome::code),
            cause: summary.cause(),
            next: summary.advice(),
            deviations: summary.deviations(),
            doubts: summary.doubts(),
            phases: summary.phases.clone(),
            probes: run.probes.iter().map(|known| probe(known, summary)).collect(),
            steps: steps(&run.steps, summary),
            setup: setup.cloned().collect(),
            services: summary.services.clone(),
            interruptions: summary.interruptions.clone(),
            residue: summary.residue.clone(),
            timeline: summary.timeline.clone(),
        })
    }
}

fn probe(known: &ProbeSummary, summary: &Summary) -> ProbeReport {
    let mine = |verdict: &&PhaseVerdict| verdict.probe == known.name;
    let mut verdicts: Vec<_> = summary.verdicts.iter().filter(mine).cloned().collect();
    verdicts.sort_by_key(|verdict| verdict.phase);
    let tallies = summary.tallies.iter().filter(|tally| tally.probe == known.name);
    ProbeReport {
        name: known.name.clone(),
        what: known.what.clone(),
        rate: known.rate,
        measures_value: known.measures_value,
        verdicts,
        counts: tallies
            .map(|tally| Count {
                phase: tally.phase,
                ok: tally.ok,
                violated: tally.violated,
                unreachable: tally.unreachable,
                probe_errors: tally.probe_errors,
            })
            .collect(),
        recovery: summary.recovery(&known.name).cloned(),
    }
}

fn steps(names: &[String], summary: &Summary) -> Vec<StepReport> {
    let step = |(step, name): (usize, &String)| {
        let begun: Option<&StepSpan> = summary.steps.iter().find(|known| known.step == step);
        let failures = summary.failures.iter().filter(|known| known.step == Some(step));
        StepReport {
            step,
            name: name.clone(),
            began: begun.map(|known| known.began),
            ended: begun.and_then(|known| known.ended),
            planned: begun.and_then(|known| known.planned),
            manner: begun.and_then(|known| known.manner.clone()),
            acts: summary.acts_of(step).cloned().collect(),
            failures: failures.cloned().collect(),
        }
    };
    names.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests;
