//! Pausing by `PTRACE_SEIZE` and `PTRACE_INTERRUPT` (ptrace(2)): stopped without a signal, so the
//! process's parent sees nothing, and released by the kernel when this process ends.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use crate::act::ProcessId;
use crate::sys::clock::boottime;
use crate::sys::process::{self, Process};

/// How long all threads together may take to stop.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a thread that was told to stop and has not is waited for before it is left to the
/// kernel, which lets go of it when this process ends.
const LETTING_GO: Duration = Duration::from_secs(1);
/// How often a thread that has not stopped yet is looked at.
const LOOK: Duration = Duration::from_micros(50);

/// All threads of a process, stopped by us. Every call must come from the thread that seized them.
#[derive(Debug)]
pub struct Tracer {
    process: ProcessId,
    threads: BTreeSet<i32>,
    /// When stopping them all is given up.
    deadline: Duration,
}

impl Tracer {
    /// Stops all threads. On an error, those that were already stopped run again.
    pub fn seize(process: &Process) -> Result<Self> {
        let mut tracer = Self {
            process: process.id(),
            threads: BTreeSet::new(),
            deadline: boottime() + PATIENCE,
        };
        match tracer.stop_all(process) {
            Ok(()) => Ok(tracer),
            Err(error) => {
                tracer.release();
                Err(error)
            }
        }
    }

    /// A thread that still runs may start another, so it goes on until a look finds no new one.
    fn stop_all(&mut self, process: &Process) -> Result<()> {
        loop {
            let new: Vec<i32> = process
                .threads()?
                .into_iter()
                .filter(|thread| !self.threads.contains(thread))
                .collect();
            if new.is_empty() {
                // By its number it was found, and the number may have gone to another in between.
                if process.ended()? {
                    bail!("process {} has ended", self.process);
                }
                return Ok(());
            }
            self.in_time()?;
            for thread in new {
                self.stop(thread)?;
                crate::failpoint::hit("mid-apply");
            }
        }
    }

    fn stop(&mut self, thread: i32) -> Result<()> {
        let pid = Pid::from_raw(thread);
        match ptrace::seize(pid, ptrace::Options::empty()) {
            Ok(()) => {}
            Err(Errno::ESRCH) => return Ok(()),
            Err(Errno::EPERM) => bail!(
                "process {} may not be traced: it is traced already, belongs to another user, or \
                 kernel.yama.ptrace_scope forbids it",
                self.process
            ),
            Err(error) => return Err(error).context("cannot trace the process"),
        }
        self.threads.insert(thread);
        match ptrace::interrupt(pid) {
            Ok(()) => self.wait_for_stop(pid),
            Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).context("cannot interrupt the process"),
        }
    }

    fn wait_for_stop(&mut self, pid: Pid) -> Result<()> {
        loop {
            match waitpid(pid, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)) => return Ok(()),
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::ECHILD) => {
                    self.threads.remove(&pid.as_raw());
                    return Ok(());
                }
                // A thread in an uninterruptible wait stops only when that is over.
                Ok(WaitStatus::StillAlive) => {
                    self.in_time()?;
                    std::thread::sleep(LOOK);
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error).context("cannot wait for the process to stop"),
            }
        }
    }

    /// Whoever stops a process must not be stopped by it: its leases would never end.
    fn in_time(&self) -> Result<()> {
        if boottime() < self.deadline {
            return Ok(());
        }
        bail!(
            "process {} did not stop within {PATIENCE:?}: it starts threads faster than they can be \
             stopped, or one of them waits for a device",
            self.process
        )
    }

    /// How many threads are stopped by us now, of how many there are.
    pub fn held(&self) -> Result<(usize, usize)> {
        let (mut held, mut all) = (0, 0);
        for thread in &self.threads {
            match process::thread_stat(self.process.pid, *thread)? {
                Some(stat) if stat.state == 't' => (held, all) = (held + 1, all + 1),
                Some(stat) if stat.state != 'Z' => all += 1,
                _ => {}
            }
        }
        Ok((held, all))
    }

    /// Lets go of all threads; those that ended meanwhile are waited for, since their parent is
    /// told of their end only after their tracer.
    pub fn release(&mut self) {
        self.reap();
        for thread in std::mem::take(&mut self.threads) {
            // ESRCH: it was killed while it was stopped, and waiting for it lets its parent see
            // it; or it was told to stop and has not yet, which a moment later it has.
            let limit = boottime() + LETTING_GO;
            while ptrace::detach(Pid::from_raw(thread), None).is_err()
                && !reap(thread)
                && boottime() < limit
            {
                std::thread::sleep(LOOK);
            }
        }
    }

    /// Waits for threads that were killed while they were stopped.
    pub fn reap(&mut self) {
        self.threads.retain(|thread| !reap(*thread));
    }

    /// Whether it still holds a thread that may end.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        !self.threads.is_empty()
    }
}

/// Waits for a traced thread if it has ended, without waiting for it to; whether it had. The end
/// of a child of our own is left for whoever started it.
fn reap(thread: i32) -> bool {
    let pid = Pid::from_raw(thread);
    let peek =
        WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT | WaitPidFlag::__WALL;
    match waitid(Id::Pid(pid), peek) {
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => {
            let ours = process::stat(thread)
                .ok()
                .flatten()
                .is_some_and(|stat| stat.parent == nix::unistd::getpid().as_raw());
            if !ours {
                let _ = waitpid(pid, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG));
            }
            true
        }
        Err(Errno::ECHILD) => true,
        _ => false,
    }
}
