//! One run from its plan to its outcome: the straight path, and the way back from every point of it.

mod course;
mod ending;
mod fault;
mod findings;
mod id;
mod judgement;
mod method;
mod preparation;
mod proof;
mod recorder;
mod recovery;
mod rollback;
mod stop;
mod timeline;
mod undone;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context, Result};

use crate::act::ProcessId;
use crate::clock::RunClock;
use crate::event::{Event, ProbeSummary, RunStarted, What};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::sample::Elapsed;
use crate::spec::ProcessSelector;

use course::Course;
use recorder::Recorder;

pub use id::new_id;
pub use stop::Stop;

/// Finds the processes that match a selector now.
pub type Select = Rc<dyn Fn(&ProcessSelector) -> Vec<ProcessId>>;

/// Everything a run needs beside the host it runs on.
pub struct Setup {
    /// What is done, and nothing else.
    pub plan: Plan,
    /// The run's id.
    pub run: String,
    /// The run's folder, which exists and is private.
    pub folder: PathBuf,
    /// The experiment's file, as named on the command line.
    pub file: PathBuf,
    /// Values for `${secret.name}`.
    pub secrets: BTreeMap<String, String>,
    /// Which processes match a selector now, for `process` probes.
    pub select: Select,
    /// How long the agent waits for a word before it reverts everything.
    pub heartbeat: crate::spec::quantity::Duration,
}

/// What is told of a run while it happens.
pub enum Told<'a> {
    /// An event.
    Event(&'a Event),
    /// Nothing but that time goes by: ten times a second.
    Tick(Elapsed),
}

/// Runs a plan. Whatever happens in it is told, written to `events.jsonl` in the run's folder, and
/// undone; what it came to is returned.
pub async fn execute(
    setup: Setup,
    stop: &Stop,
    audience: &mut dyn FnMut(Told<'_>),
) -> Result<Outcome> {
    let clock = RunClock::start();
    let mut recorder = Recorder::create(&setup.folder, clock, audience)?;
    let plan = serde_json::to_vec_pretty(&setup.plan).context("the plan cannot be written")?;
    std::fs::write(setup.folder.join("plan.json"), plan).context("the plan cannot be written")?;
    recorder.record(What::RunStarted(introduction(&setup)?));
    let mut course = Course::new(setup, clock, recorder, stop);
    // The value, not `?`: between the first act and the last undo nothing may leave early.
    let disturbed = course.disturb().await;
    course.tell_ending(&disturbed);
    let undone = course.roll_back().await;
    Ok(course.conclude(disturbed, undone))
}

fn introduction(setup: &Setup) -> Result<RunStarted> {
    let plan = &setup.plan;
    let probes = plan.hypothesis.probes.iter().filter_map(|probe| {
        let kind = probe.kind()?;
        Some(ProbeSummary {
            name: probe.name.clone(),
            what: kind.describe(),
            rate: kind.rate(),
            measures_value: kind.measures_value(),
        })
    });
    Ok(RunStarted {
        run: setup.run.clone(),
        title: plan.title.clone(),
        hypothesis: plan.hypothesis.title.clone(),
        file: setup.file.clone(),
        seed: plan.seed,
        plan_hash: plan.hash().context("the plan has no hash")?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        folder: setup.folder.clone(),
        probes: probes.collect(),
        steps: plan
            .entries
            .iter()
            .flat_map(|entry| &entry.steps)
            .map(|step| step.name.clone())
            .collect(),
    })
}
