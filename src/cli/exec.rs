//! `shakedown exec`.

use std::ffi::OsString;

use anyhow::Context;

use super::{candidates, orphans};
use crate::act::{ProcessId, Undo};
use crate::agent::{Entry, History, Runs};
use crate::error::{Error, Result};
use crate::outcome::Outcome;
use crate::spec::nearest_word;
use crate::sys::net::Namespace;
use crate::sys::process::Process;

/// Run a command in the network of a service that runs.
///
/// To look around inside: addresses, routes, connections, what answers and what does not. The
/// command has your files, your user and your terminal; only the network is the service's. The exit
/// code is the command's; 2 and 4 may also be this program's own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples: shakedown exec db -- ip address
          shakedown exec db -- curl -s http://198.18.0.3:8080/health
          shakedown exec --run 20261120-090512-k3f9 db -- bash")]
pub(super) struct Args {
    /// The service.
    #[arg(value_name = "SERVICE", add = candidates::running_services())]
    service: String,
    /// The run; by default the one that began last of those that are going on.
    #[arg(long, value_name = "RUN", add = candidates::runs())]
    run: Option<String>,
    /// The command and its arguments.
    #[arg(value_name = "COMMAND", required = true, last = true)]
    command: Vec<OsString>,
}

impl Args {
    /// Becomes the command; returns only if that fails.
    pub(super) fn exec(self) -> Result<Outcome> {
        let (run, history) = find(&Runs::locate()?, self.run)?;
        let all = services(&history);
        let Some((_, id)) = all.iter().find(|(name, _)| *name == self.service) else {
            let hint = nearest_word(&self.service, all.iter().map(|(name, _)| name.as_str()));
            let hint = hint.unwrap_or_else(|| "it has none".to_owned());
            let service = &self.service;
            return Err(
                Error::usage(format_args!("the run {run} has no service `{service}`")).hint(hint)
            );
        };
        let namespace = enter(&self.service, *id)?;
        let environment =
            [("SHAKEDOWN_RUN", run.as_str()), ("SHAKEDOWN_SERVICE", self.service.as_str())];
        match namespace.exec(&self.command, &environment) {
            Ok(never) => match never {},
            Err(error) => Err(error.into()),
        }
    }
}

/// The run that is meant, which is going on.
fn find(runs: &Runs, wanted: Option<String>) -> Result<(String, History)> {
    let mut living = Vec::new();
    for (run, history) in runs.unclosed()? {
        // One that cannot be read is none that can be entered; `status` says more.
        living.extend(history.ok().filter(orphans::is_alive).map(|history| (run, history)));
    }
    let Some(wanted) = wanted else {
        return living.pop().ok_or_else(|| {
            let error = Error::not_injected("no run is going on");
            if nix::unistd::geteuid().is_root() {
                error
            } else {
                error.hint("runs begun as root are seen as root: use sudo")
            }
        });
    };
    match living.into_iter().find(|(run, _)| *run == wanted) {
        Some(found) => Ok(found),
        None if runs.names()?.contains(&wanted) => {
            Err(Error::not_injected(format_args!("the run {wanted} has ended")))
        }
        None => Err(Error::usage(format_args!("there is no run {wanted}"))
            .hint("`shakedown status` lists those that are going on")),
    }
}

/// The services of a run by name, each with the last process it is known to have had.
pub(super) fn services(history: &History) -> Vec<(String, Option<ProcessId>)> {
    let service = |entry: &'_ Entry| match &entry.undo {
        Undo::StopService { name, .. } if entry.is_open() => {
            Some((name.clone(), entry.observed.processes.last().copied()))
        }
        _ => None,
    };
    history.acts().filter_map(|(_, entry)| service(entry)).collect()
}

/// The network namespace of a service's process.
fn enter(service: &str, id: Option<ProcessId>) -> Result<Namespace> {
    let down = || {
        Error::not_injected(format_args!("the service {service} does not run now"))
            .hint("its network can be entered again when it does")
    };
    let process = id.map(Process::open).transpose()?.flatten().ok_or_else(down)?;
    let namespace = Namespace::of_process(process.id().pid);
    // By its number it was found, and the number may have gone to another in between.
    if process.ended()? {
        return Err(down());
    }
    Ok(namespace.with_context(|| format!("cannot look into the service {service}"))?)
}
