//! The undo journal: what must be taken back is written down before anything is done.

mod file;
mod history;
mod record;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::act::{Act, ActId, Class, Observed, Reverted, Undo};

pub(super) use file::Busy;
use file::JournalFile;
pub use history::{Entry, History, read_history};
use record::Record;

/// What is known before the first act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Header {
    /// The run's id.
    pub run: String,
    /// The experiment's title.
    pub title: String,
    /// The boot it runs in.
    pub boot: String,
    /// The agent's process.
    pub agent: crate::act::ProcessId,
    /// The moment on `CLOCK_BOOTTIME`, in nanoseconds, at which the agent reverts by itself.
    pub deadline_ns: u64,
    /// The wall clock, for display only.
    pub at: jiff::Timestamp,
}

/// An open journal: one preallocated file in the run's folder, locked, and a copy in memory's
/// file system that survives a full disk.
#[derive(Debug)]
pub struct Journal {
    primary: JournalFile,
    copy: Option<JournalFile>,
    history: History,
}

/// Proof that an act's undo is in the journal. Only [`Journal::record`] makes one:
///
/// ```compile_fail
/// use shakedown::act::{Act, ActId, Undo};
/// fn forge(id: ActId, act: Act) -> shakedown::agent::Recorded {
///     shakedown::agent::Recorded { id, act, undo: Undo::Irreversible }
/// }
/// ```
#[derive(Debug)]
pub struct Recorded {
    id: ActId,
    act: Act,
    undo: Undo,
}

impl Recorded {
    /// The act's number.
    #[must_use]
    pub const fn id(&self) -> ActId {
        self.id
    }

    /// What may be performed now.
    #[must_use]
    pub const fn act(&self) -> &Act {
        &self.act
    }

    /// What takes it back.
    #[must_use]
    pub const fn undo(&self) -> &Undo {
        &self.undo
    }
}

impl Journal {
    /// Makes the journal of a run. The run's folder exists.
    pub fn create(folder: &Path, header: Header) -> Result<Self> {
        let primary = JournalFile::create(&folder.join("journal.new"))?;
        // A copy is a second chance, not a promise: a host without the folder does without.
        let copy = copy_path(&header.run).and_then(|path| {
            // A run that ends just now may remove the folder in between.
            (0..ATTEMPTS).find_map(|_| create_copy(&path).ok())
        });
        let mut journal = Self { primary, copy, history: History::new(header.clone()) };
        // A journal has its name only when it says whose it is: half of one would be a riddle to
        // whoever finds it, and nothing has been done yet.
        let opened = Record::Opened(header);
        journal.append(&opened, Durability::Process)?;
        journal.primary.rename(&folder.join("journal"))?;
        Ok(journal)
    }

    /// Opens the journal of a run whose agent is gone, to go on with its undo. Fails while the
    /// agent lives, which holds the lock.
    pub fn resume(folder: &Path) -> Result<Self> {
        // What is read before it is locked may not be all that was written.
        let primary = JournalFile::open(&folder.join("journal"))?;
        let history = read_history(folder)?;
        let copy = copy_path(&history.header().run).and_then(|path| JournalFile::open(&path).ok());
        Ok(Self { primary, copy, history })
    }

    /// Writes an act's undo down, as durably as the act itself is: an undo that is still needed
    /// after a restart of the machine is on the disk before this returns, any other is with the
    /// kernel, where the death of every process leaves it. Only then may the act be performed.
    pub fn record(&mut self, id: ActId, act: Act, undo: Undo) -> Result<Recorded> {
        crate::failpoint::hit("before-intent");
        let intent = Record::Intent {
            id,
            class: act.class(),
            site: act.site().to_string(),
            undo: undo.clone(),
        };
        // What the machine's next start undoes by itself need not survive the machine: waiting for
        // the disk would guard nothing.
        let durability =
            if undo.vanishes_with_boot() { Durability::Process } else { Durability::Machine };
        self.append(&intent, durability)
            .context("the undo could not be written down, so nothing was done")?;
        crate::failpoint::hit("after-intent");
        Ok(Recorded { id, act, undo })
    }

    /// Writes the undo of something the agent made for itself, such as its control group. It is
    /// gone with the machine's next start in any case, so it need not be on the disk.
    pub fn record_own(&mut self, id: ActId, undo: Undo) -> Result<()> {
        let intent = Record::Intent { id, class: Class::J, site: "the agent".to_owned(), undo };
        self.append(&intent, Durability::Process)
    }

    /// Notes what only the performed act could know.
    pub fn applied(&mut self, id: ActId, observed: Observed) -> Result<()> {
        self.append(&Record::Applied { id, observed }, Durability::Note)
    }

    /// Notes what an undo came to. A note that is lost costs nothing: undo again is undo once.
    pub fn undone(&mut self, id: ActId, reverted: Reverted) -> Result<()> {
        self.append(&Record::Undone { id, reverted }, Durability::Note)
    }

    /// Notes that nothing is left to undo, and removes the copy.
    pub fn close(&mut self) -> Result<()> {
        self.append(&Record::Closed, Durability::Note)?;
        if let Some(copy) = self.copy.take() {
            copy.remove();
        }
        self.primary.retire()
    }

    /// What has been noted so far.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// One of the two files is enough for a note, but an intent needs the one in the run's folder.
    fn append(&mut self, record: &Record, durability: Durability) -> Result<()> {
        let copied = self.copy.as_mut().map(|copy| copy.append(record, Durability::Process));
        let written = crate::failpoint::error("journal-write")
            .context("the disk of the journal failed")
            .and_then(|()| self.primary.append(record, durability));
        if durability == Durability::Note && matches!(copied, Some(Ok(()))) {
            self.history.apply(record.clone());
            return Ok(());
        }
        written?;
        self.history.apply(record.clone());
        Ok(())
    }
}

/// How far a record must have come before its writer goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// In either file: what is lost is found out again.
    Note,
    /// In the run's folder: survives the death of every process.
    Process,
    /// On its disk: survives the death of the machine.
    Machine,
}

/// How often the copy is tried to be made.
const ATTEMPTS: usize = 3;

fn create_copy(path: &Path) -> Result<JournalFile> {
    let folder = path.parent().context("the copy has no folder")?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    JournalFile::create(path)
}

/// Where the copy of a run's journal is.
fn copy_path(run: &str) -> Option<PathBuf> {
    Some(runtime_folder()?.join(format!("{run}.journal")))
}

/// The folder of the copies of journals, in memory: below `/run` for root, `$XDG_RUNTIME_DIR` for
/// others, who may have none.
#[must_use]
pub fn runtime_folder() -> Option<PathBuf> {
    let base = if nix::unistd::geteuid().is_root() {
        PathBuf::from("/run")
    } else {
        PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?)
    };
    Some(base.join("shakedown"))
}

#[cfg(test)]
mod tests;
