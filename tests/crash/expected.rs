//! What each cell must come to, from `docs/exit-codes.md`.

use super::table::{Cell, Event, Fault, Network, Point};

const HELD: i32 = 0;
const NOT_INJECTED: i32 = 4;
const ABORTED: i32 = 5;
const INCONCLUSIVE: i32 = 7;
const PANICKED: i32 = 101;

impl Cell {
    /// Whether a run may end like this.
    pub(super) fn may_end_with(self, code: Option<i32>) -> bool {
        code == self.exit_code() || code == Some(HELD) && self.is_a_close_run()
    }

    /// Whether something may just have met a proxy before its target ended.
    fn is_a_close_run(self) -> bool {
        self.event == Event::TargetExits
            && matches!(self.fault, Fault::Network(Network::Http | Network::Stream))
            && (Point::MidApply..=Point::Probing).contains(&self.point)
    }

    /// The exit code; none where the controller is killed.
    pub(super) fn exit_code(self) -> Option<i32> {
        match self.event {
            Event::KillController | Event::KillBoth | Event::KillGroup => None,
            // The probes run in the controller; a program that panics has no verdict.
            Event::Panic if self.point == Point::Probing => Some(PANICKED),
            Event::KillAgent
            | Event::Panic
            | Event::Rollback
            | Event::StopController
            | Event::Interrupt
            | Event::TenInterrupts
            | Event::HangUp => Some(ABORTED),
            Event::NoSpace | Event::BadDisk => Some(self.exit_code_without_a_disk()),
            Event::TargetExits => Some(self.exit_code_without_a_target()),
            // An owned table cannot be flushed by others; a queueing discipline can.
            Event::ForeignFlush => Some(self.exit_code_after_a_flush()),
        }
    }

    /// An act that cannot be written down is not performed; one that was goes on.
    fn exit_code_without_a_disk(self) -> i32 {
        if self.point == Point::BeforeIntent { NOT_INJECTED } else { HELD }
    }

    /// A fault in nobody is none, and one whose target ended under it proves nothing. A load
    /// needs its target only to be placed; a kill and a restart end it themselves.
    fn exit_code_without_a_target(self) -> i32 {
        let early = self.point <= Point::AfterIntent;
        match self.fault {
            // A proxy has nobody to pass anything on to.
            Fault::Network(Network::Http | Network::Stream) if self.point <= Point::Probing => {
                INCONCLUSIVE
            }
            // The namespace or the directory is held, whoever is still in it.
            Fault::Restart
            | Fault::Partition
            | Fault::Latency
            | Fault::Fill
            | Fault::Network(_) => HELD,
            Fault::PauseByPtrace | Fault::PauseByFreezer | Fault::Pulse | Fault::Stress
                if self.point <= Point::MidApply =>
            {
                NOT_INJECTED
            }
            _ if early => NOT_INJECTED,
            Fault::PauseByPtrace | Fault::PauseByFreezer | Fault::Pulse
                if self.point <= Point::Probing =>
            {
                INCONCLUSIVE
            }
            _ => HELD,
        }
    }

    fn exit_code_after_a_flush(self) -> i32 {
        match self.fault {
            Fault::Latency if (Point::MidApply..=Point::Probing).contains(&self.point) => {
                INCONCLUSIVE
            }
            _ => HELD,
        }
    }

    /// Whether the fault is on when both processes die, and stays so until the next command.
    pub(super) fn leaves_the_fault(self) -> bool {
        self.event == Event::KillBoth && self.fault.outlives_both()
    }
}
