//! File systems that `disk-fill` does not touch, as far as a plan can know; the agent looks again.

use std::path::{Path, PathBuf};

use super::Refusal;
use super::chosen::Chosen;
use crate::act::FillDisk;
use crate::spec::{Allowance, BlastRadius};
use crate::target::{Mount, Surroundings};

/// The file system that the path is on, in the eyes of the target.
pub(super) fn mount<'a>(
    path: &Path,
    target: &Chosen<'_>,
    surroundings: &'a Surroundings,
) -> Option<&'a Mount> {
    let mounts = match target {
        Chosen::Service { .. } | Chosen::Host => &surroundings.mounts,
        Chosen::Process(process) => surroundings.mounts_of.get(&process.id.pid)?,
    };
    Mount::of(path, mounts)
}

/// Refuses views of the kernel always, and what would take the host down unless it is allowed.
pub(super) fn check(
    limits: &BlastRadius,
    fill: &FillDisk,
    target: &Chosen<'_>,
    surroundings: &Surroundings,
) -> Result<(), Refusal> {
    let path = || -> PathBuf { fill.path.clone() };
    // The run's folder is not known yet, and it is always on some disk.
    if fill.path.starts_with("${run.dir}") {
        return Ok(());
    }
    if !fill.path.is_absolute() {
        return Err(Refusal::RelativePath { path: path() });
    }
    let Some(mount) = mount(&fill.path, target, surroundings) else { return Ok(()) };
    if mount.is_virtual() {
        return Err(Refusal::Virtual { path: path(), kind: mount.kind.clone() });
    }
    let root = Mount::of(Path::new("/"), &surroundings.mounts);
    let same = |other: Option<&Mount>| other.is_some_and(|other| other.device == mount.device);
    let dangers = [
        (mount.is_memory(), Allowance::MemoryFs, "a file system in memory", "memory-fs"),
        (
            mount.point == Path::new("/") || same(root),
            Allowance::RootFs,
            "the root file system",
            "root-fs",
        ),
        (
            same(surroundings.journal.as_ref()),
            Allowance::JournalFs,
            "the file system of the journal",
            "journal-fs",
        ),
    ];
    let refused = dangers.into_iter().find(|(is, by, ..)| *is && !limits.allows(*by));
    refused.map_or(Ok(()), |(_, _, what, allowance)| {
        Err(Refusal::FileSystem { path: path(), what, allowance })
    })
}
