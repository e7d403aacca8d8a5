//! What a performed act holds, and how it proves its effect.

use std::time::Duration;

use anyhow::{Result, bail};

use super::network::{Chained, Filtered, Misnamed, Proxied, Queued, Reset, Shaped};
use crate::act::{Effect, PauseHold, ProcessId, SendSignal, Traffic, Undo};
use crate::spec::Amount;
use crate::spec::quantity::{IpNetwork, Signal};
use crate::sys::clock::boottime;
use crate::sys::disk::{Directory, Fill};
use crate::sys::pause::{Freezer, Tracer};
use crate::sys::process::Process;
use crate::sys::service::Services;
use crate::sys::stress::Stress;

/// What a performed act holds.
pub(super) enum Held {
    /// A service that was started.
    Service { name: String, process: ProcessId },
    /// A process that was sent a signal.
    Signalled {
        process: Process,
        signal: Signal,
        must_end: bool,
        sent: Duration,
        ended: Option<Duration>,
    },
    /// A service that is restarting.
    Restarted { service: String, before: ProcessId, since: Duration },
    /// A process that is traced.
    Traced { process: Process, tracer: Tracer },
    /// A process that is frozen.
    Frozen { process: Process, freezer: Freezer },
    /// Workers.
    Stressed(Stress),
    /// Disk space.
    Filled(Fill),
    /// The run's own network.
    Network { addresses: Vec<IpNetwork> },
    /// A packet filter.
    Filtered(Filtered),
    /// A packet filter of `iptables`.
    Chained(Chained),
    /// False answers to questions for names.
    Misnamed(Misnamed),
    /// Packets queued to us.
    Queued(Box<Queued>),
    /// A proxy.
    Proxied(Box<Proxied>),
    /// Connections that were cut.
    Cut(Box<Reset>),
    /// Interfaces whose packets are impaired.
    Shaped(Box<Shaped>),
}

/// How long a proof of a signal's effect is waited for before the loop goes on.
const PATIENCE: Duration = Duration::from_millis(20);

impl Held {
    /// A process that was just sent a signal.
    pub(super) fn signalled(process: Process, send: &SendSignal, sent: Duration) -> Result<Self> {
        let must_end = send.kill_after.is_some() || is_fatal(send.signal);
        let ended =
            (must_end && process.wait_end(PATIENCE)?).then(|| boottime().saturating_sub(sent));
        Ok(Self::Signalled { process, signal: send.signal, must_end, sent, ended })
    }

    /// The processes it started.
    pub(super) fn processes(&self) -> Vec<ProcessId> {
        match self {
            Self::Service { process, .. } => vec![*process],
            Self::Stressed(stress) => stress.processes(),
            _ => Vec::new(),
        }
    }

    /// What proves that it is in effect now.
    pub(super) fn effect(&self, services: &Services) -> Result<Effect> {
        match self {
            Self::Service { name, process } => Ok(match services.process(name) {
                Ok(now) => Effect::proved(format!("runs as process {now}")),
                Err(_) => Effect::absent(format!("process {process} has ended")),
            }),
            Self::Signalled { process, signal, must_end, sent, ended } => {
                signal_effect(process, *signal, *must_end, (*sent, *ended))
            }
            Self::Restarted { service, before, since } => Ok(match services.process(service) {
                Ok(now) if now != *before => {
                    let after = boottime().saturating_sub(*since);
                    Effect::proved(format!(
                        "process {before} is now process {now}, seen after {after:.1?}"
                    ))
                }
                _ => Effect::pending(format!("process {before} is going down")),
            }),
            Self::Traced { process, tracer } => {
                let (held, all) = tracer.held()?;
                paused_effect(
                    process,
                    held > 0 && held == all,
                    format!("{held} of {all} threads stopped"),
                )
            }
            Self::Frozen { process, freezer } => paused_effect(
                process,
                freezer.holds(process)?,
                "frozen in its own group".to_owned(),
            ),
            Self::Stressed(stress) => stress.effect(),
            Self::Filled(fill) => fill.effect(),
            Self::Network { addresses } => {
                let subnets = addresses.iter().map(|address| address.network().to_string());
                let subnets = subnets.collect::<Vec<_>>().join(" and ");
                Ok(Effect::proved(format!("the run's network is {subnets}")))
            }
            Self::Filtered(filtered) => filtered.effect(),
            Self::Misnamed(misnamed) => misnamed.effect(),
            Self::Queued(queued) => queued.effect(),
            Self::Chained(chained) => chained.effect(),
            Self::Shaped(shaped) => shaped.effect(),
            Self::Cut(reset) => reset.effect(),
            Self::Proxied(proxied) => proxied.effect(),
        }
    }

