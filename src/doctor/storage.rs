//! Where journals are kept.

use std::path::Path;

use anyhow::{Context, Result};

use super::check::{Check, Words};
use crate::agent::{Runs, runtime_folder};
use crate::sys::trial::{FolderTrial, nearest};
use crate::target::{Asked, Surroundings};

/// Everything about the folder of the journal and its copy.
pub(super) fn checks(runs: &Runs) -> Vec<Check> {
    let folder = nearest(runs.base());
    let trial = runs.check().and_then(|()| FolderTrial::of(&folder));
    let found = trial.as_ref().map(|trial| {
        format!("{}, synced in {:.1} ms", runs.base().display(), trial.sync.as_secs_f64() * 1e3)
    });
    let found = found.map_err(|error| anyhow::anyhow!("{error:#}"));
    let unnamed = match trial {
        Ok(trial) if trial.unnamed => Ok("in the journal's file system".to_owned()),
        Ok(_) => Err(anyhow::anyhow!("not in the journal's file system")),
        Err(error) => Err(error),
    };
    vec![
        JOURNAL.check(found).essential(),
        KIND.check(kind(&folder)),
        UNNAMED.check(unnamed),
        COPY.check(copy()),
    ]
}

const JOURNAL: Words = Words {
    name: "journal",
    good: "every undo is in the journal before its act",
    without: "no run can be made: nothing is touched before its undo is in the journal",
    remedy: "give SHAKEDOWN_STATE_DIR a folder that this user alone can write to, on a disk that is not full",
};
const KIND: Words = Words {
    name: "journal's file system",
    good: "the journal outlives a crash of the machine",
    without: "the journal is gone after a crash of the machine, and so are all faults of today",
    remedy: "give SHAKEDOWN_STATE_DIR a folder on a disk",
};
const UNNAMED: Words = Words {
    name: "unnamed files (O_TMPFILE)",
    good: "disk-fill on such a file system is undone by the kernel itself (class K)",
    without: "disk-fill on such a file system takes a named file of ours, which the agent removes",
    remedy: "fill a file system that has them: ext4, xfs, btrfs, tmpfs",
};
const COPY: Words = Words {
    name: "journal's copy",
    good: "the undo is known even when the journal's disk fails",
    without: "there is one journal only; if its disk fails, undo by hand as docs/safety.md says",
    remedy: "set XDG_RUNTIME_DIR to a folder of this user in memory, such as /run/user/UID",
};

/// The type of the file system, unless it is in memory.
fn kind(folder: &Path) -> Result<String> {
    let asked = Asked { mounts: true, journal: Some(folder), ..Asked::default() };
    let around = Surroundings::read(&[], asked).map_err(|error| anyhow::anyhow!("{error}"))?;
    let mount = around.journal.context("no mount is known for it")?;
    anyhow::ensure!(!mount.is_memory(), "{}, in memory", mount.kind);
    Ok(mount.kind)
}

fn copy() -> Result<String> {
    let folder = runtime_folder().context("XDG_RUNTIME_DIR is not set")?;
    FolderTrial::of(&nearest(&folder))?;
    Ok(format!("below {}", folder.display()))
}
