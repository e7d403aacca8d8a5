//! One process, held by a pidfd so that no other can be mistaken for it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};

use crate::act::ProcessId;
use crate::spec::quantity::Signal;

/// A held process.
#[derive(Debug)]
pub struct Process {
    id: ProcessId,
    pidfd: OwnedFd,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The state's letter: `R`, `S`, `D`, `T` (stopped), `t` (traced), `Z` …
    pub state: char,
    /// The parent.
    pub parent: i32,
    /// The session.
    pub session: i32,
    /// The start, in clock ticks from boot.
    pub start_time: u64,
    /// Time on processors, user and system, in clock ticks.
    pub ticks: u64,
}

impl Process {
    /// Opens the process if it is still the same one; `None` if it is gone or its number belongs
    /// to another now.
    pub fn open(id: ProcessId) -> Result<Option<Self>> {
        let Some(pid) = Some(id.pid).filter(|pid| *pid > 1).and_then(Pid::from_raw) else {
            bail!("{} is no process that may be touched", id.pid);
        };
        let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot hold process {pid}", pid = id.pid));
            }
        };
        // The order matters: only a start time read after the pidfd is open belongs to it.
        match stat(id.pid)? {
            Some(stat) if stat.start_time == id.start_time && stat.state != 'Z' => {
                Ok(Some(Self { id, pidfd }))
            }
            _ => Ok(None),
        }
    }

    /// Holds a child of this process, whose pidfd came with it.
    pub fn of_child(pid: i32, pidfd: OwnedFd) -> Result<Self> {
        let stat = stat(pid)?.with_context(|| format!("process {pid} ended at once"))?;
        Ok(Self { id: ProcessId { pid, start_time: stat.start_time }, pidfd })
    }

    /// Who it is.
    #[must_use]
    pub const fn id(&self) -> ProcessId {
        self.id
    }

    /// Sends a signal; `false` if the process was already gone.
    pub fn signal(&self, signal: Signal) -> Result<bool> {
        let name = signal.get();
        let signal = rustix::process::Signal::from_named_raw(signal.number())
            .with_context(|| format!("{name} cannot be sent"))?;
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::SRCH) => Ok(false),
            Err(error) => {
                Err(error).with_context(|| format!("cannot send {name} to process {}", self.id))
            }
        }
    }

    /// Waits until it has ended, at most this long; whether it has. A process whose parent has
    /// not yet waited for it counts as ended.
    pub fn wait_end(&self, limit: Duration) -> Result<bool> {
        let deadline = super::clock::boottime() + limit;
        loop {
            let left = deadline.saturating_sub(super::clock::boottime());
            let timeout =
                rustix::time::Timespec::try_from(left).context("the limit is too long")?;
            let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) if left.is_zero() => return Ok(false),
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(true),
                Err(error) => return Err(error).context("cannot wait for a process"),
            }
        }
    }

    /// Whether it has ended.
    pub fn ended(&self) -> Result<bool> {
        self.wait_end(Duration::ZERO)
    }

    /// What `/proc` says of it now; `None` if it is gone.
    pub fn stat(&self) -> Result<Option<Stat>> {
        Ok(stat(self.id.pid)?.filter(|stat| stat.start_time == self.id.start_time))
    }

    /// The numbers of its threads now.
    pub fn threads(&self) -> Result<Vec<i32>> {
        let folder = format!("/proc/{}/task", self.id.pid);
        let entries =
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
        Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Reads `/proc/PID/stat` (proc(5)); `None` if there is no such process.
pub fn stat(pid: i32) -> Result<Option<Stat>> {
    read_stat(&format!("/proc/{pid}/stat"))
}

/// The same of one thread.
pub fn thread_stat(pid: i32, thread: i32) -> Result<Option<Stat>> {
    read_stat(&format!("/proc/{pid}/task/{thread}/stat"))
}

fn read_stat(path: &str) -> Result<Option<Stat>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            parse_stat(&text).with_context(|| format!("cannot understand {path}")).map(Some)
        }
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {path}")),
    }
}

/// Whether reading a process's files failed because it has ended.
#[must_use]
pub fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(libc::ESRCH)
}

/// The name in parentheses may hold anything, so fields are counted from the last parenthesis.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    Some(Stat {
        state: field(3)?.chars().next()?,
        parent: field(4)?.parse().ok()?,
        session: field(6)?.parse().ok()?,
        ticks: field(14)?.parse::<u64>().ok()? + field(15)?.parse::<u64>().ok()?,
        start_time: field(22)?.parse().ok()?,
    })
}

