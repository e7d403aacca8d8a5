//! A child of our own to try things on.

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::spec::quantity::Signal;
use crate::sys::cgroup::Cgroup;
use crate::sys::pause::Tracer;
use crate::sys::process::Process;
use crate::sys::spawn::Spawn;

/// A program that does nothing but read its standard input, which says nothing.
#[derive(Clone, Copy, Debug)]
pub struct Stand<'a> {
    /// The program.
    pub program: &'a OsStr,
    /// Its arguments.
    pub arguments: &'a [&'a str],
}

/// It, running; killed and waited for when this is dropped.
#[derive(Debug)]
pub struct Bystander {
    process: Process,
    _silence: UnixStream,
}

impl Bystander {
    /// Starts it, in a group where one is given (`clone3(2)` with a pidfd).
    pub fn start(stand: Stand<'_>, group: Option<&Cgroup>) -> Result<Self> {
        let (silence, theirs) = UnixStream::pair().context("cannot make a socket")?;
        let nothing = File::options().write(true).open("/dev/null");
        let nothing = nothing.context("cannot open /dev/null")?;
        let group = group.map(Cgroup::open).transpose()?;
        let process = Spawn {
            program: stand.program,
            arguments: stand.arguments.iter().map(OsStr::new).collect(),
            environment: Vec::new(),
            directory: Path::new("/"),
            stdio: [theirs.as_fd(), nothing.as_fd(), nothing.as_fd()],
            cgroup: group.as_ref().map(AsFd::as_fd),
            network: None,
            dies_with_us: true,
        }
        .start()?;
        Ok(Self { process, _silence: silence })
    }

    /// Signals it through its pidfd, and stops and releases it by ptrace(2).
    pub fn trace(&self) -> Result<()> {
        let mut tracer = Tracer::seize(&self.process)?;
        let held = tracer.held();
        tracer.release();
        let (held, all) = held?;
        ensure!(held == all && all > 0, "{held} of {all} threads were stopped");
        Ok(())
    }

    /// Sends it a signal through its pidfd and waits for its end.
    pub fn end(&self) -> Result<()> {
        self.process.signal(Signal::KILL)?;
        self.wait_end()
    }

    /// Waits for its end.
    pub(super) fn wait_end(&self) -> Result<()> {
        let ended = self.process.wait_end(Duration::from_secs(2))?;
        ensure!(ended, "the child {} lives on", self.process.id());
        Ok(())
    }

    pub(super) fn pid(&self) -> i32 {
        self.process.id().pid
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.process.signal(Signal::KILL);
        let _ = waitpid(Pid::from_raw(self.pid()), None);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads until the end of its input.
    pub(in crate::sys::trial) fn cat() -> Stand<'static> {
        Stand { program: OsStr::new("/bin/cat"), arguments: &[] }
    }

    #[test]
    fn a_child_can_be_stopped_and_ended() {
        let child = Bystander::start(cat(), None).unwrap();
        let pid = child.pid();
        match child.trace() {
            Ok(()) => {}
            Err(error) => println!("skipped: no ptrace here: {error:#}"),
        }
        child.end().unwrap();
        drop(child);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }
}
