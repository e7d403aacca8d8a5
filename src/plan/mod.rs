//! What will be done, decided and printed before anything is done. Pure.

mod chance;
mod chosen;
mod control;
mod disk;
mod error;
mod hash;
mod limit;
mod longest;
mod matrix;
mod network;
mod pick;
mod radius;
mod render;
mod rhythm;
mod service;
mod step;
mod turn;
mod types;

pub use error::{PlanError, Refusal};
pub use network::addresses;
pub use render::{human, json};
pub use rhythm::Rhythm;
pub use turn::Turn;
pub use types::{Entry, Matrix, Plan, PlannedAct, PlannedStep, Radius};

use crate::fault::Engines;
use crate::spec::Experiment;
use crate::spec::quantity::IpNetwork;
use crate::target::Candidates;

/// What a plan depends on beside the file and the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The seed of every choice.
    pub seed: u64,
    /// The subnets of the run, for services with a network of their own that choose no address:
    /// one for each version of IP at most.
    pub subnets: Vec<IpNetwork>,
    /// The environment given by `--environment` or the configuration file.
    pub environment: Option<String>,
    /// What this machine has for network faults.
    pub engines: Engines,
}

/// Decides everything a run will do: the same file, candidates and setting make the same plan.
/// What exceeds the blast radius is an error that names the limit and its place in the file.
pub fn plan(
    experiment: &Experiment,
    candidates: &Candidates,
    setting: &Setting,
) -> Result<Plan, PlanError> {
    limit::environment(experiment, setting)?;
    limit::max_duration(&experiment.blast_radius)?;
    let all = network::addresses(&experiment.services, &setting.subnets)?;
    let addresses = &all.services;
    let planner = step::Planner { experiment, candidates, setting, addresses };
    let (entries, chosen) = planner.entries()?;
    Ok(Plan {
        title: experiment.title.clone(),
        environment: experiment.environment.clone(),
        seed: setting.seed,
        network: network::join(&all),
        services: service::starts(&experiment.services, addresses),
        hypothesis: experiment.hypothesis.clone(),
        abort: experiment.abort.clone(),
        radius: radius::compute(&chosen, &candidates.surroundings, planner.left_alone(&chosen)),
        entries,
    })
}

#[cfg(test)]
mod tests;
