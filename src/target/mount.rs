//! File systems by their mount points.

use std::path::{Path, PathBuf};

use procfs::FromBufRead as _;
use procfs::process::MountInfos;
use serde::{Deserialize, Serialize};

/// A mounted file system, of `/proc/PID/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Its type, such as `ext4`.
    pub kind: String,
    /// Its device, such as `8:1`.
    pub device: String,
}

impl Mount {
    /// The file system that a path is on: the last one mounted at the longest prefix of it.
    #[must_use]
    pub fn of<'a>(path: &Path, mounts: &'a [Self]) -> Option<&'a Self> {
        let above = mounts.iter().filter(|mount| path.starts_with(&mount.point));
        above.max_by_key(|mount| mount.point.as_os_str().len())
    }

    /// Whether it has no storage to fill: the kernel's own views.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        const VIRTUAL: [&str; 13] = [
            "proc",
            "sysfs",
            "cgroup",
            "cgroup2",
            "devpts",
            "debugfs",
            "tracefs",
            "securityfs",
            "bpf",
            "mqueue",
            "pstore",
            "configfs",
            "nsfs",
        ];
        VIRTUAL.contains(&self.kind.as_str())
    }

    /// Whether it lives in memory, so that filling it starves the whole machine.
    #[must_use]
    pub fn is_memory(&self) -> bool {
        ["tmpfs", "ramfs", "devtmpfs", "hugetlbfs"].contains(&self.kind.as_str())
    }
}

/// The mounts that a process sees; `pid` may be `self`. Empty where we may not look.
pub(super) fn read(pid: impl std::fmt::Display) -> Vec<Mount> {
    let text = std::fs::read(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
    let mounts = MountInfos::from_buf_read(text.as_slice());
    let mount = |info: procfs::process::MountInfo| Mount {
        point: info.mount_point,
        kind: info.fs_type,
        device: info.majmin,
    };
    mounts.map(|mounts| mounts.into_iter().map(mount).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(point: &str, kind: &str) -> Mount {
        Mount { point: point.into(), kind: kind.to_owned(), device: "8:1".to_owned() }
    }

    #[test]
    fn the_longest_prefix_wins_and_then_the_last() {
        let mounts =
            [mount("/", "ext4"), mount("/data", "xfs"), mount("/data", "tmpfs"), mount("/d", "a")];
        let kind = |path: &str| Mount::of(Path::new(path), &mounts).unwrap().kind.as_str();
        assert_eq!(kind("/data/shop"), "tmpfs");
        assert_eq!(kind("/database"), "ext4");
        assert!(Mount::of(Path::new("relative"), &mounts).is_none());
    }

    #[test]
    fn this_process_sees_proc() {
        let mounts = read("self");
        assert!(Mount::of(Path::new("/proc/self"), &mounts).unwrap().is_virtual());
    }
}
