//! Runs whose agent died: undone at the start of every command that looks at or touches the host.

use anyhow::Context;

use super::output;
use crate::act::{ActId, Reverted};
use crate::agent::{History, Host, Recovery, Runs, manual, recover};
use crate::error::{Error, Result};
use crate::outcome::Outcome;

/// Undoes what dead runs left, and says so. What cannot be undone is an error of the outcome
/// `residue`, and nothing new may be begun.
pub(super) fn undo(runs: &Runs) -> Result<()> {
    for (run, history) in runs.unclosed()? {
        let history = history.map_err(|error| unreadable(&run, error))?;
        if is_alive(&history) {
            continue;
        }
        report(&undo_one(runs, &run)?, &history)?;
    }
    runs.unborn()?.iter().for_each(|run| crate::link::remove_empty_group(run));
    Ok(())
}

/// Undoes what one dead run left.
pub(super) fn undo_one(runs: &Runs, run: &str) -> Result<Recovery> {
    let folder = runs.folder(run);
    recover(&folder, &mut Host::for_recovery(run, &folder))
        .with_context(|| format!("the run {run} cannot be undone"))
        .map_err(|error| Error::new(Outcome::Residue, error))
}

/// Whether the run's agent still lives.
pub(super) fn is_alive(history: &History) -> bool {
    let agent = history.header().agent;
    let same_boot = crate::sys::clock::boot_id().is_ok_and(|boot| boot == history.header().boot);
    same_boot && crate::sys::process::Process::open(agent).is_ok_and(|process| process.is_some())
}

/// Says what undoing came to; what is left is an error.
pub(super) fn report(recovery: &Recovery, history: &History) -> Result<()> {
    let run = &recovery.run;
    if recovery.did_something() || !recovery.is_clean() {
        output::note(format_args!("the run {run} had died; what it left is undone now:"));
        for (id, reverted) in &recovery.undone {
            output::note(format_args!("  {}", line(history, *id, reverted)));
        }
    }
    if recovery.is_clean() {
        return Ok(());
    }
    let by_hand =
        history.open().into_iter().flat_map(|(_, entry)| manual(&entry.undo, &entry.observed));
    let error = Error::new(
        Outcome::Residue,
        anyhow::anyhow!("not everything that the run {run} did could be undone"),
    );
    Err(by_hand.fold(error, |error, command| error.hint(format!("by hand: {command}"))))
}

/// One act and what its undo came to, in words.
pub(super) fn line(history: &History, id: ActId, reverted: &Reverted) -> String {
    let what = history
        .act(id)
        .map_or_else(|| format!("act {id}"), |entry| entry.undo.describe(&entry.site));
    match reverted {
        Reverted::Restored => format!("✓ {what}: undone"),
        Reverted::AlreadyGone => format!("✓ {what}: had gone by itself"),
        Reverted::NotOurs { found } => format!("· {what}: left alone, {found}"),
        Reverted::Failed { reason, .. } => format!("✗ {what}: {reason}"),
    }
}

fn unreadable(run: &str, error: anyhow::Error) -> Error {
    Error::new(Outcome::Residue, error.context(format!("what the run {run} left is unknown"))).hint(
        "nothing new is begun before this is settled; see docs/safety.md, \"Undoing by hand\"",
    )
}
