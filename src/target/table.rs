//! All processes, from one small file each.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, anyhow};
use procfs::FromRead as _;
use procfs::process::Stat;

use super::read;
use crate::act::ProcessId;
use crate::error::{Error, Result};

/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`: a thread of the kernel itself.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// The processes of this host at one moment. More is read of one only when it is asked for.
#[derive(Clone, Debug)]
pub struct ProcessTable {
    rows: Vec<Row>,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its identity.
    pub id: ProcessId,
    /// Its parent; 0 for none.
    pub parent: i32,
    /// Its name, 15 bytes at most.
    pub name: String,
    /// Its state, such as `S`.
    pub state: char,
    /// Whether it is a thread of the kernel.
    pub kernel_thread: bool,
}

impl ProcessTable {
    /// One pass over `/proc`; processes that vanish meanwhile are left out.
    pub fn read() -> Result<Self> {
        let folder = std::fs::read_dir("/proc").context("cannot list the processes in /proc")?;
        let mut rows = Vec::new();
        for entry in folder {
            let entry = entry.context("cannot list the processes in /proc")?;
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(pid) = pid {
                rows.extend(Row::read(pid)?);
            }
        }
        Ok(Self { rows })
    }

    /// The one process of this number, if there is one. A thread is none: `/proc` answers for its
    /// number too, though it does not list it.
    pub fn read_one(pid: i32) -> Result<Self> {
        let process = read::status(pid).map(|status| status.process);
        if let Some(process) = process.filter(|process| *process != pid) {
            let message = format!("{pid} is a thread of process {process}, and no process");
            return Err(Error::not_injected(message));
        }
        Ok(Self { rows: Row::read(pid)?.into_iter().collect() })
    }

    /// The processes.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

impl Row {
    /// Reads one process; `None` if there is none of this number (any more).
    pub(super) fn read(pid: i32) -> Result<Option<Self>> {
        // 52 numbers and a name fit; one read is all it takes.
        let mut buffer = [0; 2048];
        let stat = File::open(format!("/proc/{pid}/stat"));
        let length = match stat.and_then(|mut stat| stat.read(&mut buffer)) {
            Ok(length) => length,
            Err(error) if read::is_out_of_sight(&error) => return Ok(None),
            Err(error) => return Err(anyhow!(error).context(unreadable(pid)).into()),
        };
        let stat = Stat::from_read(buffer.get(..length).unwrap_or_default())
            .map_err(|error| anyhow!(error).context(unreadable(pid)))?;
        Ok(Some(Self::from(stat)))
    }
}

fn unreadable(pid: i32) -> String {
    format!("cannot read what /proc/{pid}/stat says of process {pid}")
}

impl From<Stat> for Row {
    fn from(stat: Stat) -> Self {
        Self {
            id: ProcessId { pid: stat.pid, start_time: stat.starttime },
            parent: stat.ppid,
            name: stat.comm,
            state: stat.state,
            kernel_thread: stat.flags & KERNEL_THREAD != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn this_process_is_in_the_table() {
        let pid = std::process::id().cast_signed();
        let table = ProcessTable::read().unwrap();
        let row = table.rows().iter().find(|row| row.id.pid == pid).unwrap();
        assert_eq!(ProcessTable::read_one(pid).unwrap().rows()[0].id, row.id);
        assert!(!row.kernel_thread);
    }

    #[test]
    fn a_number_nobody_has_is_no_row() {
        assert!(ProcessTable::read_one(i32::MAX).unwrap().rows().is_empty());
    }

    #[test]
    fn a_thread_is_no_process() {
        let thread = nix::unistd::gettid().as_raw();
        let process = std::process::id();
        let error = ProcessTable::read_one(thread).unwrap_err().to_string();
        assert_eq!(error, format!("{thread} is a thread of process {process}, and no process"));
    }

    #[test]
    fn a_name_of_strange_bytes_is_still_a_row() {
        let folder = tempfile::tempdir().unwrap();
        let name = std::ffi::OsStr::from_bytes(b"a) R (\xff\n");
        let program = folder.path().join(name);
        std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
        let mut sleeper = std::process::Command::new(&program).arg("86399").spawn().unwrap();
        let row = Row::read(sleeper.id().cast_signed());
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        assert_eq!(row.unwrap().unwrap().name, "a) R (\u{fffd}\n");
    }
}
