//! What a service does at the moment.

use std::time::Duration;

use crate::act::RestartService;
use crate::spec::quantity::Signal;
use crate::sys::clock::boottime;
use crate::sys::process::Process;

/// What a service does at the moment.
pub(super) enum State {
    /// It runs.
    Running(Process),
    /// It is on its way down, or down, to be started again.
    Down(Down),
    /// It ended and stays so.
    Stopped,
}

/// A service that will be started again.
pub(super) struct Down {
    /// The process that was asked to end, until it has.
    ending: Option<Ending>,
    /// When to start it again; for a process that has not ended, how long after its end.
    start: Duration,
}

struct Ending {
    process: Process,
    kill_at: Option<Duration>,
}

impl Down {
    /// Down until this moment.
    pub(super) const fn until(moment: Duration) -> Self {
        Self { ending: None, start: moment }
    }
}

impl State {
    /// The process it has, running or ending.
    pub(super) const fn process(&self) -> Option<&Process> {
        match self {
            Self::Running(process)
            | Self::Down(Down { ending: Some(Ending { process, .. }), .. }) => Some(process),
            Self::Down(_) | Self::Stopped => None,
        }
    }

    /// From running to ending by a restart.
    pub(super) fn end_by(&mut self, restart: &RestartService) {
        if let Self::Running(process) = std::mem::replace(self, Self::Stopped) {
            let kill_at = Some(boottime() + restart.kill_after.get());
            *self = Self::Down(Down {
                ending: Some(Ending { process, kill_at }),
                start: restart.down.get(),
            });
        }
    }

    /// For a process that is ending: how long the service stays down after it.
    pub(super) const fn pending_restart(&self) -> Option<Duration> {
        match self {
            Self::Down(Down { ending: Some(_), start }) => Some(*start),
            _ => None,
        }
    }

    /// When it must be looked at next, beside the end of its process.
    pub(super) const fn moment(&self) -> Option<Duration> {
        match self {
            Self::Down(Down { ending: None, start }) => Some(*start),
            Self::Down(Down { ending: Some(ending), .. }) => ending.kill_at,
            Self::Running(_) | Self::Stopped => None,
        }
    }

    /// Sends SIGKILL to a process that did not end in time.
    pub(super) fn kill_if_due(&mut self) {
        if let Self::Down(Down { ending: Some(ending), .. }) = self
            && ending.kill_at.is_some_and(|moment| moment <= boottime())
        {
            ending.kill_at = None;
            let _ = ending.process.signal(Signal::KILL);
        }
    }

    /// Whether it is down and its time has come.
    pub(super) fn is_start_due(&self, now: Duration) -> bool {
        matches!(self, Self::Down(Down { ending: None, start }) if *start <= now)
    }
}
