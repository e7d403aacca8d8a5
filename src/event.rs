//! Everything that happens in a run, as it happens. Every report is a fold over these.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::act::{ActId, Class, Effect, Reverted, SiteRef};
use crate::outcome::Outcome;
use crate::sample::{Elapsed, Phase, Sample};
use crate::spec::quantity::{Duration, Rate};
use crate::verdict::{PhaseVerdict, RecoveryVerdict};

/// One line of `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Event {
    /// The wall clock, RFC 3339, for display only.
    pub at: jiff::Timestamp,
    /// Since the start of the run, on `CLOCK_BOOTTIME`.
    pub elapsed: Elapsed,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The run began; the plan is in `plan.json` beside this file.
    RunStarted(RunStarted),
    /// A service was started, the first time or again.
    ServiceStarted {
        /// The service.
        service: String,
        /// Its process.
        pid: i32,
        /// How often it was started again.
        restarts: u32,
    },
    /// A service passed its ready check.
    ServiceReady {
        /// The service.
        service: String,
    },
    /// A service's process ended.
    ServiceExited {
        /// The service.
        service: String,
        /// Such as `exit code 1` or `killed by SIGKILL`.
        how: String,
    },
    /// A phase began.
    PhaseStarted {
        /// The phase.
        phase: Phase,
        /// How long it is planned to last, where that is known.
        planned: Option<Duration>,
    },
    /// A probe was sampled.
    Sampled(Sample),
    /// A step of the method began.
    StepStarted {
        /// Its number in the plan, from 0.
        step: usize,
        /// Its name.
        name: String,
        /// How long it is planned to last.
        planned: Option<Duration>,
        /// How its fault comes and goes, in words; none if it is simply there all the time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        manner: Option<String>,
    },
    /// An act was performed and its undo is in the journal.
    Injected {
        /// The act.
        act: ActId,
        /// The step it belongs to; none for services and networks.
        step: Option<usize>,
        /// The fault's name in the catalogue, or what the act does.
        fault: String,
        /// Where.
        site: SiteRef,
        /// How its undo is guaranteed.
        class: Class,
        /// What proves that it took effect.
        effect: Effect,
    },
    /// A fault was looked at while it was on.
    Verified {
        /// The act.
        act: ActId,
        /// What was seen.
        effect: Effect,
    },
    /// An act could not be performed; what it had begun was undone.
    InjectionFailed {
        /// The step.
        step: Option<usize>,
        /// The fault's name in the catalogue.
        fault: String,
        /// Where.
        site: SiteRef,
        /// Why, and what to do.
        reason: String,
    },
    /// An act was undone.
    Undone {
        /// The act.
        act: ActId,
        /// What its undo came to.
        reverted: Reverted,
    },
    /// A step of the method ended.
    StepEnded {
        /// Its number in the plan.
        step: usize,
    },
    /// An abort condition became true.
    AbortTriggered {
        /// The probe.
        probe: String,
        /// Which limit, and the figure that met it.
        reason: String,
    },
    /// A signal or a lost agent ends the run early.
    Interrupted {
        /// Such as `SIGINT`.
        by: String,
    },
    /// The agent ended or reverted by itself.
    AgentLost {
        /// What was seen.
        reason: String,
    },
    /// The run ended before its time, and its way back begins.
    RollingBack {
        /// Why, as one sentence.
        cause: String,
    },
    /// Samples of a phase were judged.
    Judged(PhaseVerdict),
    /// A probe recovered, or did not.
    Recovered(RecoveryVerdict),
    /// The state after was compared with the state before.
    ResidueChecked {
        /// What is left or missing, one line each; empty when nothing is.
        residue: Vec<String>,
    },
    /// The run ended.
    RunEnded {
        /// Its outcome.
        outcome: Outcome,
        /// Why, as one sentence.
        cause: String,
    },
}

/// What is known when a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct RunStarted {
    /// The run's id.
    pub run: String,
    /// The experiment's title.
    pub title: String,
    /// The claim under test.
    pub hypothesis: String,
    /// The experiment's file, as named on the command line.
    pub file: PathBuf,
    /// The seed of every choice.
    pub seed: u64,
    /// SHA-256 of the plan, in hexadecimal.
    pub plan_hash: String,
    /// The version of shakedown.
    pub version: String,
    /// The run's folder.
    pub folder: PathBuf,
    /// The probes, in the order of the file.
    pub probes: Vec<ProbeSummary>,
    /// The names of the steps.
    pub steps: Vec<String>,
}

/// A probe as reports need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeSummary {
    /// Its name.
    pub name: String,
    /// What it does, such as `http GET http://127.0.0.1:8080/`.
    pub what: String,
    /// How often it is sampled.
    pub rate: Rate,
    /// Whether its samples carry a value that is judged.
    pub measures_value: bool,
}
