//! What will be done, decided and printed before anything is done. Pure.

mod chosen;
mod disk;
mod error;
mod hash;
mod limit;
mod longest;
mod network;
mod pick;
mod radius;
mod render;
mod service;
mod step;
mod types;

pub use error::{PlanError, Refusal};
pub use network::addresses;
pub use render::{human, json};
pub use types::{Entry, Plan, PlannedAct, PlannedStep, Radius};

use crate::spec::Experiment;
use crate::spec::quantity::IpNetwork;
use crate::target::Candidates;

/// What a plan depends on beside the file and the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The seed of every choice.
    pub seed: u64,
    /// The subnet of the run, for services with a network of their own.
    pub subnet: IpNetwork,
    /// The environment given by `--environment` or the configuration file.
    pub environment: Option<String>,
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
    let addresses = network::addresses(&experiment.services, setting.subnet)?;
    let planner = step::Planner { experiment, candidates, setting, addresses: &addresses };
    let (entries, chosen) = planner.entries()?;
    Ok(Plan {
        title: experiment.title.clone(),
        environment: experiment.environment.clone(),
        seed: setting.seed,
        network: network::join(&experiment.services, setting.subnet),
        services: service::starts(&experiment.services, &addresses),
        hypothesis: experiment.hypothesis.clone(),
        abort: experiment.abort.clone(),
        radius: radius::compute(&chosen, &candidates.surroundings),
        entries,
    })
}

#[cfg(test)]
mod tests;
