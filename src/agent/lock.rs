//! One lock per host object and kind of fault, so that two runs cannot undo each other.

use std::fs::{self, DirBuilder, File};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::journal::runtime_folder;
use super::runs::Runs;
use crate::sys::clock::boottime;

/// How long a lock is tried to be taken.
const PATIENCE: Duration = Duration::from_millis(200);

/// A held lock: the kernel lets go of it when its holder ends, however that happens.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of an object, such as `pause-4711-12345`. It is an error if another run, or
    /// this one, holds it.
    pub fn take(object: &str, run: &str) -> Result<Self> {
        let folder = folder();
        let path = folder.join(object);
        let what = || format!("cannot lock {}", path.display());
        let deadline = boottime() + PATIENCE;
        loop {
            DirBuilder::new().recursive(true).mode(0o700).create(&folder).with_context(what)?;
            // The last holder of any lock removes the folder.
            let Ok(meta) = fs::symlink_metadata(&folder) else { continue };
            require_private(&meta).with_context(what)?;
            let file = File::options()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW)
                .open(&path);
            if matches!(&file, Err(error) if error.kind() == std::io::ErrorKind::NotFound) {
                continue;
            }
            let mut file = file.with_context(what)?;
            if file.try_lock().is_err() {
                // A child that its dead holder was just starting may hold it for a moment longer.
                if boottime() < deadline {
                    std::thread::sleep(Duration::from_millis(5));
                    continue;
                }
                let mut holder = String::new();
                file.read_to_string(&mut holder).with_context(what)?;
                bail!(
                    "the run {} already does this to the same target; wait for it, or end it with `shakedown rollback`",
                    holder.trim()
                );
            }
            // The holder before may have removed the file between our opening and locking it.
            if !is_same(&file, &path) {
                continue;
            }
            file.set_len(0).with_context(what)?;
            file.rewind().with_context(what)?;
            file.write_all(run.as_bytes()).with_context(what)?;
            return Ok(Self { path, _file: file });
        }
    }
}

impl Lock {
    /// Whether it is the lock of this object.
    #[must_use]
    pub fn is_of(&self, object: &str) -> bool {
        self.path.file_name().is_some_and(|name| name == object)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        remove_folder();
    }
}

/// Removes the folder of locks when the last is gone; that fails while there are others.
fn remove_folder() {
    let _ = fs::remove_dir(folder());
}

/// Removes the lock files of a run that died; those of a living one are locked and stay.
pub(super) fn sweep(run: &str) {
    for entry in fs::read_dir(folder()).into_iter().flatten().flatten() {
        let path = entry.path();
        let ours = fs::read_to_string(&path).is_ok_and(|holder| holder.trim() == run);
        if ours
            && File::open(&path).is_ok_and(|file| file.try_lock().is_ok() && is_same(&file, &path))
        {
            let _ = fs::remove_file(&path);
        }
    }
    remove_folder();
}

/// Where everybody may make a folder, somebody else may have made this one.
fn require_private(meta: &fs::Metadata) -> Result<()> {
    if !meta.is_dir() || meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        bail!(
            "its folder must be one that only this user can write to (owner {}, mode {:o})",
            meta.uid(),
            meta.mode() & 0o7777
        );
    }
    Ok(())
}

fn is_same(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(named)) => (held.dev(), held.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Locks die with the boot, as the faults do that they guard: they are beside the copies of the
/// journals, or among the runs of a user who has no folder in memory. Never where others write.
fn folder() -> PathBuf {
    let base = runtime_folder().or_else(|| Some(Runs::locate().ok()?.base().to_owned()));
    base.unwrap_or_default().join("locks")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_that_others_could_have_made_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let folder = |name: &str, mode: u32| {
            let path = base.path().join(name);
            DirBuilder::new().mode(mode).create(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let private = folder("private", 0o700);
        let link = base.path().join("link");
        std::os::unix::fs::symlink(&private, &link).unwrap();
        let check = |path: &Path| require_private(&fs::symlink_metadata(path).unwrap());
        assert!(check(&private).is_ok());
        assert!(check(&folder("shared", 0o777)).is_err());
        assert!(check(&link).is_err());
    }

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let object = format!("test-{}", rand::random::<u64>());
        let first = Lock::take(&object, "run-a").unwrap();
        let error = Lock::take(&object, "run-b").unwrap_err().to_string();
        assert!(error.contains("run-a"), "{error}");
        sweep("run-a");
        assert!(Lock::take(&object, "run-b").is_err(), "a sweep must not free a held lock");
        drop(first);
        drop(Lock::take(&object, "run-b").unwrap());
    }
}
