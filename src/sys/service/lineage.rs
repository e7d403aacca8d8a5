//! What descends from the processes of a service, and nobody else.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};

use crate::act::ProcessId;
use crate::spec::Stop;
use crate::spec::quantity::Signal;
use crate::sys::cgroup::Cgroup;
use crate::sys::clock::boottime;
use crate::sys::process::{self, Process};

/// How a service's descendants are told from strangers.
#[derive(Debug)]
pub(super) struct Lineage<'a> {
    /// The run, in `SHAKEDOWN_RUN` of their environment.
    pub(super) run: &'a str,
    /// The service, in `SHAKEDOWN_SERVICE`.
    pub(super) service: &'a str,
    /// Every process that was started for it: the leaders of its sessions.
    pub(super) leaders: &'a [ProcessId],
    /// The control group that it was started in, where the run has any: then all of them are in
    /// there, and nobody else.
    pub(super) cgroup: Option<&'a Path>,
}

/// Ends what this process adopted: called when no service is left, so that every child is an orphan
/// of one. Its own children are adopted in turn.
pub(super) fn end_adopted() -> Result<()> {
    let deadline = boottime() + PATIENCE;
    loop {
        let orphans = process::adopted()?;
        let Some(first) = orphans.first() else { return Ok(()) };
        if boottime() > deadline {
            bail!("process {first}, which a service left behind, does not end");
        }
        for orphan in &orphans {
            if let Some(process) = Process::open(*orphan)? {
                process.signal(Signal::KILL)?;
                process.wait_end(deadline.saturating_sub(boottime()))?;
            }
        }
    }
}

/// Waits for orphans that have ended, so that they do not pile up. `ours` are waited for elsewhere.
pub(super) fn reap_adopted(ours: &[i32]) {
    let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    while process::adopts_orphans()
        && let Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) =
            waitid(Id::All, peek)
    {
        if ours.contains(&pid.as_raw()) || waitpid(pid, Some(WaitPidFlag::WNOHANG)).is_err() {
            return;
        }
    }
}

/// How long SIGKILL may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Lineage<'_> {
    /// Asks them to end, ends those that do not, and whatever is left; whether there was anything.
    pub(super) fn stop(&self, stop: Stop) -> Result<bool> {
        let members = self.members()?;
        for member in &members {
            member.signal(stop.signal)?;
        }
        let deadline = boottime() + stop.grace.get();
        for member in &members {
            member.wait_end(deadline.saturating_sub(boottime()))?;
        }
        Ok(self.end()? || !members.is_empty())
    }

    /// Ends all of them at once, and looks that none is left; whether there was anything.
    pub(super) fn end(&self) -> Result<bool> {
        if let Some(cgroup) = self.cgroup {
            let Some(cgroup) = Cgroup::existing(cgroup) else { return Ok(false) };
            return cgroup.destroy().map(|()| true);
        }
        let deadline = boottime() + PATIENCE;
        let mut found = false;
        // One that was not killed yet may have started another meanwhile.
        loop {
            let members = self.members()?;
            let Some(first) = members.first() else { return Ok(found) };
            if found && boottime() > deadline {
                bail!("process {} of the service {} does not end", first.id(), self.service);
            }
            found = true;
            for member in &members {
                member.signal(Signal::KILL)?;
            }
            for member in &members {
                member.wait_end(deadline.saturating_sub(boottime()))?;
            }
        }
    }

    fn members(&self) -> Result<Vec<Process>> {
        let ids = match self.cgroup.map(Cgroup::existing) {
            Some(Some(cgroup)) => process::identify(cgroup.processes()?)?,
            Some(None) => Vec::new(),
            None => self.relatives()?,
        };
        let open = ids.into_iter().filter_map(|id| Process::open(id).transpose());
        open.filter(|process| !matches!(process.as_ref().map(Process::ended), Ok(Ok(true))))
            .collect()
    }

    /// Without a control group: whoever bears the run's and the service's name in its environment,
    /// wherever it hid, and whoever is in a session that one of the leaders still leads.
    fn relatives(&self) -> Result<Vec<ProcessId>> {
        let mark = [("SHAKEDOWN_RUN", self.run), ("SHAKEDOWN_SERVICE", self.service)];
        let mut relatives = process::marked(&mark)?;
        for leader in self.leaders {
            for member in process::session_members(*leader)? {
                if !relatives.contains(&member) {
                    relatives.push(member);
                }
            }
        }
        Ok(relatives)
    }
}
