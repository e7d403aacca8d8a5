//! A run on its way: its process, held by a pidfd.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use super::point::readable;

/// A run that was started on a stage.
pub(super) struct Controller {
    child: Child,
    pidfd: OwnedFd,
}

impl Controller {
    pub(super) fn new(child: Child) -> Self {
        let pid = i32::try_from(child.id()).expect("a process number fits");
        let pid = rustix::process::Pid::from_raw(pid).expect("a process number is positive");
        let pidfd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty());
        Self { child, pidfd: pidfd.expect("our child is there") }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn pidfd(&self) -> &OwnedFd {
        &self.pidfd
    }

    /// Nobody reads what it prints any more.
    pub(super) fn close_outputs(&mut self) {
        self.child.stdout = None;
        self.child.stderr = None;
    }

    /// Waits for its end; none if it does not come in time, and it is killed.
    pub(super) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let ended = readable([self.pidfd.as_fd()], limit)[0];
        if !ended {
            let _ = self.child.kill();
        }
        let status = self.child.wait().ok();
        status.filter(|_| ended)
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
