//! A folder that journals are to be written in.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::fs::{CWD, Mode, OFlags, openat};

/// What a file in the folder can do. No file is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderTrial {
    /// Whether the file system has unnamed files (`O_TMPFILE`, open(2)).
    pub unnamed: bool,
    /// How long `fdatasync(2)` of one page took.
    pub sync: Duration,
}

impl FolderTrial {
    /// Writes a page and waits until it is on the disk.
    pub fn of(folder: &Path) -> Result<Self> {
        let what = || format!("cannot write to {}", folder.display());
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match openat(CWD, folder, flags, Mode::RUSR | Mode::WUSR) {
            Ok(file) => {
                let sync = sync(&mut File::from(file)).with_context(what)?;
                Ok(Self { unnamed: true, sync })
            }
            Err(_) => Ok(Self { unnamed: false, sync: named(folder).with_context(what)? }),
        }
    }
}

fn named(folder: &Path) -> Result<Duration> {
    let path = folder.join(format!(".shakedown-doctor-{}", std::process::id()));
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut file = options.open(&path)?;
    let took = sync(&mut file);
    std::fs::remove_file(&path)?;
    Ok(took?)
}

fn sync(file: &mut File) -> std::io::Result<Duration> {
    file.write_all(&[0; 4096])?;
    let start = Instant::now();
    file.sync_data()?;
    Ok(start.elapsed())
}

/// The folder, or the nearest one above it that is there, without symbolic links: where the
/// folder would be made.
#[must_use]
pub fn nearest(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find_map(|above| std::fs::canonicalize(above).ok());
    found.unwrap_or_else(|| PathBuf::from("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let trial = FolderTrial::of(folder.path()).unwrap();
        assert!(trial.sync > Duration::ZERO);
        assert!(named(folder.path()).unwrap() > Duration::ZERO);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = folder.path().join("not/there");
        assert_eq!(nearest(&missing), std::fs::canonicalize(folder.path()).unwrap());
        assert!(FolderTrial::of(&missing).is_err());
    }
}
