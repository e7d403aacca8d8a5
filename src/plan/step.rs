//! The method, step by step: who is chosen, what is done to them.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::chance::Chance;
use super::chosen::Chosen;
use super::control::{self, Exception};
use super::longest::takes;
use super::turn::{Schedule, levels};
use super::{Entry, Matrix, PlanError, PlannedStep, Refusal, Rhythm, Setting, disk, limit, pick};
use crate::act::Act;
use crate::fault::{self, LowerError, Terms};
use crate::spec::quantity::IpNetwork;
use crate::spec::{
    Allowance, Between, Experiment, Fault, Name, NetworkPartition, ServiceSelector, Step,
};
use crate::target::{Candidates, Process};

/// All that planning a step looks at.
pub(super) struct Planner<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) candidates: &'a Candidates,
    pub(super) setting: &'a Setting,
    pub(super) addresses: &'a IndexMap<Name, Vec<IpNetwork>>,
}

/// A chosen target and the acts aimed at it.
pub(super) type Aimed<'a> = (Chosen<'a>, Vec<Act>);

impl<'a> Planner<'a> {
    /// The entries of the plan, and every target with what is done to it.
    pub(super) fn entries(&self) -> Result<(Vec<Entry>, Vec<Aimed<'a>>), PlanError> {
        let (mut entries, mut aimed, mut number) = (Vec::new(), Vec::new(), 0);
        for (index, entry) in self.experiment.method.iter().enumerate() {
            let mut steps = Vec::new();
            for (place, step) in entry.steps().iter().enumerate() {
                let path = if entry.parallel.is_empty() {
                    format!("method[{index}]")
                } else {
                    format!("method[{index}].parallel[{place}]")
                };
                let (planned, touched) = self.step(step, number, &path)?;
                steps.push(planned);
                aimed.extend(touched);
                number += 1;
            }
            entries.push(Entry { wait: entry.wait, steps });
        }
        Ok((entries, aimed))
    }

    /// One step, and the targets that chance does not leave out of it.
    fn step(
        &self,
        step: &Step,
        number: usize,
        path: &str,
    ) -> Result<(PlannedStep, Vec<Aimed<'a>>), PlanError> {
        let stays = step.duration.unwrap_or_default();
        limit::duration(&self.experiment.blast_radius, stays)
            .map_err(|refusal| refusal.at(format!("{path}.for")))?;
        // Seed and number choose, so each level is aimed at the same targets.
        let targets = |level: &Step| self.targets(level, number, path);
        let levels = levels(step).iter().map(targets).collect::<Result<Vec<_>, _>>()?;
        let (levels, mut matrices): (Vec<_>, Vec<_>) = levels.into_iter().unzip();
        let fault = fault::name(&step.fault);
        let first = levels.first().map(Vec::as_slice).unwrap_or_default();
        let name = step.name.clone().unwrap_or_else(|| format!("{fault} of {}", named(first)));
        let matrix = matrices.pop().flatten();
        // Half of a partition between nodes would be another partition.
        let chance = Chance::new(step.probability, self.setting.seed, number);
        let chance = chance.together(matrix.is_some());
        let Schedule { acts, turns, touched, left_out } = Schedule::new(step, levels, chance);
        let planned = PlannedStep {
            step: number,
            name,
            fault: fault.to_owned(),
            delay: step.delay,
            duration: step.duration,
            rhythm: Rhythm::of(step),
            probability: step.probability,
            left_out: left_out.iter().map(|(target, _)| target.to_string()).collect(),
            matrix: matrix.filter(|_| !acts.is_empty()),
            acts,
            turns,
        };
        Ok((planned, touched))
    }

    /// Every target of a step with what is done to it; of a partition between them, who then hears
    /// whom.
    fn targets(
        &self,
        step: &Step,
        number: usize,
        path: &str,
    ) -> Result<(Vec<Aimed<'a>>, Option<Matrix>), PlanError> {
        let limits = &self.experiment.blast_radius;
        let at = |field: &'static str| move |refusal: Refusal| refusal.at(format!("{path}{field}"));
        let matched = self.matched(step, number).map_err(at(".target"))?;
        let total = matched.len();
        let count = pick::how_many(step.target.pick, total).map_err(at(".target.pick"))?;
        limit::targets(limits, count, total).map_err(at(".target"))?;
        let chosen = pick::choose(matched, count, self.setting.seed, number);
        let terms = Terms {
            duration: step.duration,
            services: self.addresses.clone(),
            allow: limits.allow.clone(),
            engines: self.setting.engines.clone(),
            seed: self.setting.seed,
        };
        let lowered = match &step.fault {
            Fault::NetworkPartition(partition @ NetworkPartition { between: Some(shape), .. }) => {
                let order = pick::shuffled(chosen.len(), self.setting.seed, number);
                between(partition, shape, chosen, &order, &terms)
            }
            fault => self.each(fault, chosen, &terms).map(|aimed| (aimed, None)),
        };
        let (mut aimed, matrix) = lowered.map_err(|error| at(".fault")(error.into()))?;
        for (target, acts) in &mut aimed {
            self.check(&step.fault, target, acts).map_err(at(".fault"))?;
            for act in acts {
                self.spare(target, act).map_err(at(".fault"))?;
            }
        }
        Ok((aimed, matrix))
    }

