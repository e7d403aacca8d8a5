//! Why the disturbing part of a run ended before its time.

use std::fmt;

/// Why the disturbing part of a run ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Something could not be prepared or injected.
    NotInjected(String),
    /// The hypothesis did not hold before; nothing was injected.
    Unsteady(String),
    /// Before anything was injected, too little was measured to say whether the hypothesis holds.
    Unmeasured(String),
    /// The operator, by a signal.
    Interrupted(String),
    /// An abort condition became true.
    Aborted(String),
    /// A fault could not be undone when its time was up.
    Stuck(String),
    /// The agent is gone, or gave up.
    AgentLost(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInjected(why)
            | Self::Unsteady(why)
            | Self::Unmeasured(why)
            | Self::Stuck(why) => formatter.write_str(why),
            Self::Interrupted(signal) => write!(formatter, "interrupted by {signal}"),
            Self::Aborted(why) => write!(formatter, "aborted: {why}"),
            Self::AgentLost(why) => write!(formatter, "the agent was lost: {why}"),
        }
    }
}
