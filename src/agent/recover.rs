//! Undoing what a run left whose agent is gone: from its journal alone.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::journal::{Busy, Journal, read_history};
use super::lock::sweep;
use super::system::System;
use crate::act::{ActId, Reverted};
use crate::sys::clock::{boot_id, boottime};

/// What undoing came to.
#[derive(Debug, PartialEq)]
pub struct Recovery {
    /// The run.
    pub run: String,
    /// Each act that was open, with what its undo came to, in the order undone.
    pub undone: Vec<(ActId, Reverted)>,
    /// Whether the machine was started again since.
    pub rebooted: bool,
}

impl Recovery {
    /// Whether nothing is left.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.undone.iter().all(|(_, reverted)| reverted.is_clean())
    }

    /// Whether there was anything to undo that had not gone by itself.
    #[must_use]
    pub fn did_something(&self) -> bool {
        self.undone.iter().any(|(_, reverted)| *reverted != Reverted::AlreadyGone)
    }
}

/// How long another command that undoes the same run is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The journal, for this process alone; none if another has undone all of it meanwhile.
fn resume(folder: &Path) -> Result<Option<Journal>> {
    let deadline = boottime() + PATIENCE;
    loop {
        let error = match Journal::resume(folder) {
            Ok(journal) => return Ok(Some(journal)),
            Err(error) => error,
        };
        if read_history(folder).is_ok_and(|history| history.is_closed()) {
            return Ok(None);
        }
        if !error.is::<Busy>() || boottime() > deadline {
            return Err(error);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Takes back everything that the journal in this folder has open, the newest first, and closes
/// it if nothing is left. Fails while the run's agent lives. What vanishes with a boot is not
/// touched after one: what looks like it now is somebody else's. A journal that cannot be written
/// stops no undo; it is an error at the end, and the next command undoes again what is undone.
pub fn recover<S: System>(folder: &Path, system: &mut S) -> Result<Recovery> {
    let Some(mut journal) = resume(folder)? else {
        let run = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Ok(Recovery { run, undone: Vec::new(), rebooted: false });
    };
    let rebooted = journal.history().header().boot != boot_id()?;
    let mut undone = Vec::new();
    let mut noted = Ok(());
    for (id, entry) in journal.history().open() {
        let reverted = if rebooted && entry.undo.vanishes_with_boot() {
            Reverted::AlreadyGone
        } else {
            system.revert(id, &entry.undo, &entry.observed)
        };
        noted = noted.and(journal.undone(id, reverted.clone()));
        undone.push((id, reverted));
    }
    let recovery = Recovery { run: journal.history().header().run.clone(), undone, rebooted };
    // The kernel let go of the dead agent's locks; their files are still there.
    sweep(&recovery.run);
    if recovery.is_clean() {
        noted = noted.and_then(|()| journal.close());
    }
    noted.context("what was undone could not be noted").map(|()| recovery)
}
