//! The limits of the blast radius.

use super::chosen::Chosen;
use super::{PlanError, Refusal, Setting};
use crate::act::{Act, Class};
use crate::spec::quantity::Duration;
use crate::spec::{Allowance, BlastRadius, Experiment, Network};
use crate::target::Surroundings;

/// The highest `max-duration` without an allowance.
const CEILING: Duration = Duration::from_secs(15 * 60);

/// The file must be for the environment it is run in.
pub(super) fn environment(experiment: &Experiment, setting: &Setting) -> Result<(), PlanError> {
    match &experiment.environment {
        Some(wanted) if setting.environment.as_ref() != Some(wanted) => {
            let given = setting.environment.clone();
            Err(Refusal::Environment { wanted: wanted.clone(), given }.at("environment"))
        }
        _ => Ok(()),
    }
}

/// The limit on durations has a limit.
pub(super) fn max_duration(limits: &BlastRadius) -> Result<(), PlanError> {
    if limits.max_duration <= CEILING || limits.allows(Allowance::LongDuration) {
        return Ok(());
    }
    let refusal = Refusal::LimitTooHigh { figure: limits.max_duration, ceiling: CEILING };
    Err(refusal.at("blast-radius.max-duration"))
}

/// No more targets, and no larger share of those that match, than allowed.
#[expect(clippy::cast_precision_loss, reason = "a host has fewer than 2^52 processes")]
pub(super) fn targets(limits: &BlastRadius, chosen: usize, matched: usize) -> Result<(), Refusal> {
    let allowed = usize::try_from(limits.max_targets).unwrap_or(usize::MAX);
    if chosen > allowed {
        return Err(Refusal::TooManyTargets { figure: chosen, limit: limits.max_targets });
    }
    let figure = chosen as f64 * 100.0 / matched as f64;
    match limits.max_share {
        Some(limit) if figure > limit.get() => {
            Err(Refusal::TooLargeShare { chosen, matched, figure, limit })
        }
        _ => Ok(()),
    }
}

/// No fault lasts longer than allowed.
pub(super) fn duration(limits: &BlastRadius, figure: Duration) -> Result<(), Refusal> {
    if figure > limits.max_duration {
        return Err(Refusal::TooLong { figure, limit: limits.max_duration });
    }
    Ok(())
}

/// What cannot be undone is only done to services, or when the file allows it by name.
pub(super) fn irreversible(
    limits: &BlastRadius,
    fault: &'static str,
    target: &Chosen<'_>,
    act: &Act,
) -> Result<(), Refusal> {
    let stranger = matches!(target, Chosen::Process(_));
    if act.class() == Class::X && stranger && !limits.allows(Allowance::Irreversible) {
        return Err(Refusal::Irreversible { fault, target: target.to_string() });
    }
    Ok(())
}

/// Network faults need a network namespace that is not the host's.
pub(super) fn network(
    fault: &'static str,
    target: &Chosen<'_>,
    act: &Act,
    surroundings: &Surroundings,
) -> Result<(), Refusal> {
    if !matches!(act, Act::Filter(_) | Act::Shape(_)) {
        return Ok(());
    }
    let on_host = |service| Refusal::HostNetwork { fault, target: target.to_string(), service };
    match target {
        Chosen::Service { network: Network::Own, .. } => Ok(()),
        Chosen::Service { network: Network::Host, .. } => Err(on_host(true)),
        Chosen::Process(process) => match surroundings.namespaces(process.id).net {
            Some(network) if surroundings.host_networks.contains(&network) => Err(on_host(false)),
            Some(_) if !surroundings.host_networks.is_empty() => Ok(()),
            _ => Err(Refusal::UnknownNetwork { fault, target: target.to_string() }),
        },
    }
}
