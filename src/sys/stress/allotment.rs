//! How many processors a process may use: its affinity, its cpuset and its quota.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::unistd::Pid;

use crate::sys::cgroup::Trees;

/// The smaller of the processors it may run on (which its cpuset limits already) and its quota,
/// rounded up; at least one.
pub(super) fn processors(pid: i32) -> Result<usize> {
    let set =
        sched_getaffinity(Pid::from_raw(pid)).context("cannot read the target's processors")?;
    let usable = (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).count();
    let quota = Trees::read()?.groups_of(pid)?.iter().filter_map(|group| quota(group)).min();
    Ok(quota.unwrap_or(usable).min(usable).max(1))
}

/// The tightest quota of a group and those above it: `cpu.max` (cgroup-v2.rst) or
/// `cpu.cfs_quota_us` (sched-bwc.rst), in processors rounded up.
fn quota(group: &Path) -> Option<usize> {
    group
        .ancestors()
        .take_while(|folder| folder.join("cgroup.procs").exists())
        .filter_map(own_quota)
        .min()
}

fn own_quota(group: &Path) -> Option<usize> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let text = read("cpu.max").or_else(|| {
        Some(format!("{} {}", read("cpu.cfs_quota_us")?.trim(), read("cpu.cfs_period_us")?.trim()))
    })?;
    parse_quota(&text)
}

/// `QUOTA PERIOD` in microseconds; `max` or a negative quota is none.
fn parse_quota(text: &str) -> Option<usize> {
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period) = (quota.parse::<u64>().ok()?, period.parse::<u64>().ok()?);
    usize::try_from(quota.checked_div(period)? + u64::from(quota % period != 0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_are_rounded_up_to_whole_processors() {
        assert_eq!(parse_quota("50000 100000\n"), Some(1));
        assert_eq!(parse_quota("250000 100000"), Some(3));
        assert_eq!(parse_quota("max 100000"), None);
        assert_eq!(parse_quota("-1 100000"), None);
        assert_eq!(parse_quota("100 0"), None);
    }
}
