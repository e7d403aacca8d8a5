//! One file of a journal: preallocated, locked, appended to.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::Durability;
use super::record::{self, Record};
use crate::sys::clock::boottime;

/// The room made at a time, so that a full disk cannot stop an undo from being noted.
const ROOM: u64 = 64 << 10;
/// What of the room is kept for notes of undos: intents beyond it make new room first.
const RESERVE: u64 = 16 << 10;

/// How long a lock outlives its holder at most: a child of it that has not executed its program
/// yet shares the lock.
const LINGER: Duration = Duration::from_millis(200);

/// Somebody holds the journal: its agent, or whoever undoes it at the moment.
#[derive(Debug, thiserror::Error)]
#[error("its run is still alive")]
pub(crate) struct Busy;

#[derive(Debug)]
pub(super) struct JournalFile {
    file: File,
    path: PathBuf,
    end: u64,
    room: u64,
    records: u32,
    /// Whether the file's name and its room are on the disk.
    anchored: bool,
}

impl JournalFile {
    /// Makes the file, filled with zeros, and locks it. It reaches the disk with the first record
    /// that must, since a run that undoes nothing need not wait for it.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let what = || format!("cannot make the journal {}", path.display());
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let file = options.open(path).with_context(what)?;
        let mut journal =
            Self { file, path: path.to_owned(), end: 0, room: 0, records: 0, anchored: false };
        journal.lock().with_context(what)?;
        journal.make_room().with_context(what)?;
        Ok(journal)
    }

    /// Opens a file of a process that is gone.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let what = || format!("cannot open the journal {}", path.display());
        let opened = |write: bool| {
            File::options().read(true).write(write).custom_flags(libc::O_NOFOLLOW).open(path)
        };
        // A disk that can only be read must not stop an undo, though nothing can be noted on it.
        let file = match opened(true) {
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => opened(false),
            file => file,
        };
        let file = file.with_context(what)?;
        let mut journal =
            Self { file, path: path.to_owned(), end: 0, room: 0, records: 0, anchored: false };
        journal.lock().with_context(what)?;
        let bytes = std::fs::read(path).with_context(what)?;
        let (payloads, end) = record::payloads(&bytes);
        journal.records = u32::try_from(payloads.len()).with_context(what)?;
        journal.end = end as u64;
        journal.room = bytes.len() as u64;
        Ok(journal)
    }

    /// A journal that others may write is no journal: undoing it would be doing their will.
    fn lock(&self) -> Result<()> {
        let meta = self.file.metadata()?;
        if meta.uid() != nix::unistd::geteuid().as_raw()
            || meta.mode() & 0o077 != 0
            || !meta.is_file()
        {
            bail!(
                "it does not belong to this user alone (its owner is {}, its mode {:o})",
                meta.uid(),
                meta.mode()
            );
        }
        let deadline = boottime() + LINGER;
        loop {
            match self.file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if boottime() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => return Err(Busy.into()),
                Err(TryLockError::Error(error)) => {
                    return Err(error).context("it cannot be locked");
                }
            }
        }
    }

    fn make_room(&mut self) -> Result<()> {
        crate::failpoint::error("journal-room")?;
        let zeros = vec![0_u8; usize::try_from(ROOM)?];
        self.file.write_all_at(&zeros, self.room)?;
        self.room += ROOM;
        self.anchored = false;
        Ok(())
    }

    /// Brings what was written to the disk; the first time also the file's name.
    fn sync(&mut self) -> Result<()> {
        if self.anchored {
            return Ok(self.file.sync_data()?);
        }
        self.file.sync_all()?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.anchored = true;
        Ok(())
    }

    pub(super) fn append(&mut self, record: &Record, durability: Durability) -> Result<()> {
        let what = format!("cannot write to the journal {}", self.path.display());
        let frame = record::encode(self.records + 1, record).context(what.clone())?;
        let needed = self.end + frame.len() as u64;
        let limit = if durability == Durability::Note { self.room } else { self.room - RESERVE };
        if needed > limit {
            self.make_room().context(what.clone())?;
        }
        self.file.write_all_at(&frame, self.end).context(what.clone())?;
        if durability == Durability::Machine {
            self.sync().context(what)?;
        }
        self.end = needed;
        self.records += 1;
        Ok(())
    }

    /// Removes it, and its folder if it was the last in there.
    pub(super) fn remove(self) {
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent() {
            let _ = std::fs::remove_dir(folder);
        }
    }

    /// Gives the room that was not needed back, and the name of a journal that is done with, so
    /// that a look for unfinished runs need not read it.
    pub(super) fn retire(&mut self) -> Result<()> {
        let done = self.path.with_extension("closed");
        let what = format!("cannot close the journal {}", self.path.display());
        self.file.set_len(self.end).with_context(|| what.clone())?;
        self.rename(&done).context(what)
    }

    /// Gives it another name in its folder.
    pub(super) fn rename(&mut self, path: &Path) -> Result<()> {
        std::fs::rename(&self.path, path)
            .with_context(|| format!("cannot rename the journal {}", self.path.display()))?;
        path.clone_into(&mut self.path);
        self.anchored = false;
        Ok(())
    }
}
