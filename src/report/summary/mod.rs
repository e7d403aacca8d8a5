//! What a run came to, folded from its events one by one. Every report is drawn from it.

mod cause;
mod faults;
mod observe;
mod query;
mod read;

pub use faults::{Fault, UndoState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Line;
use crate::act::{ActId, Class, Effect, Reverted, SiteRef};
use crate::event::RunStarted;
use crate::outcome::Outcome;
use crate::sample::{Elapsed, Phase};
use crate::spec::quantity::Duration;
use crate::verdict::{PhaseVerdict, RecoveryVerdict};

/// A run as far as its events are known. Without [`Summary::end`] it did not finish.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// What was known when it began.
    pub run: Option<RunStarted>,
    /// The wall clock at that moment.
    pub began: Option<jiff::Timestamp>,
    /// The moment of the last event.
    pub last: Elapsed,
    /// The phases, in the order they began.
    pub phases: Vec<PhaseSpan>,
    /// The services, in the order they started.
    pub services: Vec<ServiceState>,
    /// The steps that began, in that order.
    pub steps: Vec<StepSpan>,
    /// The acts, in the order performed.
    pub acts: Vec<ActSummary>,
    /// The acts that could not be performed.
    pub failures: Vec<InjectionFailure>,
    /// The samples counted, per probe and phase.
    pub tallies: Vec<Tally>,
    /// The judgements, the last for each probe and phase.
    pub verdicts: Vec<PhaseVerdict>,
    /// How the probes recovered.
    pub recoveries: Vec<RecoveryVerdict>,
    /// What ended the run early.
    pub interruptions: Vec<Interruption>,
    /// Whether the way back has begun before its time.
    pub is_rolling_back: bool,
    /// What was left behind; none if that was never checked.
    pub residue: Option<Vec<String>>,
    /// How it ended; none if it did not.
    pub end: Option<End>,
    /// The run told line by line.
    pub timeline: Vec<Line>,
}

/// A phase in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PhaseSpan {
    /// The phase.
    pub phase: Phase,
    /// When it began, in nanoseconds since the start of the run.
    pub began: Elapsed,
    /// When it ended; none if the run never got that far.
    pub ended: Option<Elapsed>,
    /// How long it was planned to last at most.
    pub planned: Option<Duration>,
}

/// A service as last seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceState {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub state: Running,
    /// How often it was started again.
    pub restarts: u32,
}

/// Whether a service runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Running {
    /// It was started and did not pass its ready check since.
    Started,
    /// It passed its ready check.
    Ready,
    /// Its process ended.
    Exited {
        /// Such as `killed by SIGKILL`.
        how: String,
    },
}

/// A step of the method in time.
#[derive(Clone, Debug, PartialEq)]
pub struct StepSpan {
    /// Its number in the plan, from 0.
    pub step: usize,
    /// Its name.
    pub name: String,
    /// When it began.
    pub began: Elapsed,
    /// When it ended; none if it never did.
    pub ended: Option<Elapsed>,
    /// How long it was planned to last.
    pub planned: Option<Duration>,
    /// How its fault comes and goes, in words; none if it is simply there all the time.
    pub manner: Option<String>,
}

/// An act from its injection to its undo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ActSummary {
    /// Its number.
    pub act: ActId,
    /// The step it belongs to; none for services and networks.
    pub step: Option<usize>,
    /// The fault's name in the catalogue, or what the act does.
    pub fault: String,
    /// Where.
    pub site: SiteRef,
    /// How its undo is guaranteed.
    pub class: Class,
    /// When it was performed, in nanoseconds since the start of the run.
    pub injected: Elapsed,
    /// What proves that it took effect; the latest that was seen.
    pub effect: Effect,
    /// What its undo came to; none if it has not been undone.
    pub undone: Option<Undone>,
}

impl ActSummary {
    /// Whether something of it may be left on the host: it has an undo, and that is not known to
    /// have worked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match &self.undone {
            Some(undone) => !undone.reverted.is_clean(),
            None => self.class != Class::X,
        }
    }
}

/// What an undo came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Undone {
    /// When, in nanoseconds since the start of the run.
    pub at: Elapsed,
    /// What it came to.
    pub reverted: Reverted,
}

/// An act that could not be performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct InjectionFailure {
    /// When, in nanoseconds since the start of the run.
    pub at: Elapsed,
    /// The step it belongs to.
    pub step: Option<usize>,
    /// The fault's name in the catalogue.
    pub fault: String,
    /// Where.
    pub site: SiteRef,
    /// Why, and what to do.
    pub reason: String,
}

/// The samples of one probe in one phase, counted as they came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The probe.
    pub probe: String,
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

impl Tally {
    /// The share as expected, of those that could be measured, in percent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    pub fn success_percent(&self) -> Option<f64> {
        let measured = self.ok + self.violated + self.unreachable;
        (measured > 0).then(|| self.ok as f64 * 100.0 / measured as f64)
    }
}

/// Something that ended a run early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Interruption {
    /// When, in nanoseconds since the start of the run.
    pub at: Elapsed,
    /// What it was.
    pub by: InterruptedBy,
}

/// What ended a run early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InterruptedBy {
    /// An abort condition of the experiment.
    AbortCondition {
        /// The probe.
        probe: String,
        /// Which limit, and the figure that met it.
        reason: String,
    },
    /// The operator or the system, by a signal.
    Signal {
        /// Such as `SIGINT`.
        name: String,
    },
    /// The agent ended or reverted by itself.
    AgentLost {
        /// What was seen.
        reason: String,
    },
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Elapsed,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why, as one sentence.
    pub cause: String,
}
