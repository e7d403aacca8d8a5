//! A target's files.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, openat, openat2};
use rustix::io::Errno;

use crate::sys::process::Process;

/// More than any file that we read has, in bytes.
const LARGEST: u64 = 4 << 20;

/// The root directory of a process, held open.
#[derive(Debug)]
pub(super) struct Root(OwnedFd);

impl Root {
    /// The root of a process that is held, and so is still the one that it was.
    pub(super) fn of(process: &Process) -> Result<Self> {
        let id = process.id();
        let root = Self::at(Path::new(&format!("/proc/{id}/root")))
            .with_context(|| format!("cannot see the files of process {id}"))?;
        if process.ended()? {
            bail!("process {id} has ended");
        }
        Ok(root)
    }

    pub(super) fn at(folder: &Path) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, folder, flags, Mode::empty())?))
    }

    /// The text of a file; `None` if there is none. Symbolic links stay inside the root, and links
    /// of `/proc` are not followed (openat2(2)).
    pub(super) fn read(&self, path: &str) -> Result<Option<String>> {
        let what = || format!("cannot read the target's {path}");
        // Not to wait for somebody to write to a pipe.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = match openat2(&self.0, path, flags, Mode::empty(), resolve) {
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            file => file.with_context(what)?,
        };
        let stat = fstat(&file).with_context(what)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            bail!("the target's {path} is no ordinary file");
        }
        let mut bytes = Vec::new();
        std::fs::File::from(file).take(LARGEST).read_to_end(&mut bytes).with_context(what)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}
