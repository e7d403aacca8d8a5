//! Processes in a group of our own, below the one they come from, and back again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Cgroup;
use crate::act::ProcessId;
use crate::sys::process;

/// How often newly started processes are looked for.
const ROUNDS: usize = 50;

/// A group of our own and the one that its processes come from. As a child of that, what limits
/// them there goes on to limit them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    group: PathBuf,
    origin: PathBuf,
}

impl Enclosure {
    /// What is planned, or was recorded earlier.
    #[must_use]
    pub fn recorded(group: &Path, origin: &Path) -> Self {
        Self { group: group.to_owned(), origin: origin.to_owned() }
    }

    /// Makes the group and moves a process into it, with all that descends from it and comes from
    /// the same group. Whatever they start from then on is in there as well.
    pub fn enter(&self, root: ProcessId) -> Result<()> {
        let group = Cgroup::create(self.group.clone())?;
        crate::failpoint::hit("mid-apply");
        let origin = Cgroup::existing(&self.origin).context("its control group is gone")?;
        for _ in 0..ROUNDS {
            let outside = origin.processes()?;
            let mut family = process::descendants(root)?;
            family.retain(|member| outside.contains(&member.pid));
            if family.is_empty() {
                return Ok(());
            }
            for member in family {
                let moved = group.adopt(member.pid);
                if process::stat(member.pid)?.is_some() {
                    moved.with_context(|| format!("cannot move process {member}"))?;
                }
            }
        }
        bail!("process {root} starts others faster than they can be moved")
    }

    /// Moves everything in the group back where it came from, and removes the group; `false` if it
    /// was gone already.
    pub fn disband(&self) -> Result<bool> {
        let Some(group) = Cgroup::existing(&self.group) else { return Ok(false) };
        if let Some(origin) = Cgroup::existing(&self.origin) {
            // What the processes started meanwhile is in the group as well.
            while let Some(pid) = group.processes()?.first().copied() {
                let moved = origin.adopt(pid);
                if process::stat(pid)?.is_some() {
                    moved?;
                }
            }
        }
        group.remove()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::Trees;
    use super::*;

    fn id(pid: u32) -> ProcessId {
        let pid = pid.cast_signed();
        ProcessId { pid, start_time: process::stat(pid).unwrap().unwrap().start_time }
    }

    #[test]
    fn a_family_is_moved_and_comes_back() {
        let trees = Trees::read().unwrap();
        let Some(root) = trees.unified.clone().filter(|_| nix::unistd::geteuid().is_root()) else {
            println!("skipped: takes root and control groups of version 2");
            return;
        };
        let mut shell = Command::new("sh").args(["-c", "sleep 60 & wait"]).spawn().unwrap();
        let parent = id(shell.id());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while process::descendants(parent).unwrap().len() < 2 {
            assert!(std::time::Instant::now() < deadline);
        }
        let family = process::descendants(parent).unwrap();
        let origin = trees.unified_group_of(parent.pid).unwrap().unwrap();
        let group = origin.join(format!("shakedown-test-{}", std::process::id()));
        let enclosure = Enclosure::recorded(&group, &origin);
        let all_in = |place: &Path| {
            family
                .iter()
                .all(|it| trees.unified_group_of(it.pid).unwrap().as_deref() == Some(place))
        };
        let entered = enclosure.enter(parent).map(|()| all_in(&group));
        let disbanded = enclosure.disband();
        let back = all_in(&origin);
        for member in &family {
            let _ = Command::new("kill").arg(member.to_string()).status();
        }
        shell.wait().unwrap();
        assert!(root.is_dir() && entered.unwrap() && disbanded.unwrap() && back);
        assert!(!group.exists() && !enclosure.disband().unwrap());
    }
}
