//! The method, step by step: who is chosen, what is done to them.

use indexmap::IndexMap;

use super::chosen::Chosen;
use super::longest::takes;
use super::{Entry, PlanError, PlannedAct, PlannedStep, Refusal, Setting, disk, limit, pick};
use crate::act::Act;
use crate::fault::{self, Terms};
use crate::spec::quantity::IpNetwork;
use crate::spec::{Experiment, Fault, Name, ServiceSelector, Step};
use crate::target::{Candidates, Process};

/// All that planning a step looks at.
pub(super) struct Planner<'a> {
    pub(super) experiment: &'a Experiment,
    pub(super) candidates: &'a Candidates,
    pub(super) setting: &'a Setting,
    pub(super) addresses: &'a IndexMap<Name, Option<IpNetwork>>,
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
                let targets = self.targets(step, number, &path)?;
                steps.push(planned(step, number, &targets));
                aimed.extend(targets);
                number += 1;
            }
            entries.push(Entry { wait: entry.wait, steps });
        }
        Ok((entries, aimed))
    }

    fn targets(&self, step: &Step, number: usize, path: &str) -> Result<Vec<Aimed<'a>>, PlanError> {
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
        };
        let stays = step.duration.unwrap_or_default();
        limit::duration(limits, stays).map_err(at(".for"))?;
        let mut aimed = Vec::new();
        for target in chosen {
            let acts = fault::lower(&step.fault, &target.site(), &terms)
                .map_err(|error| at(".fault")(error.into()))?;
            self.check(&step.fault, &target, &acts).map_err(at(".fault"))?;
            aimed.push((target, acts));
        }
        Ok(aimed)
    }

    /// What the selector matches, in an order that does not depend on how it was read.
    fn matched(&self, step: &Step, number: usize) -> Result<Vec<Chosen<'a>>, Refusal> {
        match (&step.target.service, &step.target.process) {
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
        Ok(meant.map(|(name, it)| Chosen::Service { name, network: it.network }).collect())
    }

    fn check(&self, fault: &Fault, target: &Chosen<'_>, acts: &[Act]) -> Result<(), Refusal> {
        let limits = &self.experiment.blast_radius;
        let around = &self.candidates.surroundings;
        for act in acts {
            limit::duration(limits, takes(act).into())?;
            limit::irreversible(limits, fault::name(fault), target, act)?;
            limit::network(fault::name(fault), target, act, around)?;
            if let Act::FillDisk(fill) = act {
                disk::check(limits, fill, target, around)?;
            }
        }
        Ok(())
    }
}

fn planned(step: &Step, number: usize, targets: &[Aimed<'_>]) -> PlannedStep {
    let fault = fault::name(&step.fault);
    let every = match &step.fault {
        Fault::ProcessKill(kill) => kill.every,
        _ => None,
    };
    let act = |act: &Act| PlannedAct { act: act.clone(), undo: fault::undo_in_words(act) };
    PlannedStep {
        step: number,
        name: step.name.clone().unwrap_or_else(|| format!("{fault} of {}", named(targets))),
        fault: fault.to_owned(),
        delay: step.delay,
        duration: step.duration,
        every,
        acts: targets.iter().flat_map(|(_, acts)| acts).map(act).collect(),
    }
}

/// The targets by name where that is short, else their number.
fn named(targets: &[Aimed<'_>]) -> String {
    match targets {
        [(one, _)] => one.to_string(),
        [(one, _), (other, _)] => format!("{one} and {other}"),
        _ => format!("{} targets", targets.len()),
    }
}
