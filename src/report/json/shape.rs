//! The fields of the report; `docs/report-format.md` explains them to readers.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::report::Line;
use crate::report::summary::{ActSummary, InjectionFailure, Interruption, PhaseSpan, ServiceState};
use crate::sample::{Elapsed, Phase};
use crate::spec::quantity::{Duration, Rate};
use crate::verdict::{PhaseVerdict, RecoveryVerdict};

/// A run's report. Moments and lengths are in nanoseconds since the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "shakedown report")]
pub struct JsonReport {
    /// The version of this format: 1. Fields may be added within it; none changes or goes.
    pub format: u32,
    /// The version of shakedown that ran.
    pub version: String,
    /// The run's id.
    pub run: String,
    /// The experiment's title.
    pub title: String,
    /// The claim under test.
    pub hypothesis: String,
    /// The experiment's file, as named on the command line.
    pub file: PathBuf,
    /// The run's folder.
    pub folder: PathBuf,
    /// The seed of every choice.
    pub seed: u64,
    /// SHA-256 of the plan, in hexadecimal.
    pub plan_hash: String,
    /// The wall clock when it began, RFC 3339.
    pub began: jiff::Timestamp,
    /// How long it took, up to the last event.
    pub length: Elapsed,
    /// Its outcome; null if it did not finish.
    pub outcome: Option<Outcome>,
    /// The exit code that stands for the outcome; null if it did not finish.
    pub exit_code: Option<u8>,
    /// Why, as one sentence.
    pub cause: String,
    /// What to do next; null if there is nothing to do.
    pub next: Option<String>,
    /// Every limit that was broken, as a sentence fragment.
    pub deviations: Vec<String>,
    /// Everything that could not be judged or proved, as sentence fragments.
    pub doubts: Vec<String>,
    /// The phases, in the order they began.
    pub phases: Vec<PhaseSpan>,
    /// The probes, in the order of the file.
    pub probes: Vec<ProbeReport>,
    /// The steps of the method, in the order of the plan, begun or not.
    pub steps: Vec<StepReport>,
    /// Acts outside the method: services and networks.
    pub setup: Vec<ActSummary>,
    /// The services as last seen.
    pub services: Vec<ServiceState>,
    /// What ended the run early.
    pub interruptions: Vec<Interruption>,
    /// What was left behind or is missing; empty when nothing is, null when that was not checked.
    pub residue: Option<Vec<String>>,
    /// The run told line by line.
    pub timeline: Vec<Line>,
}

/// A probe and what was measured with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeReport {
    /// Its name.
    pub name: String,
    /// What it does.
    pub what: String,
    /// How often it was sampled.
    pub rate: Rate,
    /// Whether its samples carry a value that is judged.
    pub measures_value: bool,
    /// The phases that were judged, in the order of the run.
    pub verdicts: Vec<PhaseVerdict>,
    /// The samples of each phase, counted; also of phases that were never judged.
    pub counts: Vec<Count>,
    /// How it recovered; null if the run did not get that far.
    pub recovery: Option<RecoveryVerdict>,
}

/// The samples of a phase, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Count {
    /// The phase.
    pub phase: Phase,
    /// Those as expected.
    pub ok: u64,
    /// Those with a wrong answer.
    pub violated: u64,
    /// Those without an answer.
    pub unreachable: u64,
    /// Those that could not be measured.
    pub probe_errors: u64,
}

/// A step of the method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct StepReport {
    /// Its number in the plan, from 0.
    pub step: usize,
    /// Its name.
    pub name: String,
    /// When it began; null if it never did.
    pub began: Option<Elapsed>,
    /// When it ended; null if it never did.
    pub ended: Option<Elapsed>,
    /// How long it was planned to last; null for steps that are over at once.
    pub planned: Option<Duration>,
    /// How its fault comes and goes, in words; null if it is simply there all the time.
    pub manner: Option<String>,
    /// What was injected: with its class, its proof and its undo.
    pub acts: Vec<ActSummary>,
    /// What could not be injected.
    pub failures: Vec<InjectionFailure>,
}
