//! The three axes of the matrix, and which of their combinations cannot be.

use std::fmt;

/// What is injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Kill,
    PauseByPtrace,
    PauseByFreezer,
    /// A pause by the freezer that comes and goes; everything happens in its second pulse.
    Pulse,
    Restart,
    Stress,
    Fill,
    Partition,
    Latency,
    /// On a process that has a network of its own, which is there before and after the run.
    Network(Network),
}

/// A network fault by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    Drop,
    Reset,
    Chains,
    Loss,
    Delay,
    Rate,
    Connections,
    Names,
    Http,
    Stream,
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

    /// Whether its target is a process with a network of its own.
    pub(super) const fn has_own_network(self) -> bool {
        matches!(self, Self::Network(_))
    }

    /// Whether it is in the network namespace of a service of the run.
    pub(super) const fn is_in_a_network(self) -> bool {
        matches!(self, Self::Partition | Self::Latency)
    }

    /// Whether the fault may outlive agent and controller, until the next command (class G).
    pub(super) const fn outlives_both(self) -> bool {
        matches!(self, Self::PauseByFreezer | Self::Pulse | Self::Network(Network::Rate))
    }

    /// How many acts there are before the one of the fault: the run's network, the service, and the
    /// pulses before.
    pub(super) const fn acts_before(self) -> u32 {
        self.is_on_a_service() as u32 + self.is_in_a_network() as u32 + self.pulses_before()
    }

    /// How often the fault was put and taken away before.
    pub(super) const fn pulses_before(self) -> u32 {
        matches!(self, Self::Pulse) as u32
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
            Self { fault, event: E::ForeignFlush, .. }
                if !fault.is_in_a_network() && !fault.has_own_network() =>
            {
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
            Self::Pulse => "process-pause that pulses",
            Self::Restart => "process-restart",
            Self::Stress => "cpu-stress",
            Self::Fill => "disk-fill",
            Self::Partition => "network-partition",
            Self::Latency => "network-latency by netem",
            Self::Network(network) => network.name(),
        }
    }
}

impl Network {
    const fn name(self) -> &'static str {
        match self {
            Self::Drop => "network-partition of a process",
            Self::Reset => "network-partition by reset",
            Self::Chains => "network-partition by iptables",
            Self::Loss => "network-loss by nft",
            Self::Delay => "network-latency by queue",
            Self::Rate => "network-rate by tbf",
            Self::Connections => "connection-reset",
            Self::Names => "dns-failure",
            Self::Http => "http-fault",
            Self::Stream => "tcp-proxy",
        }
    }

    /// The fault as written.
    pub(super) const fn parameters(self) -> &'static str {
        match self {
            Self::Drop => "network-partition",
            Self::Reset => "{ network-partition: { mode: reset } }",
            Self::Chains => "{ network-partition: { engine: iptables } }",
            Self::Loss => "{ network-loss: { percent: 50%, engine: nft } }",
            Self::Delay => "{ network-latency: { delay: 5ms, engine: queue } }",
            // Every part there is: a detour for what is sent, and one for what is received.
            Self::Rate => {
                "{ network-rate: { rate: 8bit/s, direction: both, engine: tbf, peers: { ports: [18400] } } }"
            }
            Self::Connections => "{ connection-reset: { new: refuse } }",
            Self::Names => "{ dns-failure: { mode: nxdomain, names: ['*.test'] } }",
            Self::Http => "{ http-fault: { ports: [18400], answer: { status: 503 } } }",
            Self::Stream => "{ tcp-proxy: { ports: [18400], latency: { delay: 5ms } } }",
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
