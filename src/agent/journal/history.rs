//! What a journal tells.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::record::{self, Record};
use super::{Header, copy_path};
use crate::act::{ActId, Class, Observed, ProcessId, Reverted, Undo};

/// The state that a journal's records add up to.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    header: Header,
    acts: BTreeMap<ActId, Entry>,
    closed: bool,
}

/// One act of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its class.
    pub class: Class,
    /// Where, in words.
    pub site: String,
    /// What takes it back.
    pub undo: Undo,
    /// What was seen when it was performed.
    pub observed: Observed,
    /// Whether it is known to have been performed whole.
    pub applied: bool,
    /// What its undo came to, if it was tried.
    pub reverted: Option<Reverted>,
}

impl Entry {
    /// Whether something may be left.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.undo != Undo::Irreversible && !self.reverted.as_ref().is_some_and(Reverted::is_clean)
    }
}

impl History {
    pub(super) const fn new(header: Header) -> Self {
        Self { header, acts: BTreeMap::new(), closed: false }
    }

    /// What is known of the run.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// All acts, in the order performed.
    pub fn acts(&self) -> impl DoubleEndedIterator<Item = (ActId, &Entry)> {
        self.acts.iter().map(|(id, entry)| (*id, entry))
    }

    /// One act.
    #[must_use]
    pub fn act(&self, id: ActId) -> Option<&Entry> {
        self.acts.get(&id)
    }

    /// What may be left of the run, the newest first.
    #[must_use]
    pub fn open(&self) -> Vec<(ActId, Entry)> {
        let open = self.acts.iter().rev().filter(|(_, entry)| entry.is_open());
        open.map(|(id, entry)| (*id, entry.clone())).collect()
    }

    /// Whether the journal was closed: nothing was left.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn apply(&mut self, record: Record) {
        match record {
            Record::Opened(_) => {}
            Record::Intent { id, class, site, undo } => {
                let observed = Observed::default();
                let entry = Entry { class, site, undo, observed, applied: false, reverted: None };
                self.acts.insert(id, entry);
            }
            Record::Applied { id, observed } => {
                if let Some(entry) = self.acts.get_mut(&id) {
                    entry.applied = true;
                    merge(&mut entry.observed.processes, observed.processes);
                }
            }
            Record::Undone { id, reverted } => {
                if let Some(entry) = self.acts.get_mut(&id) {
                    entry.reverted = Some(reverted);
                }
            }
            Record::Closed => self.closed = true,
        }
    }
}

fn merge(known: &mut Vec<ProcessId>, new: Vec<ProcessId>) {
    known.extend(new.into_iter().filter(|process| !known.contains(process)).collect::<Vec<_>>());
}

/// Reads the journal of a run without locking it: the file in its folder or the copy, whichever
/// tells more. A record of an unknown kind is an error: it could be the undo of something that
/// this version knows nothing of.
pub fn read_history(folder: &Path) -> Result<History> {
    let (path, bytes) = read_open_or_closed(folder);
    let renamed = path.extension().is_some();
    let primary = bytes.and_then(|bytes| decode(&bytes));
    let run = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let copy = copy_path(run).and_then(|path| decode(&read(&path).ok()?).ok()).filter(
        |records| matches!(records.first(), Some(Record::Opened(header)) if header.run == run),
    );
    let records = match (primary, copy) {
        (Ok(primary), Some(copy)) if copy.len() > primary.len() => copy,
        (Err(_), Some(copy)) => copy,
        (primary, _) => {
            primary.with_context(|| format!("cannot read the journal {}", path.display()))?
        }
    };
    let mut records = records.into_iter();
    let Some(Record::Opened(header)) = records.next() else {
        bail!("the journal {} does not begin with the run it belongs to", path.display());
    };
    let mut history = History::new(header);
    records.for_each(|record| history.apply(record));
    // It is renamed only when nothing is left, even if its disk could not take the last word.
    history.closed |= renamed;
    Ok(history)
}

/// A living agent may close and rename its journal between two looks, so neither is asked for first.
fn read_open_or_closed(folder: &Path) -> (PathBuf, Result<Vec<u8>>) {
    let open = folder.join("journal");
    match read(&open) {
        Err(error) if is_missing(&error) => {
            let closed = open.with_extension("closed");
            let bytes = read(&closed);
            if bytes.is_err() { (open, Err(error)) } else { (closed, bytes) }
        }
        bytes => (open, bytes),
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut file = File::options().read(true).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let meta = file.metadata()?;
    if meta.uid() != nix::unistd::geteuid().as_raw() || meta.mode() & 0o077 != 0 {
        bail!("it does not belong to this user alone");
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Result<Vec<Record>> {
    let (payloads, _) = record::payloads(bytes);
    let parse = |payload: &&[u8]| {
        serde_json::from_slice(payload).with_context(|| {
            format!(
                "a record is of a kind that this version does not know: {}; use the version that wrote it",
                String::from_utf8_lossy(payload)
            )
        })
    };
    payloads.iter().map(parse).collect()
}
