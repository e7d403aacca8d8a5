//! One cell: set the stage, run up to the point, let it happen, and look.

use std::fmt::Write;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::controller::Controller;
use super::event;
use super::point::Ahead;
use super::stage::{Stage, heartbeat};
use super::state::{BOOKKEEPING, State, restored};
use super::table::{Cell, Event, Fault, Point};

/// How long healing may take.
const HEALING: Duration = Duration::from_secs(2);
/// How long a run may take to its end in all.
const END: Duration = Duration::from_secs(10);

impl Cell {
    /// Plays it; why it does not hold, if so.
    pub(super) fn play(self) -> Result<(), String> {
        let mut stage = Stage::set(self);
        let before = State::read(&stage);
        let ahead = Ahead::listen(stage.path("point"));
        let (name, count) = self.hit();
        let mut controller = stage.start(self, &ahead, name, count);
        let result = self.act_on(&mut stage, &mut controller, ahead, &before);
        result.map_err(|why| format!("{why}{}", evidence(&stage)))
    }

    fn act_on(
        self,
        stage: &mut Stage,
        controller: &mut Controller,
        ahead: Ahead,
        before: &State,
    ) -> Result<(), String> {
        let stopped =
            ahead.reached(controller.pidfd().as_fd()).ok_or("the point was not reached")?;
        if self.fault.is_in_a_network() {
            stage.meet_service().ok_or("the service is not in the journal")?;
        }
        event::happen(self, stage, controller, stopped)?;
        // What the stage has learned meanwhile counts from here on.
        let before = match stage.namespace() {
            Some(_) => before.with_empty_network(),
            None => before.clone(),
        };
        if self.event == Event::StopController {
            // The agent heals on its own; what it tells and closes waits for its controller.
            let rest = |state: &State| {
                self.seen(state).without(&BOOKKEEPING).without(&["processes of the run"])
            };
            stage.await_surrender(self.fault.acts_before() + 1, heartbeat())?;
            restored(stage, rest, &before, HEALING)?;
            let tool = i32::try_from(controller.pid()).map_err(|error| error.to_string())?;
            kill(Pid::from_raw(tool), Signal::SIGCONT).map_err(|error| error.to_string())?;
        }
        let status = controller.wait(END).ok_or("the controller did not end")?;
        if !self.may_end_with(status.code()) {
            return Err(format!("exit code {:?}, expected {:?}", status.code(), self.exit_code()));
        }
        self.look(stage, &before)
    }

    /// Compares the state after with the state before, and asks the program itself.
    fn look(self, stage: &Stage, before: &State) -> Result<(), String> {
        let seen = |state: &State| self.seen(state);
        let first = |state: &State| match self.event {
            Event::KillBoth => seen(state).without(&BOOKKEEPING),
            Event::NoSpace | Event::BadDisk => seen(state).without(&["journal"]),
            _ => seen(state),
        };
        if !self.leaves_the_fault() {
            restored(stage, first, before, HEALING)?;
        }
        let status = stage.status();
        if status.code != Some(0) {
            return Err(format!("`status` says: {status}"));
        }
        if self.event == Event::KillBoth && !status.stderr.contains("had died") {
            return Err(format!("`status` is silent about what was left: {status}"));
        }
        restored(stage, seen, before, HEALING).map_err(|why| format!("after `status`: {why}"))
    }

    /// What is compared: all but a target that was meant to end.
    fn seen(self, state: &State) -> State {
        match self {
            Self { event: Event::TargetExits, .. } | Self { fault: Fault::Kill, .. } => {
                state.without_target()
            }
            _ => state.clone(),
        }
    }

    /// The failpoint of this cell, and which hit of it belongs to the fault.
    fn hit(self) -> (&'static str, u32) {
        match self.point {
            Point::BeforeIntent | Point::AfterIntent | Point::AfterApply => {
                (self.point.name(), 1 + self.fault.acts_before())
            }
            // The journal's disk fails in the agent, which is asked about the fault meanwhile.
            Point::Probing if matches!(self.event, Event::NoSpace | Event::BadDisk) => {
                ("verifying", 1 + self.fault.pulses_before())
            }
            // So many samples are taken before the second pulse.
            Point::Probing if self.fault == Fault::Pulse => (self.point.name(), 35),
            _ => (self.point.name(), 1 + self.fault.pulses_before()),
        }
    }
}

/// What the program said, for whoever reads of a failure.
fn evidence(stage: &Stage) -> String {
    let mut text = String::new();
    let log = stage.run_folder().map(|folder| folder.join("agent.log"));
    for path in [Some(stage.path("stderr")), Some(stage.path("stdout")), log].into_iter().flatten()
    {
        let said = std::fs::read_to_string(&path).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().display().to_string();
        for line in said.lines().filter(|line| !line.trim().is_empty()) {
            let _ = write!(text, "\n      {name}| {line}");
        }
    }
    text
}
