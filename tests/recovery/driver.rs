//! The agent's steps, without its process: what it does between two of them can be its last.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Result, bail};
use shakedown::act::{ActId, ProcessId};
use shakedown::agent::{Header, Journal, Recovery, System};

use super::kind::Kind;
use super::machine::Machine;

/// What an agent is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// Perform an act on the n-th object.
    Do(Kind, u8),
    /// Undo the n-th act, if there is one.
    Undo(usize),
}

/// What becomes of the journal's copy in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copy {
    /// It is gone: the one on disk is all there is.
    Lost,
    /// It is there, torn at the same place.
    Kept,
}

/// How many steps are left to live.
#[derive(Clone, Debug)]
pub(crate) struct Fuse(Rc<Cell<usize>>);

impl Fuse {
    pub(crate) fn new(steps: usize) -> Self {
        Self(Rc::new(Cell::new(steps)))
    }

    pub(crate) fn endless() -> Self {
        Self::new(usize::MAX)
    }

    /// One step; an error when it was the last.
    pub(crate) fn burn(&self) -> Result<()> {
        let left = self.0.get().saturating_sub(1);
        self.0.set(left);
        anyhow::ensure!(left > 0, "killed");
        Ok(())
    }
}

/// Where a dead agent's journal is.
pub(crate) struct Grave {
    _base: tempfile::TempDir,
    folder: PathBuf,
    run: String,
}

impl Grave {
    pub(crate) fn new() -> Self {
        let base = tempfile::tempdir().expect("the temporary folder can be written");
        let run = format!("test-{:016x}", rand::random::<u64>());
        let folder = base.path().join(&run);
        std::fs::create_dir(&folder).expect("the temporary folder can be written");
        Self { _base: base, folder, run }
    }

    fn header(&self) -> Header {
        Header {
            run: self.run.clone(),
            title: "a test".to_owned(),
            boot: shakedown::sys::clock::boot_id().expect("this host has a boot id"),
            agent: ProcessId { pid: 2, start_time: 3 },
            deadline_ns: 5,
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    /// Where root's copy is; others may have none.
    fn copy(&self) -> PathBuf {
        PathBuf::from(format!("/run/shakedown/{}.journal", self.run))
    }

    /// Tears the last record, if the agent died while it wrote it, and may lose the copy.
    pub(crate) fn bury(&self, torn: Option<usize>, copy: Copy) {
        if copy == Copy::Lost {
            let _ = std::fs::remove_file(self.copy());
        }
        for path in [self.folder.join("journal"), self.copy()] {
            if let (Some(torn), Ok(bytes)) = (torn, std::fs::read(&path)) {
                std::fs::write(&path, tear(bytes, torn)).expect("the journal can be written");
            }
        }
    }
}

impl Drop for Grave {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(self.copy());
        let _ = std::fs::remove_dir("/run/shakedown");
    }
}

/// The bytes of a journal whose last record did not come to the disk as a whole: its end is zeros.
fn tear(mut bytes: Vec<u8>, torn: usize) -> Vec<u8> {
    let (mut begin, mut end) = (0, 0);
    while let Some(length) = bytes.get(end..end + 4).filter(|length| length != &[0; 4]) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes"));
        (begin, end) = (end, end + 12 + usize::try_from(length).expect("a short record"));
    }
    let missing = 1 + torn % (end - begin);
    bytes[end - missing..end].fill(0);
    bytes
}

/// An agent without a process.
pub(crate) struct Agent {
    machine: Machine,
    journal: Journal,
    fuse: Fuse,
    careful: bool,
    wrote_last: bool,
}

impl Agent {
    /// It writes each undo down before it acts, since it cannot act otherwise.
    pub(crate) fn honest(machine: Machine, grave: &Grave) -> Self {
        Self::new(machine, grave, true)
    }

    /// It acts first, by a way in that the real machine has not.
    pub(crate) fn careless(machine: Machine, grave: &Grave) -> Self {
        Self::new(machine, grave, false)
    }

    fn new(machine: Machine, grave: &Grave, careful: bool) -> Self {
        let journal = Journal::create(&grave.folder, grave.header()).expect("it can be made");
        Self { machine, journal, fuse: Fuse::endless(), careful, wrote_last: false }
    }

    /// Does what it is told until it dies or there is no more. Then it is gone, whatever it held.
    /// Whether the last it did was to write to its journal.
    pub(crate) fn live(mut self, steps: &[Step], death: usize) -> bool {
        self.fuse = Fuse::new(death.saturating_add(1));
        self.machine = self.machine.seen_by(&self.fuse);
        for (number, step) in (1..).zip(steps) {
            // What cannot be done is not done; only death ends it.
            let _ = self.step(ActId(number), *step);
            if self.fuse.0.get() == 0 {
                return self.wrote_last;
            }
        }
        false
    }

    /// A step that was a write; an error when it was the last.
    fn wrote(&mut self) -> Result<()> {
        self.wrote_last = self.fuse.burn().is_err();
        anyhow::ensure!(!self.wrote_last, "killed");
        Ok(())
    }

    fn step(&mut self, id: ActId, step: Step) -> Result<()> {
        match step {
            Step::Do(kind, on) => self.perform(id, kind, on),
            Step::Undo(which) => self.undo(which),
        }
    }

    fn perform(&mut self, id: ActId, kind: Kind, on: u8) -> Result<()> {
        let act = kind.act(on);
        let undo = self.machine.undo_of(id, &act)?;
        let observed = if self.careful {
            let recorded = self.journal.record(id, act, undo)?;
            self.wrote()?;
            self.machine.perform(recorded)?.1
        } else {
            let observed = self.machine.change(id, &act, &undo)?;
            self.journal.record(id, act, undo)?;
            self.wrote()?;
            observed
        };
        self.journal.applied(id, observed)?;
        self.wrote()
    }

    fn undo(&mut self, which: usize) -> Result<()> {
        let open = self.journal.history().open();
        let Some((id, entry)) = open.get(which) else { return Ok(()) };
        let reverted = self.machine.revert(*id, &entry.undo, &entry.observed);
        if self.fuse.0.get() == 0 {
            bail!("killed");
        }
        self.journal.undone(*id, reverted)?;
        self.wrote()
    }
}

/// The next command on the host.
pub(crate) fn recover(grave: &Grave, machine: &Machine) -> Recovery {
    shakedown::agent::recover(&grave.folder, &mut machine.clone()).expect("the journal can be read")
}

/// Somebody who begins to undo, and dies too.
pub(crate) fn recover_in_part(grave: &Grave, machine: &Machine, death: usize) {
    let Ok(mut journal) = Journal::resume(&grave.folder) else { return };
    for (id, entry) in journal.history().open().into_iter().take(death) {
        let reverted = machine.clone().revert(id, &entry.undo, &entry.observed);
        // The last undo is not noted any more.
        if usize::try_from(id.0).is_ok_and(|id| id % 2 == 0) {
            journal.undone(id, reverted).expect("it can be written");
        }
    }
}

/// Whether the journal says that nothing is left.
pub(crate) fn is_closed(grave: &Grave) -> bool {
    shakedown::agent::read_history(&grave.folder).is_ok_and(|history| history.is_closed())
}

/// Takes everything back that the journal names, whether or not that was done before.
pub(crate) fn revert_everything(grave: &Grave, machine: &Machine) {
    let history = shakedown::agent::read_history(&grave.folder).expect("it can be read");
    for (id, entry) in history.acts().rev() {
        machine.clone().revert(id, &entry.undo, &entry.observed);
    }
}
