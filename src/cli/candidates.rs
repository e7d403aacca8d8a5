//! What a shell offers when a word is completed. Reads only, and quickly: an error is no candidate.

use std::ffi::OsStr;
use std::path::Path;

use clap_complete::engine::{
    ArgValueCandidates, ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};

use super::{exec, orphans};
use crate::agent::Runs;
use crate::fault;
use crate::target::{ProcessTable, printable};

/// The names of faults, with what they do.
pub(super) fn faults() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let candidate = |fault: fault::FaultEntry| {
            CompletionCandidate::new(fault.name).help(Some(fault.summary.into()))
        };
        fault::catalogue().into_iter().map(candidate).collect()
    })
}

/// The runs of this user, the last one first.
pub(super) fn runs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let names = Runs::locate().and_then(|runs| runs.names()).unwrap_or_default();
        let candidate = |(order, name)| CompletionCandidate::new(name).display_order(Some(order));
        names.into_iter().rev().enumerate().map(candidate).collect()
    })
}

/// The services of runs that are going on.
pub(super) fn running_services() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let unclosed = Runs::locate().and_then(|runs| runs.unclosed()).unwrap_or_default();
        let living = unclosed.into_iter().filter_map(|(_, history)| history.ok());
        let living = living.filter(orphans::is_alive);
        let names = living.flat_map(|history| exec::services(&history));
        names.map(|(name, _)| CompletionCandidate::new(name)).collect()
    })
}

/// The names of processes. One that a terminal would obey is left out.
pub(super) fn process_names() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let table = ProcessTable::read();
        let rows = table.as_ref().map(ProcessTable::rows).unwrap_or_default();
        let people = rows.iter().filter(|row| !row.kernel_thread);
        let mut names: Vec<&str> = people.map(|row| row.name.as_str()).collect();
        names.retain(|name| printable(name) == **name);
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// YAML files, and the folders on the way to them.
pub(super) fn experiments() -> ArgValueCompleter {
    let yaml = |path: &Path| path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    let files = PathCompleter::file().filter(yaml);
    ArgValueCompleter::new(move |typed: &OsStr| files.complete(typed))
}

/// The names of this program's commands.
pub(super) fn commands() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let command = super::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        shown.map(|command| CompletionCandidate::new(command.get_name())).collect()
    })
}
