//! Taking disk space: an unnamed file that the kernel frees with its descriptor, or a named one
//! of our own where the file system has no unnamed ones.

mod room;

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, ResolveFlags, fallocate, openat, openat2};
use rustix::io::Errno;

use crate::act::{Effect, ProcessId};
use crate::spec::quantity::Size;
use crate::spec::{Allowance, Amount};

pub use room::Room;

/// A directory on the file system to fill, as a target sees it, held open.
#[derive(Debug)]
pub struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether our own view of files is the target's.
    shared: bool,
}

impl Directory {
    /// Opens a path below the root of a process (none: our own). Symbolic links of the target's
    /// stay inside its root, and links of `/proc` are not followed (openat2(2)).
    pub fn open(process: Option<ProcessId>, path: &Path) -> Result<Self> {
        let what = || format!("cannot use {}", path.display());
        let root = process
            .map_or_else(|| PathBuf::from("/"), |id| PathBuf::from(format!("/proc/{id}/root")));
        let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root_fd = openat(CWD, &root, directory, Mode::empty()).with_context(what)?;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat2(&root_fd, path, flags, Mode::empty(), resolve).with_context(what)?;
        let identity = |fd: &OwnedFd| -> Result<(u64, u64)> {
            let stat = rustix::fs::fstat(fd).with_context(what)?;
            Ok((stat.st_dev, stat.st_ino))
        };
        let ours = openat(CWD, "/", directory, Mode::empty()).with_context(what)?;
        let shared = identity(&ours)? == identity(&root_fd)?;
        Ok(Self { fd, path: path.to_owned(), shared })
    }

    /// The device of its file system, as in `st_dev`.
    pub fn device(&self) -> Result<u64> {
        Ok(rustix::fs::fstat(&self.fd).context("cannot look at the directory")?.st_dev)
    }

    /// The room on its file system.
    pub fn room(&self) -> Result<Room> {
        Room::of(self.fd.as_fd()).with_context(|| format!("cannot measure {}", self.path.display()))
    }

    /// Refuses file systems that must not be filled unless the author named them.
    pub fn permit(&self, journal: &Path, allow: &[Allowance]) -> Result<()> {
        let device = self.device()?;
        let room = self.room()?;
        let path = self.path.display();
        if let Some(name) = room.pseudo() {
            bail!("{path} is on a {name} file system, which has no room to fill");
        }
        let device_of = |path: &Path| std::fs::metadata(path).map(|meta| meta.dev()).ok();
        let is_root = device_of(Path::new("/")) == Some(device);
        let refusals = [
            (is_root, Allowance::RootFs, "the root file system", "root-fs"),
            (
                device_of(journal) == Some(device),
                Allowance::JournalFs,
                "the file system of the journal",
                "journal-fs",
            ),
            (room.in_memory(), Allowance::MemoryFs, "a file system in memory", "memory-fs"),
        ];
        for (found, allowance, what, word) in refusals {
            if found && !allow.contains(&allowance) {
                bail!(
                    "{path} is on {what}; choose another, or write `{word}` under blast-radius.allow"
                );
            }
        }
        Ok(())
    }

    /// Whether the file system has unnamed files (`O_TMPFILE`, open(2)).
    #[must_use]
    pub fn has_unnamed_files(&self) -> bool {
        self.unnamed().is_ok()
    }

    /// The name a file of ours would have where unnamed ones are not to be had.
    pub fn named(&self, name: &str) -> Result<PathBuf> {
        if !self.shared {
            bail!(
                "{} is on a file system without unnamed files (O_TMPFILE) and in another root than \
                 this process's; its undo could not be guaranteed",
                self.path.display()
            );
        }
        Ok(self.path.join(name))
    }

    fn unnamed(&self) -> rustix::io::Result<OwnedFd> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(&self.fd, ".", flags, Mode::RUSR | Mode::WUSR)
    }
}

/// Space that is taken until this is dropped.
#[derive(Debug)]
pub struct Fill {
    file: File,
    bytes: u64,
    free_before: u64,
    directory: Directory,
}

impl Fill {
    /// Takes the space, in a named file if one is given; what was taken is given back on an error.
    pub fn take(directory: Directory, amount: Amount, named: Option<&Path>) -> Result<Self> {
        let room = directory.room()?;
        let bytes = room.needed(amount)?;
        let fd = match named {
            None => directory.unnamed().context("cannot make an unnamed file")?,
            Some(path) => {
                let flags = OFlags::CREATE
                    | OFlags::EXCL
                    | OFlags::NOFOLLOW
                    | OFlags::WRONLY
                    | OFlags::CLOEXEC;
                openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)
                    .with_context(|| format!("cannot make {}", path.display()))?
            }
        };
        let fill = Self { file: File::from(fd), bytes, free_before: room.available(), directory };
        let half = bytes / 2;
        let taken = fill.allocate(0, half).and_then(|()| {
            crate::failpoint::hit("mid-apply");
            fill.allocate(half, bytes - half)
        });
        if let (Err(_), Some(path)) = (&taken, named) {
            let _ = std::fs::remove_file(path);
        }
        taken.map(|()| fill)
    }

    fn allocate(&self, offset: u64, length: u64) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::empty(), offset, length) {
            Ok(()) => Ok(()),
            Err(Errno::OPNOTSUPP) => self.write(offset, length),
            Err(error) => Err(error).with_context(|| {
                format!("cannot take {} of disk space", Size::from_bytes(self.bytes))
            }),
        }
    }

    /// For file systems without `fallocate`.
    fn write(&self, offset: u64, length: u64) -> Result<()> {
        use std::os::unix::fs::FileExt;
        let block = vec![0x5a_u8; 1 << 20];
        let mut done = 0;
        while done < length {
            let size =
                usize::try_from((length - done).min(1 << 20)).context("a block is too large")?;
            let part = block.get(..size).context("a block is too large")?;
            self.file
                .write_all_at(part, offset + done)
                .context("cannot write to the file that takes the space")?;
            done += size as u64;
        }
        self.file.sync_data().context("cannot write the file that takes the space")
    }

    /// What is taken, read back from the file and the file system.
    pub fn effect(&self) -> Result<Effect> {
        let held =
            self.file.metadata().context("cannot look at the file that takes the space")?.blocks()
                * 512;
        let room = self.directory.room()?;
        let evidence = format!(
            "{} held, {} free of {} (before: {})",
            Size::from_bytes(held),
            human(room.available()),
            human(room.total()),
            human(self.free_before),
        );
        Ok(if held >= self.bytes { Effect::proved(evidence) } else { Effect::absent(evidence) })
    }
}

fn human(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
