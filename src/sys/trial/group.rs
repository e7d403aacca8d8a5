//! Control groups of our own.

use anyhow::{Context, Result, ensure};

use super::{Bystander, Stand};
use crate::sys::cgroup::{Cgroup, Trees};

/// What a group of our own at the top of the version 2 tree can do.
#[derive(Debug)]
pub struct GroupTrial {
    /// A program is born in it.
    pub born: Result<()>,
    /// Everything in it is frozen and thawed.
    pub freezes: Result<()>,
    /// Everything in it is killed at once.
    pub kills: Result<()>,
}

/// A group that is removed, with what is in it, when this is dropped.
struct Scratch(Cgroup);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = self.0.destroy();
    }
}

/// Makes a group, tries it on a child of ours, and removes it. The error says why none can be made.
pub fn groups(stand: Stand<'_>) -> Result<GroupTrial> {
    let root = Trees::read()?.unified.context("no control groups of version 2 are mounted")?;
    let name = format!("shakedown-doctor-{}", std::process::id());
    let group = Scratch(Cgroup::create(root.join(name))?);
    let child = match Bystander::start(stand, Some(&group.0)) {
        Ok(child) => child,
        Err(error) => {
            let unknown = || Err(anyhow::anyhow!("no program could be started in the group"));
            return Ok(GroupTrial { born: Err(error), freezes: unknown(), kills: unknown() });
        }
    };
    let born = is_in(&group.0, &child);
    let freezes = group.0.freeze(true).and_then(|()| group.0.freeze(false));
    let kills = group.0.destroy().and_then(|()| child.wait_end());
    Ok(GroupTrial { born, freezes, kills })
}

fn is_in(group: &Cgroup, child: &Bystander) -> Result<()> {
    ensure!(group.processes()?.contains(&child.pid()), "the child was born elsewhere");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::bystander::tests::cat;
    use super::*;

    #[test]
    fn nothing_is_left_of_a_trial() {
        match groups(cat()) {
            Ok(trial) => {
                for result in [trial.born, trial.freezes, trial.kills] {
                    result.unwrap();
                }
            }
            Err(error) => println!("skipped: no control group of our own: {error:#}"),
        }
        if let Some(root) = Trees::read().unwrap().unified {
            let name = format!("shakedown-doctor-{}", std::process::id());
            assert!(!root.join(name).exists());
        }
    }
}
