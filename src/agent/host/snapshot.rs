//! The state before, to compare the state after with.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::act::ProcessId;
use crate::sys::cgroup::Trees;
use crate::sys::process::Process;

/// What was true of everything that acts touch, before the first of them touched it.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    processes: BTreeMap<ProcessId, ProcessState>,
}

#[derive(Debug, PartialEq, Eq)]
struct ProcessState {
    stopped: bool,
    groups: Vec<std::path::PathBuf>,
}

impl Snapshot {
    /// Notes the state of a process, unless it was noted before.
    pub(super) fn add_process(&mut self, process: &Process) -> Result<()> {
        if !self.processes.contains_key(&process.id())
            && let Some(state) = state_of(process.id())?
        {
            self.processes.insert(process.id(), state);
        }
        Ok(())
    }

    /// What differs now, one line each. What ended meanwhile differs in nothing that was ours.
    pub(super) fn residue(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, before) in &self.processes {
            match state_of(*id) {
                Ok(None) => {}
                Ok(Some(after)) => lines.extend(differences(*id, before, &after)),
                Err(error) => lines.push(format!("process {id} could not be looked at: {error:#}")),
            }
        }
        lines
    }
}

fn state_of(id: ProcessId) -> Result<Option<ProcessState>> {
    let Some(process) = Process::open(id)? else { return Ok(None) };
    let Some(stat) = process.stat()? else { return Ok(None) };
    let groups = Trees::read()?.groups_of(id.pid)?;
    Ok(Some(ProcessState { stopped: matches!(stat.state, 'T' | 't'), groups }))
}

fn differences(id: ProcessId, before: &ProcessState, after: &ProcessState) -> Vec<String> {
    let mut lines = Vec::new();
    if before.stopped != after.stopped {
        let word = |stopped: bool| if stopped { "stopped" } else { "running" };
        lines.push(format!(
            "process {id} is {}, before it was {}",
            word(after.stopped),
            word(before.stopped)
        ));
    }
    for (old, new) in before.groups.iter().zip(&after.groups).filter(|(old, new)| old != new) {
        lines.push(format!(
            "process {id} is in {}, before it was in {}",
            new.display(),
            old.display()
        ));
    }
    lines
}
