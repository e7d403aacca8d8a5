//! A load on processors beside a target: workers in the target's own control groups and on its
//! processors, which die with us and by a deadline of their own.

mod allotment;
mod worker;

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::cgroup::Trees;
use super::clock::boottime;
use super::process::{self, Process};
use super::spawn::Spawn;
use crate::act::{Effect, ProcessId};
use crate::spec::quantity::{Cores, Percent};

pub use worker::{Worker, run_worker};

/// Running workers. Dropping it ends them.
#[derive(Debug)]
pub struct Stress {
    workers: Vec<Process>,
    load: Percent,
    started: Duration,
}

/// What the workers outlive the fault by, if nobody ends them: their last look comes at its end.
const GRACE: Duration = Duration::from_secs(1);

impl Stress {
    /// Starts the workers beside the target; returns when each has burnt its first time.
    pub fn start(target: ProcessId, cores: Cores, load: Percent, limit: Duration) -> Result<Self> {
        let count = match cores {
            Cores::Count(count) => usize::from(count),
            Cores::All => allotment::processors(target.pid)?,
        };
        let mut stress = Self { workers: Vec::new(), load, started: boottime() };
        let deadline = boottime() + limit + GRACE;
        for _ in 0..count {
            stress.workers.push(start_worker(target, load, deadline)?);
            crate::failpoint::hit("mid-apply");
        }
        stress.await_first_work()?;
        Ok(stress)
    }

    /// Who the workers are.
    #[must_use]
    pub fn processes(&self) -> Vec<ProcessId> {
        self.workers.iter().map(Process::id).collect()
    }

    /// What the workers have burnt so far, against what was asked.
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    pub fn effect(&self) -> Result<Effect> {
        let mut burnt = Duration::ZERO;
        let mut alive = 0;
        for worker in &self.workers {
            if let Some(time) = time_on_processor(worker)? {
                (burnt, alive) = (burnt + time, alive + 1);
            }
        }
        let elapsed = boottime().saturating_sub(self.started).as_secs_f64().max(1e-9);
        let count = self.workers.len();
        let share = 100.0 * burnt.as_secs_f64() / elapsed / count.max(1) as f64;
        let evidence =
            format!("{alive} of {count} workers burn {share:.1}% each, asked {}", self.load);
        Ok(if alive < count {
            Effect::absent(format!("{evidence}; the others ended early"))
        } else if burnt.is_zero() {
            Effect::absent(evidence)
        } else {
            Effect::proved(evidence)
        })
    }

    /// Ends the workers and waits until they are gone.
    pub fn stop(&mut self) -> Result<()> {
        for worker in &self.workers {
            worker.signal(crate::spec::quantity::Signal::KILL)?;
        }
        crate::failpoint::hit("mid-undo");
        for worker in std::mem::take(&mut self.workers) {
            if !worker.wait_end(Duration::from_secs(2))? {
                bail!("the stress worker {} does not end", worker.id());
            }
            let _ = nix::sys::wait::waitpid(Pid::from_raw(worker.id().pid), None);
        }
        Ok(())
    }

    fn await_first_work(&self) -> Result<()> {
        let deadline = boottime() + Duration::from_secs(1);
        for worker in &self.workers {
            while time_on_processor(worker)?.is_none_or(|time| time < Duration::from_micros(200)) {
                if boottime() > deadline || worker.ended()? {
                    bail!("the stress worker {} got no processor time within 1 s", worker.id());
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        Ok(())
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// The worker waits for a byte on its standard input, so that it burns nothing before it is in
/// the target's groups; end of file, when we die in between, ends it.
fn start_worker(target: ProcessId, load: Percent, deadline: Duration) -> Result<Process> {
    let (gate, opener) =
        nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).context("cannot make a pipe")?;
    let null: OwnedFd =
        File::options().write(true).open("/dev/null").context("cannot open /dev/null")?.into();
    let (load, deadline) = (load.get().to_string(), deadline.as_nanos().to_string());
    let arguments = ["stress-worker", "--load", &load, "--deadline", &deadline];
    let worker = Spawn {
        program: OsStr::new("/proc/self/exe"),
        arguments: arguments.iter().map(OsStr::new).collect(),
        // No selector reaches what bears this mark.
        environment: vec![("SHAKEDOWN_AGENT".to_owned(), "stress".to_owned())],
        directory: Path::new("/"),
        stdio: [gate.as_fd(), null.as_fd(), null.as_fd()],
        cgroup: None,
        network: None,
        dies_with_us: true,
    }
    .start()?;
    let placed = place(target, &worker).and_then(|()| {
        File::from(opener).write_all(b"go").context("the stress worker ended at once")
    });
    if let Err(error) = placed {
        worker.signal(crate::spec::quantity::Signal::KILL)?;
        let _ = nix::sys::wait::waitpid(Pid::from_raw(worker.id().pid), None);
        return Err(error);
    }
    Ok(worker)
}

/// Moves the worker into each control group of the target and onto its processors, and reads back
/// that it is there.
fn place(target: ProcessId, worker: &Process) -> Result<()> {
    let trees = Trees::read()?;
    let pid = worker.id().pid;
    let (wanted, present) = (trees.groups_of(target.pid)?, trees.groups_of(pid)?);
    for group in wanted.iter().filter(|group| !present.contains(group)) {
        let procs = group.join("cgroup.procs");
        std::fs::write(&procs, pid.to_string()).with_context(|| {
            format!("cannot enter the target's control group {}; root may", group.display())
        })?;
    }
    if trees.groups_of(pid)? != wanted {
        bail!("the stress worker is not in the control groups of process {target}");
    }
    let set = sched_getaffinity(Pid::from_raw(target.pid))
        .context("cannot read the target's processors")?;
    sched_setaffinity(Pid::from_raw(pid), &set).context("cannot use the target's processors")
}

/// The first field of `/proc/PID/schedstat` (sched-stats.rst): nanoseconds on a processor.
fn time_on_processor(worker: &Process) -> Result<Option<Duration>> {
    let path = format!("/proc/{}/schedstat", worker.id());
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if process::is_gone(&error) => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
    };
    if worker.ended()? {
        return Ok(None);
    }
    let nanos = text.split(' ').next().and_then(|field| field.parse().ok());
    nanos.map(Duration::from_nanos).map(Some).with_context(|| format!("cannot understand {path}"))
}