    /// The same fault at each target for itself.
    fn each(
        &self,
        fault: &Fault,
        chosen: Vec<Chosen<'a>>,
        terms: &Terms,
    ) -> Result<Vec<Aimed<'a>>, LowerError> {
        let lowered = |target: Chosen<'a>| {
            let mut terms = terms.clone();
            if limit::shares_host(&target, &self.candidates.surroundings) {
                terms.engines = terms.engines.of_a_share();
            }
            let acts = fault::lower(fault, &target.site(), &terms)?;
            Ok((target, acts))
        };
        chosen.into_iter().map(lowered).collect()
    }

    /// Has an act leave the control path alone, as far as it could meet it.
    fn spare(&self, target: &Chosen<'_>, act: &mut Act) -> Result<(), Refusal> {
        let exceptions = self.exceptions(target, act)?;
        if let Some(traffic) = act.traffic_mut() {
            traffic.except.extend(exceptions.into_iter().map(|(_, flow)| flow));
        }
        Ok(())
    }

    /// What an act leaves alone of the control path, unless the file allows otherwise.
    fn exceptions(&self, target: &Chosen<'_>, act: &Act) -> Result<Vec<Exception>, Refusal> {
        let around = &self.candidates.surroundings;
        let allowed = self.experiment.blast_radius.allows(Allowance::ControlPath);
        match (act.traffic(), limit::reach(target, around)) {
            (Some(traffic), Some(reach)) if !allowed => {
                let hypothesis = &self.experiment.hypothesis;
                let lifelines = control::lifelines(reach, &around.lifelines, hypothesis);
                control::exceptions(traffic, &lifelines)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// What all acts leave alone of the control path, in words, each once.
    pub(super) fn left_alone(&self, aimed: &[Aimed<'_>]) -> Vec<String> {
        let all = aimed.iter().flat_map(|(target, acts)| acts.iter().map(move |act| (target, act)));
        let exceptions = all.filter_map(|(target, act)| self.exceptions(target, act).ok());
        let words: BTreeSet<String> = exceptions.flatten().map(|(words, _)| words).collect();
        words.into_iter().collect()
    }

    /// What the selector matches, in an order that does not depend on how it was read.
    fn matched(&self, step: &Step, number: usize) -> Result<Vec<Chosen<'a>>, Refusal> {
        match (&step.target.service, &step.target.process) {
            (None, None) if step.target.host => Ok(vec![Chosen::Host]),
            (Some(_), None) if step.target.except.is_some() => Err(Refusal::ExceptOfServices),
            (Some(names), None) => self.services(names),
            (None, Some(_)) => {
                let processes = self.candidates.steps.get(number).map_or(&[][..], Vec::as_slice);
                if processes.is_empty() {
                    return Err(Refusal::NothingMatches);
                }
                let mut sorted: Vec<&Process> = processes.iter().collect();
                sorted.sort_by(|one, other| one.order().cmp(&other.order()));
                Ok(sorted.into_iter().map(Chosen::Process).collect())
            }
            _ => Err(Refusal::NoTarget),
        }
    }

    fn services(&self, names: &ServiceSelector) -> Result<Vec<Chosen<'a>>, Refusal> {
        let services = &self.experiment.services;
        let unknown = names.as_slice().iter().find(|name| !services.contains_key(*name));
        if let Some(name) = unknown {
            return Err(Refusal::UnknownService { name: name.clone() });
        }
        let meant = services.iter().filter(|(name, _)| names.as_slice().contains(name));
        Ok(meant
            .map(|(name, it)| Chosen::Service { name, own_network: it.network.is_own() })
            .collect())
    }

    fn check(&self, fault: &Fault, target: &Chosen<'_>, acts: &[Act]) -> Result<(), Refusal> {
        let limits = &self.experiment.blast_radius;
        let around = &self.candidates.surroundings;
        for act in acts {
            limit::duration(limits, takes(act).into())?;
            limit::irreversible(limits, fault::name(fault), target, act)?;
            limit::network(limits, fault::name(fault), target, act, around)?;
            if let Act::FillDisk(fill) = act {
                disk::check(limits, fill, target, around)?;
            }
        }
        Ok(())
    }
}

/// A partition between the targets. Those that hear all the others are left alone.
fn between<'a>(
    partition: &NetworkPartition,
    shape: &Between,
    chosen: Vec<Chosen<'a>>,
    order: &[usize],
    terms: &Terms,
) -> Result<(Vec<Aimed<'a>>, Option<Matrix>), LowerError> {
    let nodes = chosen.iter().map(|target| target.service().cloned());
    let nodes = nodes.collect::<Option<Vec<Name>>>().ok_or(LowerError::NodesNeeded)?;
    let (cuts, mut acts) = fault::between(partition, shape, &nodes, order, terms)?;
    let mut aimed = Vec::new();
    for (index, target) in chosen.into_iter().enumerate() {
        if cuts.iter().any(|(from, to)| [from, to].contains(&&index)) {
            let site = target.site();
            aimed.push((target, acts.extract_if(.., |act| act.site() == site).collect()));
        }
    }
    Ok((aimed, Some(Matrix::new(nodes, &cuts))))
}

/// The targets by name where that is short, else their number.
fn named(targets: &[Aimed<'_>]) -> String {
    match targets {
        [(one, _)] => one.to_string(),
        [(one, _), (other, _)] => format!("{one} and {other}"),
        _ => format!("{} targets", targets.len()),
    }
}
