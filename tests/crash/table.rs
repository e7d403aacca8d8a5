//! The three axes of the matrix, and which of their combinations cannot be.

use std::fmt;

/// What is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    PauseByPtrace,
    PauseByFreezer,
    Restart,
    Stress,
    Fill,
    Partition,
    Latency,
}

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    BeforeIntent,
    AfterIntent,
    MidApply,
    AfterApply,
    Probing,
    MidUndo,
    AfterUndo,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    KillController,
    KillAgent,
    KillBoth,
    Panic,
    StopController,
    Interrupt,
    TenInterrupts,
    HangUp,
    Rollback,
    KillGroup,
    NoSpace,
    BadDisk,
    TargetExits,
    ForeignFlush,
}

pub(super) const POINTS: [Point; 7] = [
    Point::BeforeIntent,
    Point::AfterIntent,
    Point::MidApply,
    Point::AfterApply,
    Point::Probing,
    Point::MidUndo,
    Point::AfterUndo,
];

pub(super) const EVENTS: [Event; 14] = [
    Event::KillController,
    Event::KillAgent,
    Event::KillBoth,
    Event::Panic,
    Event::StopController,
    Event::Interrupt,
    Event::TenInterrupts,
    Event::HangUp,
    Event::Rollback,
    Event::KillGroup,
    Event::NoSpace,
    Event::BadDisk,
    Event::TargetExits,
    Event::ForeignFlush,
];

/// One combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) fault: Fault,
    pub(super) point: Point,
    pub(super) event: Event,
}

impl Fault {
    /// Whether its target is a service of the run, which the run starts and stops.
    pub(super) const fn is_on_a_service(self) -> bool {
        matches!(self, Self::Restart | Self::Partition | Self::Latency)
    }

    /// Whether it is in a network namespace of the target's own.
    pub(super) const fn is_in_a_network(self) -> bool {
        matches!(self, Self::Partition | Self::Latency)
    }

    /// Whether the fault may outlive agent and controller, until the next command (class G).
    pub(super) const fn outlives_both(self) -> bool {
        matches!(self, Self::PauseByFreezer)
    }

    /// How many acts there are before the one of the fault: the run's network and the service.
    pub(super) const fn acts_before(self) -> u32 {
        self.is_on_a_service() as u32 + self.is_in_a_network() as u32
    }
}

impl Cell {
    /// Every combination of a fault.
    pub(super) fn all(fault: Fault) -> impl Iterator<Item = Self> {
        let of_point = move |point| EVENTS.map(|event| Self { fault, point, event });
        POINTS.into_iter().flat_map(of_point)
    }

    /// Why there is no such combination, if there is none.
    pub(super) fn impossible(self) -> Option<&'static str> {
        use {Event as E, Fault as F, Point as P};
        match self {
            Self { fault: F::Kill, point: P::MidUndo | P::AfterUndo, .. } => {
                Some("a kill has no undo")
            }
            Self {
                fault: F::Kill | F::Restart,
                point: P::Probing,
                event: E::NoSpace | E::BadDisk,
            } => Some("nothing is asked of the agent while the probes run"),
            Self { fault, event: E::ForeignFlush, .. } if !fault.is_in_a_network() => {
                Some("the fault has no rules to flush")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}", self.fault.name(), self.point.name(), self.event.name())
    }
}

impl Fault {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "process-kill",
            Self::PauseByPtrace => "process-pause by ptrace",
            Self::PauseByFreezer => "process-pause by freezer",
            Self::Restart => "process-restart",
            Self::Stress => "cpu-stress",
            Self::Fill => "disk-fill",
            Self::Partition => "network-partition",
            Self::Latency => "network-latency",
        }
    }
}

impl Point {
    /// As in `failpoint::hit`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::BeforeIntent => "before-intent",
            Self::AfterIntent => "after-intent",
            Self::MidApply => "mid-apply",
            Self::AfterApply => "after-apply",
            Self::Probing => "probing",
            Self::MidUndo => "mid-undo",
            Self::AfterUndo => "after-undo",
        }
    }
}

impl Event {
    const fn name(self) -> &'static str {
        match self {
            Self::KillController => "SIGKILL to the controller",
            Self::KillAgent => "SIGKILL to the agent",
            Self::KillBoth => "SIGKILL to both",
            Self::Panic => "a panic",
            Self::Rollback => "SIGTERM to the agent, as rollback sends it",
            Self::StopController => "SIGSTOP to the controller past the deadline",
            Self::Interrupt => "SIGINT",
            Self::TenInterrupts => "ten SIGINTs",
            Self::HangUp => "SIGHUP with stdout closed",
            Self::KillGroup => "cgroup.kill of the controller's group",
            Self::NoSpace => "ENOSPC on the journal",
            Self::BadDisk => "EIO on the journal",
            Self::TargetExits => "the target exits",
            Self::ForeignFlush => "a foreign flush of rules",
        }
    }
}