/// The processes in the session that this one leads: its descendants, unless they began a session
/// of their own. Without their leader they are not to be told from those of a later one with its
/// number, and so are none; [`marked`] finds them.
pub fn session_members(leader: ProcessId) -> Result<Vec<ProcessId>> {
    // A leader that ended keeps its number until its parent has waited for it.
    if stat(leader.pid)?.is_none_or(|stat| stat.start_time != leader.start_time) {
        return Ok(Vec::new());
    }
    let members = |stat: &Stat| stat.session == leader.pid && stat.start_time >= leader.start_time;
    Ok(living()?.into_iter().filter(|(_, stat)| members(stat)).map(|(id, _)| id).collect())
}

/// The processes whose program was started with all of these variables, as far as we may look.
pub fn marked(variables: &[(&str, &str)]) -> Result<Vec<ProcessId>> {
    let mark: Vec<String> =
        variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let bears = |pid: i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let has =
            |word: &String| environment.split(|byte| *byte == 0).any(|it| it == word.as_bytes());
        mark.iter().all(has)
    };
    let me = nix::unistd::getpid().as_raw();
    Ok(living()?.into_iter().map(|(id, _)| id).filter(|id| id.pid != me && bears(id.pid)).collect())
}

/// From now on whatever descends from this process becomes its child when the parent ends, wherever
/// it hides (`PR_SET_CHILD_SUBREAPER`, prctl(2)).
pub fn adopt_orphans() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("cannot adopt orphans")
}

/// Whether this process does.
#[must_use]
pub fn adopts_orphans() -> bool {
    nix::sys::prctl::get_child_subreaper().unwrap_or(false)
}

/// The children of this process, if it adopts orphans.
pub fn adopted() -> Result<Vec<ProcessId>> {
    if !adopts_orphans() {
        return Ok(Vec::new());
    }
    let me = nix::unistd::getpid().as_raw();
    Ok(living()?.into_iter().filter(|(_, stat)| stat.parent == me).map(|(id, _)| id).collect())
}

/// A process and all that descends from it now, the process first. What was adopted by another
/// because its parent ended is not to be told from a stranger.
pub fn descendants(root: ProcessId) -> Result<Vec<ProcessId>> {
    let living = living()?;
    let mut family = vec![root];
    let mut next = 0;
    while let Some(parent) = family.get(next).map(|id| id.pid) {
        family.extend(living.iter().filter(|(_, it)| it.parent == parent).map(|(id, _)| *id));
        next += 1;
    }
    Ok(family)
}

/// Who has these numbers now.
pub fn identify(pids: Vec<i32>) -> Result<Vec<ProcessId>> {
    let identify = |pid| Ok(stat(pid)?.map(|stat| ProcessId { pid, start_time: stat.start_time }));
    pids.into_iter().filter_map(|pid| identify(pid).transpose()).collect()
}

fn living() -> Result<Vec<(ProcessId, Stat)>> {
    let entries = std::fs::read_dir("/proc").context("cannot read /proc")?;
    let pids =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut living = Vec::new();
    for pid in pids.filter(|pid| *pid > 1) {
        if let Some(stat) = stat(pid)?.filter(|stat| stat.state != 'Z') {
            living.push((ProcessId { pid, start_time: stat.start_time }, stat));
        }
    }
    Ok(living)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = "7 (a) b (c) T 1 7 9 0 -1 4 1 1 1 1 30 12 0 0 20 0 1 0 4711 1 1 1";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat, Stat { state: 'T', parent: 1, session: 9, start_time: 4711, ticks: 42 });
    }

    #[test]
    fn a_process_with_another_start_time_is_another_process() {
        let me = i32::try_from(std::process::id()).unwrap();
        let start_time = stat(me).unwrap().unwrap().start_time;
        assert!(Process::open(ProcessId { pid: me, start_time }).unwrap().is_some());
        assert!(
            Process::open(ProcessId { pid: me, start_time: start_time + 1 }).unwrap().is_none()
        );
    }

    /// A number is given to somebody else sooner or later: 32768 of them are soon used up.
    #[test]
    fn a_later_session_with_the_number_of_a_dead_leader_is_a_strangers() {
        let mut stranger =
            std::process::Command::new("setsid").args(["sleep", "60"]).spawn().unwrap();
        let pid = i32::try_from(stranger.id()).unwrap();
        while stat(pid).unwrap().unwrap().session != pid {
            std::thread::yield_now();
        }
        let start_time = stat(pid).unwrap().unwrap().start_time;
        let ours = session_members(ProcessId { pid, start_time }).unwrap();
        let dead = session_members(ProcessId { pid, start_time: start_time - 1 }).unwrap();
        stranger.kill().unwrap();
        stranger.wait().unwrap();
        assert_eq!((ours, dead), (vec![ProcessId { pid, start_time }], vec![]));
    }

    #[test]
    fn init_and_nonsense_are_refused() {
        for pid in [1, 0, -1] {
            assert!(Process::open(ProcessId { pid, start_time: 0 }).is_err());
        }
    }
}
