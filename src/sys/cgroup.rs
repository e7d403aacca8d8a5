//! Control groups: groups of our own in the version 2 tree, and where a process is in every tree.

mod enclosure;

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::fs::{Mode, OFlags};

pub use enclosure::Enclosure;

/// A group of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// Makes a new group; it is an error if it exists.
    pub fn create(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path)
            .with_context(|| format!("cannot make the control group {}", path.display()))?;
        Ok(Self { path })
    }

    /// A group made earlier, by this process or one that died; `None` if it is gone.
    #[must_use]
    pub fn existing(path: &Path) -> Option<Self> {
        path.is_dir().then(|| Self { path: path.to_owned() })
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its folder, open, for `CLONE_INTO_CGROUP`.
    pub fn open(&self) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(&self.path, flags, Mode::empty()).with_context(|| self.what("open"))
    }

    /// The processes in it.
    pub fn processes(&self) -> Result<Vec<i32>> {
        read_processes(&self.path)
    }

    /// Moves a process, with all its threads, into it.
    pub fn adopt(&self, pid: i32) -> Result<()> {
        write(&self.path.join("cgroup.procs"), &pid.to_string())
    }

    /// Freezes or thaws everything in it, and waits until that is so (cgroup-v2.rst,
    /// `cgroup.freeze`).
    pub fn freeze(&self, frozen: bool) -> Result<()> {
        write(&self.path.join("cgroup.freeze"), if frozen { "1" } else { "0" })?;
        let wanted = if frozen { "frozen 1" } else { "frozen 0" };
        let deadline = super::clock::boottime() + Duration::from_secs(2);
        while super::clock::boottime() < deadline {
            if self.events()?.lines().any(|line| line == wanted) {
                return Ok(());
            }
            std::thread::yield_now();
        }
        bail!("{} did not come to `{wanted}` within 2 s", self.path.display())
    }

    /// Whether it is frozen now.
    pub fn is_frozen(&self) -> Result<bool> {
        Ok(self.events()?.lines().any(|line| line == "frozen 1"))
    }

    fn events(&self) -> Result<String> {
        fs::read_to_string(self.path.join("cgroup.events"))
            .with_context(|| self.what("read the events of"))
    }

    /// Kills everything in it and below it at once (`cgroup.kill`, Linux 5.14), and removes it
    /// and what is below it. A group that is gone is a success.
    pub fn destroy(&self) -> Result<()> {
        if !self.path.is_dir() {
            return Ok(());
        }
        write(&self.path.join("cgroup.kill"), "1")?;
        self.remove()
    }

    /// Removes it and the groups below it, once they are empty. A group that is gone is a success.
    pub fn remove(&self) -> Result<()> {
        let deadline = super::clock::boottime() + Duration::from_secs(2);
        loop {
            match remove_tree(&self.path) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                // A killed process leaves its group a moment after it can be waited for.
                Err(error)
                    if error.raw_os_error() == Some(libc::EBUSY)
                        && super::clock::boottime() < deadline =>
                {
                    std::thread::yield_now();
                }
                Err(error) => return Err(error).with_context(|| self.what("remove")),
            }
        }
    }

    fn what(&self, verb: &str) -> String {
        format!("cannot {verb} the control group {}", self.path.display())
    }
}

fn remove_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}

fn read_processes(group: &Path) -> Result<Vec<i32>> {
    let path = group.join("cgroup.procs");
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{text}` to {}", path.display()))
}

/// The mount points of the control group trees of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trees {
    /// The version 2 tree.
    pub unified: Option<PathBuf>,
    /// The version 1 trees, by their controllers.
    pub legacy: Vec<(Vec<String>, PathBuf)>,
}

impl Trees {
    /// Reads `/proc/self/mountinfo` (proc(5)).
    pub fn read() -> Result<Self> {
        let path = "/proc/self/mountinfo";
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
        Ok(Self::parse(&text))
    }

    fn parse(mountinfo: &str) -> Self {
        let mut trees = Self::default();
        for line in mountinfo.lines() {
            let Some((mount, source)) = line.split_once(" - ") else { continue };
            let Some(point) = mount.split(' ').nth(4).map(PathBuf::from) else { continue };
            let mut source = source.split(' ');
            match (source.next(), source.nth(1)) {
                (Some("cgroup2"), _) if trees.unified.is_none() => trees.unified = Some(point),
                (Some("cgroup"), Some(options)) => {
                    trees.legacy.push((options.split(',').map(str::to_owned).collect(), point));
                }
                _ => {}
            }
        }
        trees
    }

    /// The folders of the groups that a process is in, in every tree of this host, the unified
    /// one first (`/proc/PID/cgroup`, cgroups(7)).
    pub fn groups_of(&self, pid: i32) -> Result<Vec<PathBuf>> {
        let path = format!("/proc/{pid}/cgroup");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        Ok(text.lines().filter_map(|line| self.folder(line)).collect())
    }

    /// The group that a process is in, in the version 2 tree.
    pub fn unified_group_of(&self, pid: i32) -> Result<Option<PathBuf>> {
        let path = format!("/proc/{pid}/cgroup");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        let line = text.lines().find(|line| line.starts_with("0::"));
        Ok(line.and_then(|line| self.folder(line)))
    }

    fn folder(&self, line: &str) -> Option<PathBuf> {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, group) = (fields.next()?, fields.next()?, fields.next()?);
        let below = |root: &Path| match group.trim_start_matches('/') {
            "" => root.to_owned(),
            group => root.join(group),
        };
        if controllers.is_empty() {
            return self.unified.as_deref().map(below);
        }
        let wanted: Vec<&str> = controllers.split(',').collect();
        let serves = |options: &[String]| {
            wanted.iter().all(|name| options.iter().any(|option| option == name))
        };
        self.legacy.iter().find(|(options, _)| serves(options)).map(|(_, root)| below(root))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";

    #[test]
    fn every_tree_of_a_hybrid_host_is_found() {
        let trees = Trees::parse(HYBRID);
        assert_eq!(trees.unified.as_deref(), Some(Path::new("/sys/fs/cgroup/unified")));
        let folder = |line| trees.folder(line).map(|path| path.display().to_string());
        assert_eq!(folder("4:cpu,cpuacct:/app").as_deref(), Some("/sys/fs/cgroup/cpu,cpuacct/app"));
        assert_eq!(folder("1:name=systemd:/").as_deref(), Some("/sys/fs/cgroup/systemd"));
        assert_eq!(folder("0::/app").as_deref(), Some("/sys/fs/cgroup/unified/app"));
        assert_eq!(folder("9:freezer:/app"), None);
    }
}
