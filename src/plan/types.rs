//! The plan: what runs is this object and never a second look.

use std::collections::BTreeSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Rhythm, Turn};
use crate::act::{Act, JoinNetwork, StartService};
use crate::spec::quantity::{Duration, Percent};
use crate::spec::{Abort, Hypothesis, Name, Ready};

/// Everything a run will do. It knows neither the run's id nor its folder, so that `plan` and a
/// later `run` of the same file, seed and targets have the same hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plan {
    /// The experiment's title.
    pub title: String,
    /// The environment it is meant for.
    pub environment: Option<String>,
    /// The seed of every choice.
    pub seed: u64,
    /// The network of services that have one of their own.
    pub network: Option<JoinNetwork>,
    /// The services, in the order of their start, each with its ready check.
    pub services: Vec<(StartService, Option<Ready>)>,
    /// The steady state.
    pub hypothesis: Hypothesis,
    /// The conditions that end the run.
    pub abort: Vec<Abort>,
    /// The method.
    pub entries: Vec<Entry>,
    /// What is touched, computed.
    pub radius: Radius,
}

/// Steps that begin together, or a wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Entry {
    /// A wait, with no steps.
    pub wait: Option<Duration>,
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// One fault on its chosen targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedStep {
    /// Its number in the plan, from 0, counting through parallel groups.
    pub step: usize,
    /// Its name; the fault and its targets if the file gives none.
    pub name: String,
    /// The fault's name in the catalogue.
    pub fault: String,
    /// How long it waits before it begins.
    pub delay: Option<Duration>,
    /// How long the fault stays; none for faults that are over at once.
    pub duration: Option<Duration>,
    /// How the fault comes and goes meanwhile.
    pub rhythm: Rhythm,
    /// How likely it was to happen, if that was left to the seed.
    pub probability: Option<Percent>,
    /// The targets that the seed left out altogether.
    pub left_out: Vec<String>,
    /// Who hears whom meanwhile, of a partition between nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// What is performed, each listed once.
    pub acts: Vec<PlannedAct>,
    /// When the acts are performed and undone, in that order; the times never overlap.
    pub turns: Vec<Turn>,
}

/// Who hears whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Matrix {
    /// The nodes, in the order of the file.
    pub nodes: Vec<Name>,
    /// Pairs of a sender and a receiver between whom packets are lost.
    pub cut: BTreeSet<(Name, Name)>,
}

/// An act as the plan shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlannedAct {
    /// The act.
    pub act: Act,
    /// How it will be undone, in words.
    pub undo: String,
}

/// The blast radius as computed: who and what the method touches, named, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Radius {
    /// Processes and services aimed at.
    pub targets: Vec<String>,
    /// Processes not aimed at that share a namespace or control group with a target that a fault changes.
    pub bystanders: Vec<String>,
    /// Namespaces and control groups that faults change.
    pub shared: Vec<String>,
    /// File systems that faults fill, by mount point.
    pub file_systems: Vec<PathBuf>,
    /// Ports that targets listen on.
    pub listening: Vec<String>,
    /// Connections of targets that are established now.
    pub flows: Vec<String>,
    /// Peers that network faults leave alone although they match: the control path.
    pub left_alone: Vec<String>,
    /// Whether a network fault is about `lo`, where each packet is both sent and received.
    pub loopback: bool,
}
