//! Pausing by a group of our own in the version 2 tree: for processes that cannot be traced.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::sys::cgroup::{Cgroup, Enclosure, Trees};
use crate::sys::process::Process;

/// Where a process is frozen, and where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freezer {
    group: PathBuf,
    origin: PathBuf,
}

impl Freezer {
    /// The group that would be made: a child of the process's own, so that its limits still hold.
    /// Reads only.
    pub fn plan(process: &Process, name: &str) -> Result<Self> {
        let Some(origin) = Trees::read()?.unified_group_of(process.id().pid)? else {
            bail!("this host has no control groups of version 2, and the process cannot be traced");
        };
        Ok(Self { group: origin.join(name), origin })
    }

    /// What was planned or journaled earlier.
    #[must_use]
    pub fn recorded(group: &Path, origin: &Path) -> Self {
        Self { group: group.to_owned(), origin: origin.to_owned() }
    }

    /// The group of our own.
    #[must_use]
    pub fn group(&self) -> &Path {
        &self.group
    }

    /// The group it was in before.
    #[must_use]
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// Makes the group, moves the process into it and freezes it.
    pub fn freeze(&self, process: &Process) -> Result<()> {
        let group = Cgroup::create(self.group.clone())?;
        crate::failpoint::hit("mid-apply");
        group
            .adopt(process.id().pid)
            .with_context(|| format!("cannot move process {} into the freezer", process.id()))?;
        // By its number it was moved, and the number may have gone to another in between.
        if process.ended()? {
            bail!("process {} has ended", process.id());
        }
        group.freeze(true)
    }

    /// Whether the process is in the group and the group is frozen.
    pub fn holds(&self, process: &Process) -> Result<bool> {
        let Some(group) = Cgroup::existing(&self.group) else { return Ok(false) };
        Ok(group.is_frozen()? && group.processes()?.contains(&process.id().pid))
    }

    /// Thaws everything in the group, moves it back where it came from, and removes the group;
    /// `false` if the group was already gone.
    pub fn thaw(&self) -> Result<bool> {
        let Some(group) = Cgroup::existing(&self.group) else { return Ok(false) };
        group.freeze(false)?;
        crate::failpoint::hit("mid-undo");
        Enclosure::recorded(&self.group, &self.origin).disband()
    }
}