    /// Does it to other packets from now on.
    pub(super) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        match self {
            Self::Filtered(filtered) => filtered.aim_at(traffic),
            Self::Cut(reset) => reset.aim_at(traffic),
            Self::Proxied(proxied) => proxied.aim_at(traffic),
            Self::Queued(queued) => queued.aim_at(traffic),
            Self::Shaped(shaped) => shaped.aim_at(traffic),
            _ => bail!("what is done here cannot follow peers whose addresses change"),
        }
    }

    /// A process whose end must be noticed at once: its parent learns of it only through us.
    pub(super) fn awaited(&self) -> Option<&Process> {
        match self {
            Self::Traced { process, tracer } if tracer.holds_any() => Some(process),
            _ => None,
        }
    }

    /// When it wants its turn.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        match self {
            Self::Filtered(filtered) => Some(filtered.next_moment()),
            Self::Misnamed(misnamed) => Some(misnamed.next_moment()),
            Self::Queued(queued) => Some(queued.next_moment()),
            Self::Proxied(proxied) => Some(proxied.next_moment()),
            Self::Cut(reset) => reset.next_moment(),
            _ => None,
        }
    }

    /// Its turn: renews what would end by itself, and lets the parents of traced processes that
    /// were killed learn of it.
    pub(super) fn tick(&mut self, now: Duration) {
        match self {
            Self::Traced { process, tracer } if process.ended().unwrap_or(false) => tracer.reap(),
            Self::Filtered(filtered) => filtered.tick(now),
            Self::Misnamed(misnamed) => misnamed.tick(now),
            Self::Queued(queued) => queued.tick(now),
            Self::Proxied(proxied) => proxied.tick(now),
            Self::Cut(reset) => reset.tick(now),
            _ => {}
        }
    }
}

fn paused_effect(process: &Process, paused: bool, evidence: String) -> Result<Effect> {
    Ok(if process.ended()? {
        Effect::absent(format!("process {} ended while it was paused", process.id()))
    } else if paused {
        Effect::proved(evidence)
    } else {
        Effect::absent(evidence)
    })
}

fn signal_effect(
    process: &Process,
    signal: Signal,
    must_end: bool,
    (sent, ended): (Duration, Option<Duration>),
) -> Result<Effect> {
    let id = process.id();
    if !must_end {
        return Ok(Effect::proved(format!("SIG{signal} delivered to process {id}")));
    }
    Ok(match ended {
        Some(after) => Effect::proved(format!("process {id} gone {after:.1?} after SIG{signal}")),
        None if process.ended()? => {
            let after = boottime().saturating_sub(sent);
            Effect::proved(format!("process {id} gone, seen {after:.1?} after SIG{signal}"))
        }
        None => Effect::pending(format!("process {id} still runs after SIG{signal}")),
    })
}

/// Signals that ask a process to do something else than to end.
fn is_fatal(signal: Signal) -> bool {
    use nix::sys::signal::Signal as Posix;
    !matches!(
        signal.get(),
        Posix::SIGHUP
            | Posix::SIGUSR1
            | Posix::SIGUSR2
            | Posix::SIGCHLD
            | Posix::SIGCONT
            | Posix::SIGSTOP
            | Posix::SIGTSTP
            | Posix::SIGTTIN
            | Posix::SIGTTOU
            | Posix::SIGURG
            | Posix::SIGWINCH
            | Posix::SIGPIPE
            | Posix::SIGALRM
    )
}

/// Pauses a process the way its undo says.
pub(super) fn pause(process: Process, undo: &Undo) -> Result<Held> {
    match undo {
        Undo::Resume { hold: PauseHold::Ptrace, .. } => {
            let tracer = Tracer::seize(&process)?;
            Ok(Held::Traced { process, tracer })
        }
        Undo::Resume { hold: PauseHold::Freezer { group, origin }, .. } => {
            let freezer = Freezer::recorded(group, origin);
            freezer.freeze(&process)?;
            Ok(Held::Frozen { process, freezer })
        }
        _ => bail!("the undo of a pause is none"),
    }
}

/// Takes disk space the way its undo says.
pub(super) fn fill(directory: Directory, amount: Amount, undo: &Undo) -> Result<Held> {
    match undo {
        Undo::FreeDisk { file } => Fill::take(directory, amount, file.as_deref()).map(Held::Filled),
        _ => bail!("the undo of a fill is none"),
    }
}
