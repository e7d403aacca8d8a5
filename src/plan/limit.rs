//! The limits of the blast radius.

use super::chosen::Chosen;
use super::control::Reach;
use super::{PlanError, Refusal, Setting};
use crate::act::{Act, Class};
use crate::spec::quantity::Duration;
use crate::spec::{Allowance, BlastRadius, Experiment};
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
    let stranger = !matches!(target, Chosen::Service { .. });
    let irreversible = act.class() == Class::X || matches!(act, Act::Cut(_));
    if irreversible && stranger && !limits.allows(Allowance::Irreversible) {
        return Err(Refusal::Irreversible { fault, target: target.to_string() });
    }
    Ok(())
}

/// Whether a target has a share of the host's network only.
pub(super) fn shares_host(target: &Chosen<'_>, surroundings: &Surroundings) -> bool {
    reach(target, surroundings) == Some(Reach::Share)
}

/// What disturbs all of the host's network must be allowed, and no network may be disturbed that
/// cannot be told from it.
pub(super) fn network(
    limits: &BlastRadius,
    fault: &'static str,
    target: &Chosen<'_>,
    act: &Act,
    surroundings: &Surroundings,
) -> Result<(), Refusal> {
    let led = matches!(act, Act::FailDns(_) | Act::Proxy(_));
    if act.traffic().is_none() && !led {
        return Ok(());
    }
    match target {
        Chosen::Host if !limits.allows(Allowance::Host) => Err(Refusal::HostNetwork { fault }),
        Chosen::Process(_) if reach(target, surroundings).is_none() => {
            Err(Refusal::UnknownNetwork { fault, target: target.to_string() })
        }
        // What leads connections elsewhere would lead those of everybody, unless it can tell whose
        // they are.
        _ if led
            && match reach(target, surroundings) {
                Some(Reach::Host) => true,
                Some(Reach::Share) => !matches!(act, Act::FailDns(_)),
                Some(Reach::Own) | None => false,
            } =>
        {
            let service = target.service().is_some();
            Err(Refusal::SharedNetwork { fault, target: target.to_string(), service })
        }
        Chosen::Host | Chosen::Process(_) | Chosen::Service { .. } => Ok(()),
    }
}

/// How much of a network a fault at this target reaches; `None` for a service with a network of its
/// own, in which there is nothing but services, and where that cannot be told.
pub(super) fn reach(target: &Chosen<'_>, surroundings: &Surroundings) -> Option<Reach> {
    match target {
        Chosen::Service { own_network, .. } => (!own_network).then_some(Reach::Share),
        Chosen::Host => Some(Reach::Host),
        Chosen::Process(process) => {
            let network = surroundings.namespaces(process.id).net?;
            let hosts = &surroundings.host_networks;
            let reach = if hosts.contains(&network) { Reach::Share } else { Reach::Own };
            (!hosts.is_empty()).then_some(reach)
        }
    }
}
